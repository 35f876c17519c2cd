"""Many thumbnails in one answer, each as soon as it is there.

A grid that changes shows dozens of pictures at once; asked for one by one, the requests cost the
browser more than the pictures do.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from filmstrip.server.thumbnails import Thumbnails

__all__ = ["part_of", "thumbnail_parts"]

_HEADER = struct.Struct(">HI")


def part_of(number: int, data: bytes) -> bytes:
    r"""Return a thumbnail as it stands in an answer; `web/src/model/parts.ts` reads it.

    Parameters
    ----------
    number
        Which of the digests asked for, the first is 0; two bytes, highest first.
    data
        The file, behind its length in four bytes; empty when there is none.

    Examples
    --------
    >>> part_of(1, b"RIFF")
    b'\x00\x01\x00\x00\x00\x04RIFF'
    """
    return _HEADER.pack(number, len(data)) + data


async def thumbnail_parts(
    thumbnails: Thumbnails, digests: Sequence[str], size: int, readers: Executor
) -> AsyncIterator[bytes]:
    """Yield a part for each digest: what is kept first, then what has to be made, as it comes.

    Parameters
    ----------
    thumbnails
        Gives them.
    digests
        Of pictures.
    size
        Pixels of the longest side.
    readers
        Threads that read files.
    """
    kept = await asyncio.get_running_loop().run_in_executor(
        readers, _kept, thumbnails, digests, size
    )
    found = b"".join(part_of(number, data) for number, data in enumerate(kept) if data)
    if found:
        yield found
    missing = [number for number, data in enumerate(kept) if not data]
    making = {
        asyncio.wrap_future(thumbnails.made(digests[number], size, "picture")): number
        for number in missing
    }
    try:
        while making:
            done, _ = await asyncio.wait(making, return_when=asyncio.FIRST_COMPLETED)
            yield b"".join(part_of(making.pop(future), _made(future)) for future in done)
    finally:
        for number in making.values():
            thumbnails.leave(digests[number], size, "picture")


def _kept(thumbnails: Thumbnails, digests: Sequence[str], size: int) -> list[bytes | None]:
    return [
        thumbnails.recent(digest, size, "picture") or thumbnails.kept(digest, size, "picture")
        for digest in digests
    ]


def _made(future: asyncio.Future[bytes]) -> bytes:
    """Return a thumbnail, or nothing: asked for by itself, it says why there is none."""
    return b"" if future.cancelled() or future.exception() else future.result()
