"""What a store's run folders look like from outside: cheap to take, different after a change."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from filmstrip.folder import RUNS_DIR

__all__ = ["FileMark", "Footprint", "RunMark", "changed_runs", "take_footprint"]

_ENDINGS = (".tar", ".json")
"""Shards, and who the run and its writers are. Spools change with every picture."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """One file of a run, or its folder."""

    name: str
    """Empty for the folder."""
    size_bytes: int
    inode: int
    modified_ns: int


RunMark = tuple[FileMark, ...]
"""The folder, then its files by name."""
Footprint = dict[str, RunMark]
"""The files of each run, by the run's id."""


def take_footprint(
    store_dir: Path, *, known: Footprint | None = None, settled: Collection[str] = ()
) -> Footprint:
    """Return the marks of every run's files; a run that goes away meanwhile is left out.

    Parameters
    ----------
    store_dir
        Folder of the store.
    known
        The footprint before.
    settled
        Runs that have ended: when their folder is as it was, so are their files, and are not looked
        at.

    Raises
    ------
    OSError
        The store is gone, or cannot be read.
    """
    found: Footprint = {}
    with os.scandir(store_dir / RUNS_DIR) as runs:
        for run in runs:
            before = known.get(run.name) if known and run.name in settled else None
            mark = _run_mark(run, before)
            if mark is not None:
                found[run.name] = mark
    return found


def changed_runs(before: Footprint, now: Footprint) -> list[str]:
    """Return the ids of runs that came, went or changed.

    Examples
    --------
    >>> mark = (FileMark("r0-00000.tar", 512, 1, 0),)
    >>> changed_runs({"a": mark, "b": mark}, {"a": mark, "c": mark})
    ['b', 'c']
    """
    return sorted(run for run in before.keys() | now.keys() if before.get(run) != now.get(run))


def _run_mark(run: os.DirEntry[str], before: RunMark | None) -> RunMark | None:
    try:
        if not run.is_dir():
            return None
        folder = _file_mark(run, name="")
        if before and before[0] == folder:
            return before
        with os.scandir(run.path) as files:
            marks = [_file_mark(file) for file in files if file.name.endswith(_ENDINGS)]
            return (folder, *sorted(marks, key=lambda mark: mark.name))
    except OSError:  # deleted, or a file of it replaced, between two looks
        return None


def _file_mark(file: os.DirEntry[str], *, name: str | None = None) -> FileMark:
    status = file.stat()
    size_bytes = 0 if name == "" else status.st_size
    return FileMark(
        file.name if name is None else name, size_bytes, status.st_ino, status.st_mtime_ns
    )
