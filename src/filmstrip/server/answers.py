"""Answers: JSON, one-line errors, and the headers of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from filmstrip.errors import one_line
from filmstrip.server.media_types import is_shown
from filmstrip.server.schema import Refusal

__all__ = ["IMMUTABLE", "error_response", "json_response", "picture_headers"]

IMMUTABLE = "public, max-age=31536000, immutable"
"""A digest always names the same bytes."""

_PICTURE_POLICY = "default-src 'none'; sandbox"

_encoder = msgspec.json.Encoder()


def json_response(value: Any) -> Response:
    """Return a struct, or a list of them, as JSON that is not cached."""
    return Response(
        _encoder.encode(value),
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )


def error_response(
    status: int, reason: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a status with one line that says why."""
    return Response(
        _encoder.encode(Refusal(error=one_line(reason))),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store", **(headers or {})},
    )


def picture_headers(digest: str, *, etag: str, format: str) -> dict[str, str]:
    """Return the headers of stored bytes; what no browser shows safely is a download."""
    headers = {
        "etag": etag,
        "cache-control": IMMUTABLE,
        "content-security-policy": _PICTURE_POLICY,
    }
    if not is_shown(format):
        ending = format if format.isascii() and format.isalnum() else "bin"
        headers["content-disposition"] = f'attachment; filename="{digest[:16]}.{ending}"'
    return headers
