"""Whether a disk has room: writing stops before nothing is left for the training itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = ["MIN_FREE_BYTES", "check_free_space"]

MIN_FREE_BYTES = 128 * 2**20
"""What stays free, in bytes, unless ``FILMSTRIP_MIN_FREE_BYTES`` says otherwise."""


def check_free_space(path: Path, wanted_bytes: int) -> None:
    """Raise when so many bytes would leave the file system of a path too little.

    Raises
    ------
    OSError
        ``ENOSPC``.
    """
    try:
        stat = os.statvfs(path)
    except OSError:  # writing itself will say what is wrong
        return
    if stat.f_bavail * stat.f_frsize - wanted_bytes < min_free_bytes():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def min_free_bytes() -> int:
    """Return how much is to stay free, in bytes."""
    text = os.environ.get("FILMSTRIP_MIN_FREE_BYTES", "")
    return int(text) if text.isdigit() else MIN_FREE_BYTES
