"""Sending stored bytes: whole, in part, or not at all when the browser has them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from starlette.responses import Response

from filmstrip.server.answers import error_response, picture_headers
from filmstrip.server.media_types import media_type_of
from filmstrip.server.pictures import Pictures, StoredBytes
from filmstrip.server.ranges import ByteRange, Delivery, delivery_for, etag_from_digest

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["picture_response"]

_CHUNK_BYTES = 2**20


def picture_response(
    pictures: Pictures,
    executor: Executor,
    digest: str,
    headers: Mapping[str, str],
    *,
    is_head: bool,
) -> Response:
    """Return the answer to a request for stored bytes; called on a thread, since it reads them.

    Raises
    ------
    MissingError, GoneError
        There are no such bytes, or they cannot be read.
    """
    stored = pictures.open_file(digest)
    try:
        etag = etag_from_digest(digest)
        plan = delivery_for(headers, etag=etag, size_bytes=stored.size_bytes)
        response = _planned(stored, plan, etag, executor, is_head=is_head)
    except BaseException:
        pictures.close(stored)
        raise
    if not isinstance(response, _Streamed):
        pictures.close(stored)
    return response


def _planned(
    stored: StoredBytes, plan: ByteRange, etag: str, executor: Executor, *, is_head: bool
) -> Response:
    size_bytes = stored.size_bytes
    if plan.delivery is Delivery.UNSATISFIABLE:
        reason = f"expected a range inside of {size_bytes} bytes"
        return error_response(416, reason, headers={"content-range": f"bytes */{size_bytes}"})
    headers = picture_headers(stored.digest, etag=etag, format=stored.format)
    if plan.delivery is Delivery.NOT_MODIFIED:
        return Response(status_code=304, headers=headers)
    headers["accept-ranges"] = "bytes"
    if plan.delivery is Delivery.PART:
        headers["content-range"] = f"bytes {plan.start}-{plan.stop - 1}/{size_bytes}"
    headers["content-length"] = str(plan.stop - plan.start)
    kind = media_type_of(stored.format)
    status = plan.delivery.value
    if is_head:
        return Response(status_code=status, headers=headers, media_type=kind)
    first = stored.read(plan.start, min(plan.stop, plan.start + _CHUNK_BYTES))
    if len(first) == plan.stop - plan.start:
        return Response(first, status_code=status, headers=headers, media_type=kind)
    return _Streamed(stored, first, plan, executor, headers, kind)


class _Streamed(Response):
    """Bytes of an open shard, a chunk at a time; closes it whatever becomes of the connection."""

    def __init__(
        self,
        stored: StoredBytes,
        first: bytes,
        plan: ByteRange,
        executor: Executor,
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__(status_code=plan.delivery.value, headers=headers, media_type=media_type)
        self._stored, self._first, self._plan, self._executor = stored, first, plan, executor

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        loop = asyncio.get_running_loop()
        start, stop = self._plan.start, self._plan.stop
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            chunk = self._first
            while start < stop:
                start += len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": start < stop})
                if start < stop:
                    until = min(stop, start + _CHUNK_BYTES)
                    chunk = await loop.run_in_executor(
                        self._executor, self._stored.read, start, until
                    )
        finally:
            Pictures.close(self._stored)
