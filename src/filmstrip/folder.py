"""The store's folder: where it is, whether it is ours, and the runs in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from filmstrip.errors import OptionError, StoreError, StoreNotFoundError
from filmstrip.record import RunInfo, decode_run_info, encode_run_info

__all__ = [
    "RUNS_DIR",
    "RUN_FILE",
    "check_run_id",
    "default_store_dir",
    "find_store",
    "prepare_store",
    "read_run_info",
    "write_run_info",
]

RUNS_DIR = "runs"
RUN_FILE = "run.json"

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
        if not (path / RUNS_DIR).is_dir():
            if any(path.iterdir()):
                raise _not_ours(path)
            (path / RUNS_DIR).mkdir()
            (path / ".gitignore").write_text("*\n", encoding="utf-8")
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            "a folder that can be written",
            got=f"{error.strerror}: {path}",
            fix="pass dir= or set FILMSTRIP_DIR",
        ) from error
    if not os.access(path / RUNS_DIR, os.W_OK | os.X_OK):
        raise StoreError(
            "a folder that can be written",
            got=f"one without write permission: {path}",
            fix="pass dir= or set FILMSTRIP_DIR",
        )
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
    if (path / RUNS_DIR).is_dir():
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
    temporary = run_dir / f".{RUN_FILE}.{os.getpid()}"
    try:
        temporary.write_bytes(encode_run_info(info))
        temporary.replace(run_dir / RUN_FILE)
    finally:
        temporary.unlink(missing_ok=True)


def _not_ours(path: Path) -> StoreError:
    if not path.is_dir():
        return StoreError("a folder", got=f"a file: {path}", fix="pass dir= or set FILMSTRIP_DIR")
    return StoreError(
        "a filmstrip store or an empty folder",
        got=f"a folder of other things: {path}",
        fix=f"pass a folder inside it, such as dir={str(path / '.filmstrip')!r}",
    )
