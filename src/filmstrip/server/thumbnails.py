"""Thumbnails: made once, by one thread, whoever asks."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from filmstrip.server.errors import UndecodableError
from filmstrip.server.pictures import Pictures
from filmstrip.server.schema import PictureKind
from filmstrip.server.shrink import mask_thumbnail, picture_thumbnail
from filmstrip.server.thumbnail_cache import ThumbnailCache

__all__ = ["Thumbnails"]

_VERSION = 1
"""Raised when thumbnails are made in another way: those kept before are not used."""


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
        self._making: dict[str, Future[bytes]] = {}
        self._lock = Lock()

    def kept(self, digest: str, size: int, kind: PictureKind) -> bytes | None:
        """Return the thumbnail if it is kept."""
        return self._cache.get(_name(digest, size, kind))

    def made(self, digest: str, size: int, kind: PictureKind) -> Future[bytes]:
        """Return the thumbnail, which is being made; its errors are `ApiError`."""
        name = _name(digest, size, kind)
        with self._lock:
            making = self._making.get(name)
            if making is not None:
                return making
            making = self._makers.submit(self._make, digest, size, kind)
            self._making[name] = making
        making.add_done_callback(lambda _: self._forget(name))
        return making

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
        with self._pictures.open(digest) as stored:
            data = stored.read()
        made = _thumbnail(data, size, kind)
        self._cache.put(_name(digest, size, kind), made)
        return made


def _name(digest: str, size: int, kind: PictureKind) -> str:
    return f"{digest}-{size}-{kind}-{_VERSION}"


def _thumbnail(data: bytes, size: int, kind: PictureKind) -> bytes:
    try:
        return mask_thumbnail(data, size) if kind == "mask" else picture_thumbnail(data, size)
    except MemoryError:
        raise UndecodableError("there is not enough memory to decode this picture") from None
