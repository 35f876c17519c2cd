"""A progress bar on stderr, for what takes longer than a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["ProgressBar", "progress"]

_QUIET_SECS = 1.0
"""What takes less than this shows no bar."""


class ProgressBar:
    """A bar that shows itself on a terminal when its time has come; `progress` makes one.

    Until something is reported it only shows that there is work.

    Parameters
    ----------
    what
        Short text beside the bar.
    quiet_secs
        How long to wait before the bar is shown.
    """

    def __init__(self, what: str, *, quiet_secs: float) -> None:
        self._what = what
        self._done, self._total = 0, 0
        self._lock = threading.Lock()
        self._shown: Progress | None = None
        self._is_over = not sys.stderr.isatty()
        self._timer = threading.Timer(quiet_secs, self._show)
        self._timer.daemon = True
        if quiet_secs <= 0:
            self._show()
        elif not self._is_over:
            self._timer.start()

    def __call__(self, done: int, total: int) -> None:
        """Report how much of how much is done."""
        with self._lock:
            self._done, self._total = done, total
            if self._shown is not None:
                self._shown.update(self._shown.task_ids[0], completed=done, total=total)

    def describe(self, what: str) -> None:
        """Begin something else: another text, and the bar from the start."""
        with self._lock:
            self._what = what
            if self._shown is not None:
                self._shown.reset(self._shown.task_ids[0], description=what)

    def stop(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._shown is not None:
                self._shown.stop()

    def _show(self) -> None:
        with self._lock:
            if self._is_over:
                return
            self._shown = _new_progress()
            self._shown.add_task(self._what, completed=self._done, total=self._total or None)
            self._shown.start()


@contextmanager
def progress(what: str, *, quiet_secs: float = _QUIET_SECS) -> Iterator[ProgressBar]:
    """Show a progress bar while the block runs, once that has taken so long; gone when it ends.

    Parameters
    ----------
    what
        Short text beside the bar.
    quiet_secs
        How long to wait before the bar is shown.
    """
    bar = ProgressBar(what, quiet_secs=quiet_secs)
    try:
        yield bar
    finally:
        bar.stop()


def _new_progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
