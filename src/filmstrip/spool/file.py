"""The spool's file: entries in a ring, each checked by itself, so that any kill leaves whole ones.

The file begins with a page that says what it is, and how far its writer and its encoder are; the
pixel memory of `filmstrip.spool.arena` follows, then the ring. An entry is a header of 64 bytes,
its items as msgpack, and their parts. It is written at once and counts when its header and items
agree with their checksums and each part with its digest. What is drained stands in the shards, by
the sequence number in its record; so nothing here is ever erased, only written over.

A process holds its spool's lock (``flock``) for as long as it lives, and shares it with its encoder
process; the kernel drops it when both are gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from filmstrip.media.frame import DIGEST_SEED
from filmstrip.spool.items import (
    EncodedItems,
    Item,
    SpooledPart,
    decode_items,
    part_slices,
    parts_of,
)
from filmstrip.spool.ring import BLOCK_BYTES

__all__ = [
    "ARENA_OFFSET",
    "Entry",
    "EntryPlace",
    "Mark",
    "Spool",
    "SpoolDamagedError",
    "entry_bytes",
    "entry_place",
    "is_locked",
]

_PAGE = struct.Struct("<8s16sQQQI")
_MAGIC = b"filmspl1"

ARENA_OFFSET = 4096
"""Where the pixel memory begins in the file."""

_MARK = struct.Struct("<QI")
"""A sequence number and its crc32."""

_HEADER = struct.Struct("<16sQQQIIQI")
"""Nonce, position, sequence number, bytes of the body, items, bytes of the items, their crc32."""
_HEADER_BYTES = 64

_MAX_BUFFERS = 1000
"""Buffers handed to one ``pwritev``; Linux takes 1024."""

_SEARCH_BYTES = 2**24


class Mark(IntEnum):
    """Sequence numbers in the first page, by their offset; each is written by one side."""

    LOGGED = 512
    """Of the next item: what is below was handed over, and ``log()`` returned or was about to."""
    DRAINED = 1024
    """Of the first item that is neither in the shards nor lost, or a little below."""


class SpoolDamagedError(ValueError):
    """Bytes in a spool are not those that were written."""


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """Where an entry stands."""

    position: int
    seq: int
    """Sequence number of its first item."""
    num_items: int
    meta_bytes: int
    body_bytes: int

    @property
    def size_bytes(self) -> int:
        """Size of the whole entry."""
        return _body_offset(self.meta_bytes) + self.body_bytes

    @property
    def end_seq(self) -> int:
        """Sequence number behind its last item."""
        return self.seq + self.num_items


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was read: its items, and the bytes of each item's parts."""

    place: EntryPlace
    items: list[Item]
    parts: list[list[npt.NDArray[np.uint8]]]
    """For each item its picture and masks, (size_bytes,) uint8; empty for values."""


class Spool:
    """An open spool file.

    `create` makes one and locks it; `open` opens another's for reading.
    """

    def __init__(
        self, path: Path, fd: int, page: tuple[bytes, int, int, int], *, is_live: bool
    ) -> None:
        self.path, self.fd = path, fd
        self._nonce, self.seed, self.ring_bytes, self.arena_bytes = page
        self._ring_offset = ARENA_OFFSET + self.arena_bytes
        self._pixels: npt.NDArray[np.uint8] | None = None
        self._is_to_map = is_live

    @classmethod
    def create(cls, path: Path, ring_bytes: int, arena_bytes: int = 0) -> Spool:
        """Return a new spool, whose lock this process holds.

        Parameters
        ----------
        path
            Of the file that is made.
        ring_bytes
            Size of the ring that entries stand in, rounded up to whole blocks: a search finds no
            entry elsewhere. One that is larger still finds room.
        arena_bytes
            Size of the pixel memory, a multiple of 4096.

        Raises
        ------
        OSError
            The file cannot be made.
        """
        ring_bytes = -(-ring_bytes // BLOCK_BYTES) * BLOCK_BYTES
        nonce = secrets.token_bytes(16)
        unfinished = path.with_name(f".{path.name}")  # nobody looks at it before it is locked
        fd = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            page = _PAGE.pack(_MAGIC, nonce, DIGEST_SEED, ring_bytes, arena_bytes, 0)[:-4]
            os.pwrite(fd, page + _crc(page) + bytes(ARENA_OFFSET - len(page) - 4), 0)
            os.ftruncate(fd, ARENA_OFFSET + arena_bytes)
            for mark in Mark:
                os.pwrite(fd, _marked(1), mark)
            unfinished.rename(path)
        except BaseException:
            os.close(fd)
            unfinished.unlink(missing_ok=True)
            raise
        return cls(path, fd, (nonce, DIGEST_SEED, ring_bytes, arena_bytes), is_live=True)

    @classmethod
    def open(cls, path: Path, fd: int | None = None) -> Spool:
        """Return a spool that exists.

        Parameters
        ----------
        path
            Its file.
        fd
            The file, when it was opened by the process that made it: the lock is then shared.

        Raises
        ------
        OSError
            It cannot be opened.
        SpoolDamagedError
            Its first page is not whole.
        """
        is_live = fd is not None  # of a dead writer's file, pages may be unreadable: no mapping
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC) if fd is None else fd
        page = os.pread(fd, _PAGE.size, 0)
        if page[:8] != _MAGIC or page[-4:] != _crc(page[:-4]):
            os.close(fd)
            raise SpoolDamagedError(f"its first page is not that of a spool: {path}")
        _, nonce, seed, ring_bytes, arena_bytes, _ = _PAGE.unpack(page)
        return cls(path, fd, (nonce, seed, ring_bytes, arena_bytes), is_live=is_live)

    def try_lock(self) -> bool:
        """Take the lock; return False when a living process has it."""
        return _try_lock(self.fd)

    def close(self) -> None:
        """Close the file; this process's share of the lock is dropped."""
        self._pixels = None
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def write(self, place: EntryPlace, items: EncodedItems) -> None:
        """Write an entry at its place.

        Raises
        ------
        OSError
            The disk is full, or fails; what stands there counts for nothing.
        """
        head = _HEADER.pack(
            self._nonce,
            place.position,
            place.seq,
            place.body_bytes,
            place.num_items,
            place.meta_bytes,
            0,
            isal_zlib.crc32(items.meta),
        )
        head += _crc(head)
        gap = bytes(_body_offset(place.meta_bytes) - _HEADER_BYTES - place.meta_bytes)
        buffers = [head, items.meta, gap, *items.buffers]
        offset = self._offset(place.position)
        for start in range(0, len(buffers), _MAX_BUFFERS):
            offset += _write_all(self.fd, buffers[start : start + _MAX_BUFFERS], offset)

    def set_mark(self, mark: Mark, seq: int) -> None:
        """Write a mark; a kill leaves the old one or the new one."""
        with contextlib.suppress(OSError):  # the page is allocated: a disk that fails altogether
            os.pwrite(self.fd, _marked(seq), mark)

    def mark(self, mark: Mark) -> int:
        """Return a mark; 0 when it is damaged.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        data = os.pread(self.fd, _MARK.size, mark)
        seq = int.from_bytes(data[:8], "little")
        return seq if data == _marked(seq) else 0

    def read(self, position: int) -> Entry:
        """Return the entry at a position.

        Raises
        ------
        OSError
            The file cannot be read.
        SpoolDamagedError
            Its header or items are not whole; parts are checked when they are used.
        """
        place = self.place_at(position)
        data = np.empty(place.size_bytes, np.uint8)
        num_read = _read_all(self.fd, data, self._offset(position))
        if num_read != len(data):
            raise SpoolDamagedError(f"the entry at {position} is cut off: {self.path}")
        meta = memoryview(data.data)[_HEADER_BYTES : _HEADER_BYTES + place.meta_bytes]
        (crc,) = struct.unpack_from("<I", data.data, _HEADER.size - 4)
        if isal_zlib.crc32(meta) != crc:
            raise SpoolDamagedError(f"the items of the entry at {position} differ: {self.path}")
        try:
            items = decode_items(meta)
        except msgspec.MsgspecError as error:
            raise SpoolDamagedError(f"the items at {position} are none: {error}") from error
        body = data[_body_offset(place.meta_bytes) :]
        parts = [
            [self._part(part, body[one]) for part, one in zip(parts_of(item), slices, strict=True)]
            for item, slices in zip(items, part_slices(items, 0), strict=True)
        ]
        return Entry(place, items, parts)

    def _part(self, part: SpooledPart, inline: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the bytes of a part: those behind the items, or those in the pixel memory."""
        if part.offset < 0:
            return inline
        if part.offset + part.size_bytes > self.arena_bytes:
            raise SpoolDamagedError(f"pixels are said to stand outside the file: {self.path}")
        if self._is_to_map:
            self._is_to_map = False
            with contextlib.suppress(OSError):  # its folder was removed
                self._pixels = _mapped(self.path, self.arena_bytes)
        if self._pixels is not None:
            return self._pixels[part.offset : part.offset + part.size_bytes]
        data = np.empty(part.size_bytes, np.uint8)
        return data[: _read_all(self.fd, data, ARENA_OFFSET + part.offset)]

    def place_at(self, position: int) -> EntryPlace:
        """Return what the header at a position says.

        Raises
        ------
        SpoolDamagedError
            There is no whole header of this position.
        """
        place = self._parsed(os.pread(self.fd, _HEADER_BYTES, self._offset(position)))
        if place is None or place.position != position:
            raise SpoolDamagedError(f"no entry stands at {position}: {self.path}")
        return place

    def find(self, first_seq: int) -> Iterator[EntryPlace]:
        """Yield the whole headers of entries from a sequence number on, in that order."""
        found: dict[int, EntryPlace] = {}
        for offset in self._candidates():
            place = self._parsed(os.pread(self.fd, _HEADER_BYTES, offset))
            if (
                place is not None
                and place.end_seq > first_seq
                and self._offset(place.position) == offset
                and (place.seq not in found or place.position > found[place.seq].position)
            ):  # the later one: an entry that the disk refused may have left its header
                found[place.seq] = place
        yield from (found[seq] for seq in sorted(found))

    def _candidates(self) -> Iterator[int]:
        """Yield the offsets of blocks that begin with the spool's nonce."""
        nonce = np.frombuffer(self._nonce, np.uint8)
        end = os.fstat(self.fd).st_size
        for start in range(self._ring_offset, end, _SEARCH_BYTES):
            data = os.pread(self.fd, _SEARCH_BYTES, start)
            data += bytes(-len(data) % BLOCK_BYTES)  # the last entry may end inside a block
            blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCK_BYTES)
            hits = np.flatnonzero((blocks[:, :16] == nonce).all(axis=1))
            yield from (start + int(hit) * BLOCK_BYTES for hit in hits)

    def _parsed(self, head: bytes) -> EntryPlace | None:
        if len(head) < _HEADER_BYTES or head[:16] != self._nonce:
            return None
        if head[_HEADER.size : _HEADER.size + 4] != _crc(head[: _HEADER.size]):
            return None
        _, position, seq, body_bytes, num_items, meta_bytes, _, _ = _HEADER.unpack(
            head[: _HEADER.size]
        )
        return EntryPlace(position, seq, num_items, meta_bytes, body_bytes)

    def _offset(self, position: int) -> int:
        return self._ring_offset + position % self.ring_bytes


def entry_place(position: int, seq: int, num_items: int, items: EncodedItems) -> EntryPlace:
    """Return the place of an entry that is to be written."""
    return EntryPlace(position, seq, num_items, len(items.meta), items.body_bytes)


def entry_bytes(items: EncodedItems) -> int:
    """Return the size of the entry that holds these items."""
    return _body_offset(len(items.meta)) + items.body_bytes


def is_locked(path: Path) -> bool:
    """Return whether a living process holds a spool; False when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _try_lock(fd: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _body_offset(meta_bytes: int) -> int:
    return -(-(_HEADER_BYTES + meta_bytes) // 64) * 64


def _crc(data: bytes) -> bytes:
    return int(isal_zlib.crc32(data)).to_bytes(4, "little")


def _write_all(fd: int, buffers: list[Any], offset: int) -> int:
    """Write every buffer and return their total size, however often the kernel writes less."""
    total = sum(len(b) if isinstance(b, bytes) else b.nbytes for b in buffers)
    written = os.pwritev(fd, buffers, offset)
    if written < total:
        rest = memoryview(b"".join(memoryview(b).cast("B") for b in buffers))[written:]
        while rest:
            num = os.pwrite(fd, rest, offset + total - len(rest))
            rest = rest[num:]
    return total


def _mapped(path: Path, size_bytes: int) -> npt.NDArray[np.uint8]:
    """Return the pixel memory, to be read; of a file that was cut, what is left of it."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # a mapping of our own fd would keep its lock
    try:
        length = min(size_bytes, os.fstat(fd).st_size - ARENA_OFFSET)
        if length <= 0:
            return np.empty(0, np.uint8)
        mapping = mmap.mmap(fd, length, offset=ARENA_OFFSET, prot=mmap.PROT_READ)
        return np.frombuffer(mapping, np.uint8)
    finally:
        os.close(fd)


def _marked(seq: int) -> bytes:
    data = seq.to_bytes(8, "little")
    return data + _crc(data)


def _read_all(fd: int, data: npt.NDArray[np.uint8], offset: int) -> int:
    view = memoryview(data.data)
    done = 0
    while done < len(view) and (num := os.preadv(fd, [view[done:]], offset + done)):
        done += num
    return done
