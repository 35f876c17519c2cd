"""Conditional requests and byte ranges (RFC 9110, sections 13 and 14), for what never changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["ByteRange", "Delivery", "delivery_for", "etag_from_digest"]

_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
_MAX_DIGITS = 18
"""No file is longer; Python refuses to read numbers of thousands of digits."""


class Delivery(Enum):
    """How a request for stored bytes is answered; the values are HTTP status codes."""

    WHOLE = 200
    PART = 206
    NOT_MODIFIED = 304
    UNSATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class ByteRange:
    """What to send, and how."""

    delivery: Delivery
    start: int
    stop: int
    """Behind the last byte; equal to `start` when no bytes are sent."""


def etag_from_digest(digest: str) -> str:
    """Return the strong entity tag of stored bytes.

    Examples
    --------
    >>> etag_from_digest("ab12")
    '"ab12"'
    """
    return f'"{digest}"'


def delivery_for(headers: Mapping[str, str], *, etag: str, size_bytes: int) -> ByteRange:
    """Return what part of the bytes a request asks for.

    One range is answered with that part. Several ranges, and what is no range of bytes, are
    answered with the whole, as the RFC allows.

    Parameters
    ----------
    headers
        Of the request; names in lower case.
    etag
        Of the bytes as they are.
    size_bytes
        How many there are.

    Examples
    --------
    >>> delivery_for({"range": "bytes=-2"}, etag='"a"', size_bytes=10)
    ByteRange(delivery=<Delivery.PART: 206>, start=8, stop=10)
    """
    if _names_etag(headers.get("if-none-match", ""), etag):
        return ByteRange(Delivery.NOT_MODIFIED, 0, 0)
    whole = ByteRange(Delivery.WHOLE, 0, size_bytes)
    if headers.get("if-range", etag).strip() != etag:
        return whole
    asked = _RANGE.fullmatch(headers.get("range", "").strip())
    if asked is None or max(map(len, asked.groups())) > _MAX_DIGITS:
        return whole
    return _part(asked[1], asked[2], size_bytes) or whole


def _part(first: str, last: str, size_bytes: int) -> ByteRange | None:
    """Return the part between two positions; None when they make no sense together."""
    if not first and not last:
        return None
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1 if last else size_bytes)
        if last and int(last) < start:
            return None
    if start >= stop:
        return ByteRange(Delivery.UNSATISFIABLE, 0, 0)
    return ByteRange(Delivery.PART, start, stop)


def _names_etag(header: str, etag: str) -> bool:
    """Return whether a list of entity tags holds this one; weak ones count here."""
    if header.strip() == "*":
        return True
    return etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
