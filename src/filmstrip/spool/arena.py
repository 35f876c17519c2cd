"""The spool's pixel memory: where `Image` copies pixels to, so that ``log()`` need not copy again.

It is a part of the spool's file, mapped. Pixels that stand in it survive the process as everything
in the file does; what ``log()`` adds is the record that says where. A block is free when its image
is gone and the encoder has stored it.

A mapped page that the disk has no room for would end the process (SIGBUS). So room is reserved
before a block is handed out (``posix_fallocate``), and only on file systems that keep that promise.
"""

from __future__ import annotations

import bisect
import ctypes
import mmap
import os
import sys
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from filmstrip.disk import check_free_space

__all__ = ["Arena", "Extents", "can_reserve"]

_PAGE_BYTES = 4096
_GROW_BYTES = 16 * 2**20
"""How much room on the disk is reserved at once."""

_WARM_BYTES = 2 * 2**20
"""How much is mapped at once by the thread that does so ahead."""

_WARM_AFTER_SECS = 0.1
"""Runs that are over sooner need no warm pages."""

_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14; the mmap module does not name it

_RESERVING = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "overlay"})
"""File systems on which reserved room stays: others copy on write, or are somewhere else."""


class Extents:
    """The free parts of a range, lowest first: the same pages are used again and again.

    Examples
    --------
    >>> extents = Extents(100)
    >>> extents.take(40), extents.take(40), extents.take(40)
    (0, 40, None)
    >>> extents.give_back(0, 40)
    >>> extents.take(10)
    0
    """

    def __init__(self, size_bytes: int) -> None:
        self._starts, self._ends = [0], [size_bytes]

    def take(self, size_bytes: int) -> int | None:
        """Return the start of a part that is free no longer; None when none is large enough."""
        for place, start in enumerate(self._starts):
            if self._ends[place] - start >= size_bytes:
                self._starts[place] += size_bytes
                if self._starts[place] == self._ends[place]:
                    del self._starts[place], self._ends[place]
                return start
        return None

    def give_back(self, start: int, size_bytes: int) -> None:
        """Have a part be free again, in one with those beside it."""
        end = start + size_bytes
        place = bisect.bisect(self._starts, start)
        self._starts.insert(place, start)
        self._ends.insert(place, end)
        for left in (place, place - 1):
            if 0 <= left < len(self._starts) - 1 and self._ends[left] == self._starts[left + 1]:
                del self._ends[left], self._starts[left + 1]


@dataclass(slots=True)
class _Block:
    """A part of the arena that is in use."""

    size_bytes: int
    is_leased: bool = True
    """Whether an array stands in it."""
    num_waiting: int = 0
    """Entries that name it and are not drained."""
    is_pinned: bool = False
    """Whether a forked process may still look at it: it is never used again."""


class Arena:
    """Mapped memory in a file, handed out in blocks.

    Parameters
    ----------
    path
        The file. It is opened once more: a mapping keeps the lock of what it was made from, in
        forked processes too.
    offset
        Where the memory begins in it, a multiple of 4096.
    size_bytes
        How large it is, likewise.

    Raises
    ------
    OSError
        The file cannot be mapped.
    """

    def __init__(self, path: Path, offset: int, size_bytes: int) -> None:
        self._offset, self.size_bytes, self._folder = offset, size_bytes, path.parent
        self._reserved_bytes = 0
        self._extents = Extents(size_bytes)
        self._blocks: dict[int, _Block] = {}
        self._waiting: deque[tuple[int, int]] = deque()
        # Reentrant: the garbage collector may give a block back while this thread takes one.
        self._lock = threading.RLock()
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._mapping = mmap.mmap(self._fd, size_bytes, offset=offset)
        self._memory = np.frombuffer(self._mapping, np.uint8)
        self._address: int = self._memory.__array_interface__["data"][0]
        self._closed = threading.Event()
        key = id(self)
        _arenas[key] = weakref.ref(self, lambda _: _arenas.pop(key, None))

    def take(self, size_bytes: int) -> npt.NDArray[np.uint8] | None:
        """Return a block, None when there is no room."""
        room_bytes = -(-size_bytes // _PAGE_BYTES) * _PAGE_BYTES
        with self._lock:
            start = None if self._closed.is_set() else self._extents.take(room_bytes)
            if start is None:
                return None
            if not self._is_reserved(start + room_bytes):
                self._extents.give_back(start, room_bytes)
                return None
            self._blocks[start] = _Block(room_bytes)
            return self._memory[start : start + size_bytes]

    def give_back(self, block: npt.NDArray[np.uint8]) -> None:
        """Take a block back whose array is gone; it is free once it is drained too."""
        with self._lock:
            start = self._start(block)
            self._blocks[start].is_leased = False
            self._free_if_unused(start)

    def place_of(self, array: npt.NDArray[Any]) -> int:
        """Return where an array begins in the arena, -1 when it does not stand in a block."""
        start = self._start(array)
        return start if start in self._blocks else -1

    def hold(self, starts: list[int], position: int) -> None:
        """Keep blocks until the spool is drained up to a position."""
        with self._lock:
            for start in starts:
                self._blocks[start].num_waiting += 1
                self._waiting.append((position, start))

    def release(self, tail: int) -> None:
        """Let go of what is drained."""
        waiting = self._waiting
        if not waiting or waiting[0][0] > tail:
            return
        with self._lock:
            while waiting and waiting[0][0] <= tail:
                _, start = waiting.popleft()
                self._blocks[start].num_waiting -= 1
                self._free_if_unused(start)

    def before_fork(self) -> None:
        """Pin the blocks in use: what the child can see through its images must not change."""
        self._lock.acquire()
        for block in self._blocks.values():
            block.is_pinned = block.is_pinned or block.is_leased

    def after_fork(self, *, is_child: bool) -> None:
        """Go on. In a child nobody else is there who could hold the lock."""
        if is_child:
            self._lock = threading.RLock()
        else:
            self._lock.release()

    def close(self) -> None:
        """Hand out no more blocks; arrays that stand in some keep the memory."""
        with self._lock:
            if not self._closed.is_set():
                self._closed.set()
                os.close(self._fd)

    def warm(self, size_bytes: int) -> None:
        """Map the first bytes ahead, on a thread: a first write to a page costs twenty times."""
        thread = threading.Thread(target=self._warm, args=(size_bytes,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more: the pages come when they are used
            return

    def _warm(self, size_bytes: int) -> None:
        if not sys.platform.startswith("linux"):
            return
        if self._closed.wait(_WARM_AFTER_SECS):
            return
        madvise = ctypes.CDLL(None, use_errno=True).madvise  # mmap's own keeps the interpreter lock
        for start in range(0, min(size_bytes, self.size_bytes), _WARM_BYTES):
            with self._lock:
                is_ready = not self._closed.is_set() and self._is_reserved(start + _WARM_BYTES)
            address = ctypes.c_void_p(self._address + start)
            length = ctypes.c_size_t(min(_WARM_BYTES, self.size_bytes - start))
            if not is_ready or madvise(address, length, _POPULATE_WRITE) != 0:
                return

    def _is_reserved(self, end: int) -> bool:
        end = min(end, self.size_bytes)
        while self._reserved_bytes < end:
            more = min(_GROW_BYTES, self.size_bytes - self._reserved_bytes)
            try:
                check_free_space(self._folder, more)
                os.posix_fallocate(self._fd, self._offset + self._reserved_bytes, more)
            except OSError:
                return False
            self._reserved_bytes += more
        return True

    def _start(self, array: npt.NDArray[Any]) -> int:
        return int(array.__array_interface__["data"][0]) - self._address

    def _free_if_unused(self, start: int) -> None:
        block = self._blocks[start]
        if not (block.is_leased or block.num_waiting or block.is_pinned):
            del self._blocks[start]
            self._extents.give_back(start, block.size_bytes)


_arenas: dict[int, weakref.ref[Arena]] = {}
"""Those that images of this process may stand in, by id."""

_forking = threading.local()


def _before_fork() -> None:
    _forking.arenas = [arena for ref in list(_arenas.values()) if (arena := ref()) is not None]
    for arena in _forking.arenas:
        arena.before_fork()


def _after_fork(*, is_child: bool) -> None:
    for arena in _forking.arenas:
        arena.after_fork(is_child=is_child)
    del _forking.arenas


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(is_child=False),
    after_in_child=lambda: _after_fork(is_child=True),
)


def can_reserve(folder: Path) -> bool:
    """Return whether room that is reserved in a folder stays, so that its files may be mapped."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
        device = folder.stat().st_dev
    except OSError:
        return False
    name = f"{os.major(device)}:{os.minor(device)}"
    fields = [line.split() for line in mounts]
    return any(f[2] == name and f[f.index("-") + 1] in _RESERVING for f in fields)
