"""Thumbnails: made once, by one thread, whoever asks."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock

from filmstrip.server.errors import UndecodableError
from filmstrip.server.lru import Lru
from filmstrip.server.pictures import Pictures
from filmstrip.server.schema import PictureKind
from filmstrip.server.shrink import mask_thumbnail, picture_thumbnail
from filmstrip.server.thumbnail_cache import ThumbnailCache

__all__ = ["Thumbnails"]

_RECENT_BYTES = 2**26

_VERSION = 1
"""Raised when thumbnails are made in another way: those kept before are not used."""


@dataclass(slots=True)
class _Making:
    """A thumbnail that is being made, or is to be."""

    future: Future[bytes]
    num_waiting: int = 1


class Thumbnails:
    """Gives thumbnails, and makes those that are not kept yet on threads of its own.

    Parameters
    ----------
    pictures
        Where the stored bytes come from.
    cache
        Where thumbnails are kept.
    """

    def __init__(self, pictures: Pictures, cache: ThumbnailCache) -> None:
        self._pictures, self._cache = pictures, cache
        self._makers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="thumbnail")
        self._recent: Lru[str, bytes] = Lru(_RECENT_BYTES, cost_of=len)
        self._making: dict[str, _Making] = {}
        self._lock = Lock()

    def recent(self, digest: str, size: int, kind: PictureKind) -> bytes | None:
        """Return the thumbnail if it was asked for a while ago; takes no time."""
        return self._recent.get(_name(digest, size, kind))

    def kept(self, digest: str, size: int, kind: PictureKind) -> bytes | None:
        """Return the thumbnail if it is kept; reads a file."""
        name = _name(digest, size, kind)
        data = self._cache.get(name)
        if data is not None:
            self._recent.put(name, data)
        return data

    def made(self, digest: str, size: int, kind: PictureKind) -> Future[bytes]:
        """Return the thumbnail, which is being made; its errors are `ApiError`.

        Who asks and does not want it any more calls `leave`.
        """
        name = _name(digest, size, kind)
        with self._lock:
            making = self._making.get(name)
            if making is not None:
                making.num_waiting += 1
                return making.future
            future = self._makers.submit(self._make, digest, size, kind)
            self._making[name] = _Making(future)
        future.add_done_callback(lambda _: self._forget(name))
        return future

    def leave(self, digest: str, size: int, kind: PictureKind) -> None:
        """Say that one who asked has gone; what nobody waits for is not begun."""
        with self._lock:
            making = self._making.get(_name(digest, size, kind))
            if making is None:
                return
            making.num_waiting -= 1
            is_wanted = making.num_waiting > 0
        if not is_wanted:
            making.future.cancel()

    @property
    def problem(self) -> str:
        """Why thumbnails are not kept; empty when they are."""
        return self._cache.problem

    def warm_up(self) -> None:
        """Load what decodes and encodes, on a thread, before anyone waits for it."""
        self._makers.submit(_warm_up)

    def close(self) -> None:
        """End the threads."""
        self._makers.shutdown(cancel_futures=True)
        self._cache.close()

    def _forget(self, name: str) -> None:
        with self._lock:
            self._making.pop(name, None)

    def _make(self, digest: str, size: int, kind: PictureKind) -> bytes:
        kept = self.kept(digest, size, kind)  # made between the look and the call
        if kept is not None:
            return kept
        with self._pictures.open(digest, is_checked=kind == "mask") as stored:
            made = _thumbnail(stored.read(), size, kind, partial(self._pictures.check, stored))
        self._recent.put(_name(digest, size, kind), made)
        self._cache.put(_name(digest, size, kind), made)
        return made


def _warm_up() -> None:
    import numpy as np

    from filmstrip.codec.png import encode_png

    picture_thumbnail(encode_png(np.zeros((200, 200, 3), np.uint8)), 64)


def _name(digest: str, size: int, kind: PictureKind) -> str:
    return f"{digest}-{size}-{kind}-{_VERSION}"


def _thumbnail(data: bytes, size: int, kind: PictureKind, check: Callable[[], None]) -> bytes:
    try:
        if kind == "mask":
            return mask_thumbnail(data, size)
        return picture_thumbnail(data, size, check)
    except MemoryError:
        raise UndecodableError("there is not enough memory to decode this picture") from None
