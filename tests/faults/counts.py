"""How often the faults come: ``FILMSTRIP_FAULTS=full`` for all of them, else a short pass."""

from __future__ import annotations

import os
import sys

IS_FULL = os.environ.get("FILMSTRIP_FAULTS") == "full"


def times(full: int, short: int) -> int:
    """Return how often a fault is to come in this pass."""
    return full if IS_FULL else short


def report(outcome: str) -> None:
    """Print what became of a full pass; pytest shows it with ``-s``."""
    if IS_FULL:
        sys.stdout.write(f"{outcome}\n")
