"""Targets: where an export goes. Nothing stands under its name until it is whole.

Everything is written to a temporary name on the same file system first. A user's files are never
deleted; with ``overwrite=True`` files of the same name are replaced, all others stay.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from filmstrip.errors import ExportError

__all__ = ["Target", "check_target", "staged"]


@dataclass(frozen=True, slots=True)
class Target:
    """A place that an export may be written to."""

    path: Path
    is_file: bool


def check_target(path: Path, *, is_file: bool, overwrite: bool, runs_dir: Path) -> Target:
    """Return the target, or say why nothing can be written there.

    Parameters
    ----------
    path
        Of the file or folder.
    is_file
        Which of the two it is to be.
    overwrite
        Whether files that exist may be replaced.
    runs_dir
        The store's folder of runs, where nothing else may be written.

    Raises
    ------
    ExportError
        It exists and may not be overwritten, is a folder instead of a file or the reverse, or lies
        among the runs.
    """
    path = path.absolute()
    runs = runs_dir.resolve()
    if runs == path.resolve() or runs in path.resolve().parents:
        raise ExportError(
            "a target outside the store's runs", got=str(path), fix="export to another folder"
        )
    if is_file and path.is_dir():
        raise ExportError("the path of a file", got=f"a folder: {path}", fix="add a file name")
    if not is_file and path.exists() and not path.is_dir():
        raise ExportError("the path of a folder", got=f"a file: {path}", fix="pass another path")
    is_used = path.exists() and (is_file or any(path.iterdir()))
    if is_used and not overwrite:
        raise ExportError(
            "a target that does not exist yet" if is_file else "a new or an empty folder",
            got=f"an existing file: {path}" if is_file else f"a folder with files: {path}",
            fix="name another path, or ask to overwrite (overwrite=True, --overwrite)",
        )
    return Target(path, is_file)


@contextmanager
def staged(target: Target) -> Iterator[Path]:
    """Give a temporary path, which gets the target's name when the block ends without an error.

    A temporary folder exists already, a temporary file does not. Whatever ends the block otherwise,
    a keyboard interrupt included, deletes what was written.

    Raises
    ------
    OSError
        The place cannot be written.
    """
    path = target.path
    # In a folder that exists the new files are staged inside it: its parent may be another disk.
    parent = path if path.is_dir() else path.parent
    parent.mkdir(parents=True, exist_ok=True)
    temporary = (
        parent / f".filmstrip-{uuid4().hex[:12]}.part{path.suffix if target.is_file else ''}"
    )
    try:
        if not target.is_file:
            temporary.mkdir()
        yield temporary
        if target.is_file or not path.exists():
            temporary.replace(path)
        else:
            _merge(temporary, path)
    finally:
        _delete(temporary)


def _merge(source: Path, target: Path) -> None:
    """Move every file of one folder into another, replacing those of the same name."""
    for file in sorted(source.rglob("*")):
        if not file.is_dir():
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)


def _delete(temporary: Path) -> None:
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)
