"""The lock of whoever rewrites a writer's shards; the kernel drops it when its process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filmstrip.errors import RunBusyError

__all__ = ["rewrite_lock"]


@contextmanager
def rewrite_lock(run_dir: Path, writer: str) -> Iterator[None]:
    """Hold the lock while the block runs; its file is gone afterwards.

    Raises
    ------
    RunBusyError
        Another process holds it.
    OSError
        The folder cannot be written.
    """
    path = run_dir / f".{writer}.lock"
    fd = _locked(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits for it finds another file
        os.close(fd)


def _locked(path: Path) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, fd):
                return fd
        except BlockingIOError:
            os.close(fd)
            raise RunBusyError(
                f"to be the only one that prunes run {path.parent.name!r}",
                got="another process that does",
                fix="try again when it is done",
            ) from None
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _is_at(path: Path, fd: int) -> bool:
    """Return whether the open file is the one at this path, and not one deleted since."""
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False
