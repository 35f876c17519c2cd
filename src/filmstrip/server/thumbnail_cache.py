"""Thumbnails on disk: derived, bounded, safe to delete at any time, shared by several servers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from filmstrip.folder import THUMBNAILS_DIR

__all__ = ["ThumbnailCache"]

MAX_BYTES = 2**30

_TRIM_TO = 0.8
"""How much is kept when the bound is reached: trimming looks at every file."""


class ThumbnailCache:
    """Small files by name, in the store where that can be written, else in a temporary folder.

    A file is written under another name and renamed, so that readers find it whole or not at all.
    When the bound is reached, those that were used longest ago go.

    Parameters
    ----------
    store_dir
        Folder of the store.
    max_bytes
        Bound of all files together.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = ThumbnailCache(Path(folder))
    ...     cache.put("ab12-64", b"small")
    ...     cache.get("ab12-64"), cache.get("ab12-128")
    (b'small', None)
    """

    def __init__(self, store_dir: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._dirs = [store_dir / THUMBNAILS_DIR]
        self._max_bytes = max_bytes
        self._sizes: dict[Path, int] = {}
        self._lock = Lock()
        self._reason = ""
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def get(self, name: str) -> bytes | None:
        """Return what was put under a name; None when there is nothing."""
        for folder in self._dirs:
            path = self._path(folder, name)
            try:
                data = path.read_bytes()
            except OSError:
                continue
            with suppress(OSError):
                os.utime(path)  # the time of the last use
            return data
        return None

    def put(self, name: str, data: bytes) -> None:
        """Keep data under a name; where nothing can be written, it is not kept."""
        reason = ""
        for folder in self._folders():
            failure = _write(self._path(folder, name), data)
            if failure is None:
                self._grow(folder, len(data))
                break
            reason = reason or failure
        self._reason = reason

    @property
    def problem(self) -> str:
        """Why thumbnails are not kept in the store; empty when they are."""
        if not self._reason:
            return ""
        return (
            f"thumbnails are not kept in the store ({self._reason}); they are made anew each time"
        )

    def close(self) -> None:
        """Delete the temporary folder, if one was needed."""
        if self._temporary is not None:
            self._temporary.cleanup()

    @staticmethod
    def _path(folder: Path, name: str) -> Path:
        return folder / name[:2] / f"{name}.webp"

    def _folders(self) -> Iterator[Path]:
        """Yield where to write: the store, and if that was not possible, a temporary folder."""
        yield self._dirs[0]
        with self._lock:
            if self._temporary is None:
                with suppress(OSError):
                    self._temporary = tempfile.TemporaryDirectory(prefix="filmstrip-")
                    self._dirs.append(Path(self._temporary.name) / THUMBNAILS_DIR)
        yield from self._dirs[1:]

    def _grow(self, folder: Path, size_bytes: int) -> None:
        with self._lock:
            before = self._sizes.get(folder)
            now = _size_bytes(folder) if before is None else before + size_bytes
            if now > self._max_bytes:
                now = _trim(folder, int(self._max_bytes * _TRIM_TO))
            self._sizes[folder] = now


def _write(path: Path, data: bytes) -> str | None:
    """Write a file so that it is whole or not there; return why that was not possible."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if not path.parent.parent.parent.is_dir():
            return "it is gone"  # nothing of a deleted store is made again
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return error.strerror or str(error)
    return None


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """Return time of the last use, size and path of every file."""
    found = []
    for path in folder.glob("*/*.webp"):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return found


def _size_bytes(folder: Path) -> int:
    return sum(size for _, size, _ in _files(folder))


def _trim(folder: Path, max_bytes: int) -> int:
    files = sorted(_files(folder))
    size_bytes = sum(size for _, size, _ in files)
    for _, size, path in files:
        if size_bytes <= max_bytes:
            break
        with suppress(OSError):
            path.unlink(missing_ok=True)
        size_bytes -= size
    return size_bytes
