"""The store's folder: where it is, whether it is ours, and the runs in it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
from pathlib import Path

from filmstrip.errors import OptionError, StoreError, StoreNotFoundError
from filmstrip.record import (
    RecordDamagedError,
    RunInfo,
    WriterInfo,
    decode_run_info,
    decode_writer_info,
    encode_run_info,
    encode_writer_info,
)

__all__ = [
    "RUNS_DIR",
    "RUN_FILE",
    "THUMBNAILS_DIR",
    "check_run_id",
    "default_store_dir",
    "find_store",
    "prepare_store",
    "read_run_info",
    "read_writer_info",
    "read_writers",
    "spool_path",
    "unwritable",
    "write_run_info",
    "write_writer_info",
]

RUNS_DIR = "runs"
RUN_FILE = "run.json"
THUMBNAILS_DIR = "thumbnails"
"""Made of the pictures by the viewer's server, and made again when it is gone."""

_MARKER, _MARKER_TEXT = ".gitignore", b"*\n"
"""Keeps a store out of git, and tells that a folder is one."""

_RUN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def default_store_dir() -> Path:
    """Return ``FILMSTRIP_DIR``, or ``.filmstrip`` in the working folder."""
    return Path(os.environ.get("FILMSTRIP_DIR") or ".filmstrip")


def prepare_store(path: Path) -> Path:
    """Return the absolute path of a store that can be written, made if it does not exist.

    Raises
    ------
    StoreError
        The folder cannot be written, or holds other things.
    """
    path = path.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not _is_store(path):
            _make_store(path)
    except StoreError:
        raise
    except OSError as error:
        raise unwritable(f"{error.strerror}: {path}") from error
    if not os.access(path / RUNS_DIR, os.W_OK | os.X_OK):
        raise unwritable(f"one without write permission: {path}")
    return path


def find_store(path: Path) -> Path:
    """Return the absolute path of a store that exists.

    Raises
    ------
    StoreNotFoundError
        There is nothing at this path.
    StoreError
        There is something, but no store.
    """
    path = path.absolute()
    if _is_store(path):
        return path
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        raise StoreNotFoundError(path)
    raise _not_ours(path)


def check_run_id(run_id: str) -> str:
    """Return the id, which names a folder.

    Raises
    ------
    OptionError
        It has other characters than letters, digits, ``_``, ``.`` and ``-``, or over 128 of them.

    Examples
    --------
    >>> check_run_id("lr-0.1_a")
    'lr-0.1_a'
    """
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise OptionError(
            "id of 1 to 128 letters, digits, '_', '.' and '-', not beginning with '.' or '-'",
            got=repr(run_id),
            fix="use name= for free text",
        )
    return run_id


def read_run_info(run_dir: Path) -> RunInfo:
    """Return what a run's ``run.json`` says.

    Raises
    ------
    OSError
        It cannot be read.
    RecordDamagedError
        It is not a run's description.
    """
    return decode_run_info((run_dir / RUN_FILE).read_bytes())


def write_run_info(run_dir: Path, info: RunInfo) -> None:
    """Replace a run's ``run.json`` so that a reader sees the old one or the new one, never a part.

    Raises
    ------
    OSError
        It cannot be written; the old one stays.
    """
    _replace_file(run_dir / RUN_FILE, encode_run_info(info))


def read_writer_info(run_dir: Path, name: str) -> WriterInfo:
    """Return what ``<writer>.json`` says.

    Raises
    ------
    OSError
        It cannot be read.
    RecordDamagedError
        It is not a writer's description.
    """
    return decode_writer_info((run_dir / f"{name}.json").read_bytes())


def read_writers(run_dir: Path) -> list[WriterInfo]:
    """Return the writers of a run, by session, rank and name; unreadable ones are left out."""
    found: list[WriterInfo] = []
    for path in run_dir.glob("r*-s*.json"):
        with contextlib.suppress(OSError, RecordDamagedError):
            found.append(read_writer_info(run_dir, path.stem))
    return sorted(found, key=lambda info: (info.session, info.rank, info.name))


def write_writer_info(run_dir: Path, info: WriterInfo) -> None:
    """Replace ``<writer>.json``, as `write_run_info` does.

    Raises
    ------
    OSError
        It cannot be written; the old one stays.
    """
    _replace_file(run_dir / f"{info.name}.json", encode_writer_info(info))


def spool_path(run_dir: Path, info: WriterInfo) -> Path:
    """Return where a writer's spool is while it lives, or after it was killed."""
    return Path(info.spool) if info.spool else run_dir / f"{info.name}.spool"


def _replace_file(path: Path, data: bytes) -> None:
    # The token: two containers may have the same name and numbers of processes, and one folder.
    owner = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
    temporary = path.with_name(f".{path.name}.{owner}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def unwritable(got: str) -> StoreError:
    """Return the error for a store that cannot be written."""
    return StoreError("a folder that can be written", got=got, fix="pass dir= or set FILMSTRIP_DIR")


def _is_store(path: Path) -> bool:
    """Return whether the folder is ours; other tools have a folder ``runs`` too."""
    runs = path / RUNS_DIR
    if not runs.is_dir():
        return False
    return _is_marked(path) or next(runs.glob(f"*/{RUN_FILE}"), None) is not None


def _is_marked(path: Path) -> bool:
    try:
        return (path / _MARKER).read_bytes() == _MARKER_TEXT
    except OSError:
        return False


def _make_store(path: Path) -> None:
    """Make an empty folder a store; several processes may do so at once."""
    others = {entry.name for entry in path.iterdir()} - {_MARKER}
    if others and not _is_marked(path):
        raise _not_ours(path)
    _mark(path)
    (path / RUNS_DIR).mkdir(exist_ok=True)


def _mark(path: Path) -> None:
    """Write the marker, without emptying it first: to others it is there once `RUNS_DIR` is."""
    file = os.open(path / _MARKER, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        if os.fstat(file).st_size == 0:
            os.write(file, _MARKER_TEXT)
    finally:
        os.close(file)


def _not_ours(path: Path) -> StoreError:
    if not path.is_dir():
        return StoreError("a folder", got=f"a file: {path}", fix="pass dir= or set FILMSTRIP_DIR")
    return StoreError(
        "a filmstrip store or an empty folder",
        got=f"a folder of other things: {path}",
        fix=f"pass a folder inside it, such as dir={str(path / '.filmstrip')!r}",
    )
