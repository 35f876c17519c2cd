"""Warnings at the user's own line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from filmstrip.errors import FilmstripWarning, one_line

__all__ = ["warn_user"]

_PACKAGE_DIR = str(Path(__file__).parent)


def warn_user(message: str) -> None:
    """Give a `FilmstripWarning` that names the nearest line outside filmstrip."""
    level, frame = 2, sys._getframe(1)  # inspect.stack() would read source files
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE_DIR):
        frame = frame.f_back
        level += 1
    warnings.warn(one_line(message), FilmstripWarning, stacklevel=level)
