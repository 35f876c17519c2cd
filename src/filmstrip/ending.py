"""What ``finish()`` shows: a bar while it waits, a line at the end, and what went wrong."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filmstrip.writer import WriterReport

__all__ = ["end_line", "is_quiet", "print_line", "waiting_bar", "what_went_wrong"]

_SILENT_SECS = 1.0
"""How long to wait before a bar says so."""


def is_quiet(quiet: bool | None) -> bool:
    """Return whether nothing is to be printed; ``FILMSTRIP_QUIET`` decides for None."""
    return os.environ.get("FILMSTRIP_QUIET", "") not in ("", "0") if quiet is None else quiet


def print_line(text: str) -> None:
    """Print a line where it does not mix with a script's output."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def end_line(run_id: str, report: WriterReport, elapsed_secs: float) -> str:
    """Return what became of a run, in one line.

    Examples
    --------
    >>> report = WriterReport(200, 25, 77_000_000, 157_000_000, 0, 0, 0, False, "")
    >>> end_line("a1b2", report, 61.5)
    'filmstrip: run a1b2: 200 images, 25 records of values, 77.0 MB (49 % of the pixels) in 61.5 s'
    """
    parts = [_count(report.num_images, "image"), _count(report.num_values, "record") + " of values"]
    size = _size(report.shard_bytes)
    if report.pixel_bytes:
        size += f" ({100 * report.shard_bytes / report.pixel_bytes:.0f} % of the pixels)"
    parts.append(f"{size} in {elapsed_secs:.1f} s")
    if report.num_dropped:
        parts.append(f"{report.num_dropped} dropped")
    if report.num_lost:
        parts.append(f"{report.num_lost} lost")
    if report.num_spooled:
        parts.append(f"{report.num_spooled} left in the spool")
    return f"filmstrip: run {run_id}: {', '.join(parts)}"


def what_went_wrong(report: WriterReport, run_dir: Path, *, is_done: bool) -> str:
    """Return what became of records that are not stored; empty when all are."""
    if not is_done:
        return (
            f"{report.num_spooled} records are still being encoded; a process of its own goes on "
            f"with them: {run_dir}"
        )
    found = []
    if report.num_lost:
        found.append(f"{report.num_lost} of the logged records could not be stored")
    if report.num_dropped:
        found.append(f"{report.num_dropped} of the logged records were dropped")
    if report.num_spooled:
        found.append(
            f"{report.num_spooled} of the logged records wait in the spool until "
            "`filmstrip repair` can store them"
        )
    cause = f" ({report.cause})" if report.cause else ""
    return f"{', '.join(found)}{cause}" if found else ""


@contextlib.contextmanager
def waiting_bar(*, is_shown: bool) -> Iterator[Callable[[WriterReport], None]]:
    """Give a function to call while waiting, which shows how far the encoder is."""
    with contextlib.ExitStack() as stack:
        yield _Bar(stack) if is_shown and _is_terminal() else _silent


class _Bar:
    """A bar that comes once waiting takes long."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._show_at = time.monotonic() + _SILENT_SECS
        self._update: Callable[[int, int], None] | None = None

    def __call__(self, report: WriterReport) -> None:
        if time.monotonic() < self._show_at:
            return
        done = report.num_images + report.num_values + report.num_lost
        if self._update is None:
            self._update = self._shown()
        self._update(done, done + report.num_spooled)

    def _shown(self) -> Callable[[int, int], None]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("filmstrip: storing"), BarColumn(), MofNCompleteColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._stack.enter_context(bar)
        task = bar.add_task("", total=None)
        return lambda done, total: bar.update(task, completed=done, total=total)


def _silent(report: WriterReport) -> None:
    del report


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _size(size_bytes: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
