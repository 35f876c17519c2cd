"""What producer and encoder tell each other while both live: a page of shared memory and two pipes.

The page holds numbers that each is written by one side. The producer sends the position of each
entry through one pipe, whose end tells the encoder that no more will come; a byte through the other
tells a producer that waits that something has changed. Nothing here is needed to recover a spool.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import select
import struct
import tempfile
from enum import IntEnum

__all__ = ["Control", "Counter", "Ending", "Phase"]

_PAGE_BYTES = 4096
_TEXT_AT, _TEXT_BYTES = 1024, 2048
_MESSAGE = struct.Struct("<Q")
_END = 2**64 - 1
"""Sent in place of a position: no more will come."""

_PIPE_BYTES = 2**20
"""Room for 131,072 entries; what the kernel grants may be less."""

_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, which fcntl names from Python 3.10 on, on Linux only


class Counter(IntEnum):
    """Numbers in the page, by their place."""

    TAIL = 0
    """Position up to which all entries are in the shards."""
    DURABLE = 1
    """Position up to which a loss of power loses nothing; with ``durability="power"``."""
    IMAGES = 2
    VALUES = 3
    LOST = 4
    """Records that cannot be stored."""
    SHARD_BYTES = 5
    """What the shards have grown by."""
    PIXEL_BYTES = 6
    """Raw pixels that became these shards."""
    PHASE = 7
    FAILURES = 8
    """How often a write has failed."""
    ENDING = 9
    """Written by the producer: how the writer ended."""
    HEAD = 10
    """Written by the producer: position behind the last entry."""
    SEQ = 12
    """Written by the producer: sequence number of the next item."""
    RULES = 13
    DROPPED = 11
    """Written by the producer: records that were not taken into the spool."""


class Phase(IntEnum):
    """What the encoder is at."""

    STARTING = 0
    WORKING = 1
    FAILING = 2
    """Writes fail; it tries again and again."""
    DONE = 3
    """All is in the shards."""
    GAVE_UP = 4
    """The rest stays in the spool."""


class Ending(IntEnum):
    """How a writer ended."""

    KILLED = 0
    """It never said that it was finished."""
    FINISHED = 1
    FAILED = 2


class Control:
    """The shared page and the pipes; see the module."""

    def __init__(self, page_fd: int, entries_fd: int, changes_fd: int) -> None:
        self.page_fd, self.entries_fd, self.changes_fd = page_fd, entries_fd, changes_fd
        self._page: mmap.mmap | bytearray = mmap.mmap(page_fd, _PAGE_BYTES)
        self._numbers = memoryview(self._page)[:_TEXT_AT].cast("Q")
        self._has_all = False

    @classmethod
    def pair(cls) -> tuple[Control, Control]:
        """Return the producer's side and the encoder's."""
        page_fd = _page_fd()
        os.ftruncate(page_fd, _PAGE_BYTES)
        entries_out, entries_in = os.pipe()
        changes_out, changes_in = os.pipe()
        for fd in (entries_in, changes_out, changes_in):
            os.set_blocking(fd, False)
        _enlarge(entries_in)
        return cls(page_fd, entries_in, changes_out), cls(os.dup(page_fd), entries_out, changes_in)

    def __getitem__(self, counter: Counter) -> int:
        return self._numbers[counter]

    def __setitem__(self, counter: Counter, number: int) -> None:
        self._numbers[counter] = number

    @property
    def text(self) -> str:
        """Why the first write or picture failed."""
        size = struct.unpack_from("<I", self._page, _TEXT_AT)[0]
        data = bytes(self._page[_TEXT_AT + 4 : _TEXT_AT + 4 + min(size, _TEXT_BYTES)])
        return data.decode("utf-8", "replace")

    @text.setter
    def text(self, text: str) -> None:
        data = text.encode("utf-8", "replace")[:_TEXT_BYTES]
        self._page[_TEXT_AT + 4 : _TEXT_AT + 4 + len(data)] = data
        struct.pack_into("<I", self._page, _TEXT_AT, len(data))

    def send(self, position: int) -> bool:
        """Tell the encoder of an entry; return False when its pipe is full, or it has died."""
        try:
            os.write(self.entries_fd, _MESSAGE.pack(position))
        except (BlockingIOError, BrokenPipeError):
            return False
        return True

    def receive(self) -> list[int]:
        """Wait for entries and return their positions, oldest first; none when that was all."""
        if self._has_all:
            return []
        data = os.read(self.entries_fd, 512 * _MESSAGE.size)
        while len(data) % _MESSAGE.size:
            data += os.read(self.entries_fd, _MESSAGE.size - len(data) % _MESSAGE.size)
        positions = [position for (position,) in _MESSAGE.iter_unpack(data)]
        self._has_all = not positions or positions[-1] == _END
        return positions[:-1] if positions and self._has_all else positions

    def is_over(self) -> bool:
        """Return whether the producer has ended, or says that it will."""
        if self[Counter.ENDING] != Ending.KILLED:
            return True
        waiting = select.poll()
        waiting.register(self.entries_fd, 0)  # a closed other end is told of in any case
        return bool(waiting.poll(0))

    def note_failure(self, error: OSError) -> None:
        """Tell the producer that a write failed, and will be tried again."""
        self.text = f"{type(error).__name__}: {error}"
        self[Counter.FAILURES] += 1
        self[Counter.PHASE] = Phase.FAILING
        self.announce()

    def announce(self) -> None:
        """Wake a producer that waits for a change."""
        with contextlib.suppress(
            BlockingIOError, BrokenPipeError
        ):  # it has yet to hear, or is gone
            os.write(self.changes_fd, b"!")

    def wait(self, timeout_secs: float) -> None:
        """Wait until the encoder announces a change, or the time is up."""
        waiting = select.poll()
        waiting.register(self.changes_fd, select.POLLIN)
        if waiting.poll(1000 * timeout_secs):
            with contextlib.suppress(BlockingIOError):  # another thread waited too, and has read it
                os.read(self.changes_fd, 4096)

    def close(self) -> None:
        """Close this side; the other hears of it. What was counted until now can still be read."""
        fds, self.entries_fd, self.changes_fd = (self.entries_fd, self.changes_fd), -1, -1
        for fd in fds:
            if fd >= 0:
                os.close(fd)
        fd, self.page_fd = self.page_fd, -1
        if fd >= 0:
            os.close(fd)
            self._keep_copy()

    def _keep_copy(self) -> None:
        """Let go of the shared page, which holds a file open."""
        page, numbers = self._page, self._numbers
        self._page = bytearray(page)
        self._numbers = memoryview(self._page)[:_TEXT_AT].cast("Q")
        numbers.release()
        if isinstance(page, mmap.mmap):
            page.close()

    def end_entries(self) -> None:
        """Say that no more entries will come; the page and the changes stay.

        To be called again while the pipe is full. Closing it alone would not do: a child that was
        forked at the wrong moment may hold it open.
        """
        if self.entries_fd < 0:
            return
        try:
            os.write(self.entries_fd, _MESSAGE.pack(_END))
        except BlockingIOError:
            return
        except BrokenPipeError:
            pass
        fd, self.entries_fd = self.entries_fd, -1
        os.close(fd)


def _page_fd() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("filmstrip", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _enlarge(fd: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # another system, or a limit for this user
        fcntl.fcntl(fd, _SET_PIPE_SIZE, _PIPE_BYTES)
