"""Stored bytes by their digest, straight out of the shards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filmstrip.index.rows import MemberPlace
from filmstrip.server.errors import GoneError, MissingError
from filmstrip.server.lru import Lru
from filmstrip.shard.tar import BLOCK_SIZE, parse_header

__all__ = ["Pictures", "StoredBytes"]

_CHUNK_BYTES = 2**20
_MAX_REMEMBERED = 100_000
"""Digests whose place is known, and that are known to be whole there; about 50 MB."""


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Bytes in an open shard: they stay readable while the shard is replaced or deleted."""

    digest: str
    format: str
    size_bytes: int
    _file: int
    _offset: int

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from `start` to before `stop`.

        Raises
        ------
        GoneError
            The shard ends before them, or cannot be read.
        """
        wanted = (self.size_bytes if stop is None else stop) - start
        pieces: list[bytes] = []
        try:
            while wanted > 0:
                piece = os.pread(self._file, wanted, self._offset + start)
                if not piece:
                    raise GoneError("the shard that held this picture was cut short")
                pieces.append(piece)
                start, wanted = start + len(piece), wanted - len(piece)
        except OSError as error:
            raise GoneError(f"the shard cannot be read: {error.strerror}") from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def is_whole(self) -> bool:
        """Return whether these are the bytes that were logged."""
        hasher = hashlib.sha256()
        for start in range(0, self.size_bytes, _CHUNK_BYTES):
            hasher.update(self.read(start, min(start + _CHUNK_BYTES, self.size_bytes)))
        return hasher.hexdigest() == self.digest


class Pictures:
    """Opens stored bytes by digest.

    The bytes are hashed when they are opened for the first time, and again when the shard was
    replaced; what does not agree is looked up once more, behind a fresh look at the shards.

    Parameters
    ----------
    find
        Where a digest is; None when no whole sample has it.
    refresh
        Makes `find` know what the shards hold now.
    """

    def __init__(
        self, find: Callable[[str], MemberPlace | None], refresh: Callable[[], object]
    ) -> None:
        self._find, self._refresh = find, refresh
        self._whole: Lru[tuple[str, int, int, int], bool] = Lru(_MAX_REMEMBERED)
        self._places: Lru[str, MemberPlace] = Lru(_MAX_REMEMBERED)

    @contextmanager
    def open(self, digest: str, *, is_checked: bool = True) -> Iterator[StoredBytes]:
        """Open stored bytes; they are those that were logged.

        Parameters
        ----------
        digest
            sha256 of the bytes, 64 hex digits.
        is_checked
            False for who notices damage in another way, or calls `check`: then it is only made sure
            that a member of this size stands there, which takes no time.

        Raises
        ------
        MissingError
            Nothing in the store has this digest.
        GoneError
            It was logged, but its bytes are deleted or damaged.
        """
        stored = self.open_file(digest, is_checked=is_checked)
        try:
            yield stored
        finally:
            os.close(stored._file)

    def open_file(self, digest: str, *, is_checked: bool = True) -> StoredBytes:
        """Open stored bytes like `open`; the caller calls `close`."""
        open_at = self._opened_checked if is_checked else _opened
        place = self._places.get(digest) or self._find(digest)
        if place is None:
            self._refresh()
            place = self._find(digest)
        if place is None:
            raise MissingError(f"nothing in this store has the digest {digest}")
        try:
            stored = open_at(digest, place)
        except GoneError:
            self._places.drop(digest)
            self._refresh()
            moved = self._find(digest)
            if moved is None or moved == place:
                raise
            place, stored = moved, open_at(digest, moved)
        self._places.put(digest, place)
        return stored

    @staticmethod
    def close(stored: StoredBytes) -> None:
        """Close what `open_file` opened."""
        os.close(stored._file)

    def check(self, stored: StoredBytes) -> None:
        """Check that open bytes are those that were logged.

        Raises
        ------
        GoneError
            They are not.
        """
        status = os.fstat(stored._file)
        known = (stored.digest, status.st_dev, status.st_ino, stored._offset)
        if self._whole.get(known):
            return
        if not stored.is_whole():
            raise GoneError("the stored bytes are damaged; `filmstrip verify` names the place")
        self._whole.put(known, True)

    def _opened_checked(self, digest: str, place: MemberPlace) -> StoredBytes:
        stored = _opened(digest, place)
        try:
            self.check(stored)
        except BaseException:
            os.close(stored._file)
            raise
        return stored


def _opened(digest: str, place: MemberPlace) -> StoredBytes:
    try:
        file = os.open(place.shard, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise GoneError(f"the shard of this picture is gone: {error.strerror}") from error
    try:
        _check_place(file, place)
    except BaseException:
        os.close(file)
        raise
    return StoredBytes(digest, place.format, place.size_bytes, file, place.offset)


def _check_place(file: int, place: MemberPlace) -> None:
    """Check that a member of this size stands where the index says."""
    header = parse_header(os.pread(file, BLOCK_SIZE, place.offset - BLOCK_SIZE))
    if header is None or header.size_bytes != place.size_bytes:
        raise GoneError("the shard does not hold this picture any more")
    if os.fstat(file).st_size < place.offset + place.size_bytes:
        raise GoneError("the shard that held this picture was cut short")
