"""Whether a run is being logged to, has ended, or was cut off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filmstrip.record import RunInfo, WriterInfo

__all__ = ["shown_state"]


def shown_state(run_dir: Path, info: RunInfo, writers: Sequence[WriterInfo]) -> str:
    """Return ``running``, ``finished``, ``failed``, or ``crashed`` of a run that had no end.

    What ``run.json`` says holds, but for two cases: a process that was killed could not write there
    that it ended, and of one whose machine went down nobody could.

    Parameters
    ----------
    run_dir
        Folder of the run.
    info
        What its ``run.json`` says.
    writers
        Those who write, or wrote, to it.
    """
    if info.state == "failed":
        return "crashed" if any(writer.state == "killed" for writer in writers) else "failed"
    if info.state != "running" or not writers:  # version 0.1 did not say who writes
        return info.state
    from filmstrip.repair import is_live

    return "running" if any(is_live(run_dir, writer) for writer in writers) else "crashed"
