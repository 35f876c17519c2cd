"""How things stand in the tables' cells: numbers of images, texts, integers, digests."""

from __future__ import annotations

import math
import re
import zlib
from functools import lru_cache

from filmstrip.record import ImageRecord

__all__ = [
    "FactKind",
    "digest_head",
    "first_number",
    "image_number",
    "int64",
    "stored_text",
    "text_from_stored",
]

_SPECIAL = re.compile("[\0\1]")
_TICKS_PER_SEC = 65536
_MAX_TICKS = 2**48 - 1
_MAX_PLACE = 511


class FactKind:
    """What a row of ``fields`` names."""

    WORD = "word"
    CLASS = "class"
    SCORE = "score"
    META = "meta"
    CAPTION = "caption"
    GROUP = "group"


def image_number(record: ImageRecord) -> int:
    """Return the number of an image: 48 bits of its time in ticks of 15 µs, and 15 bits of tail.

    The tail tells images of one tick apart: 6 bits of a hash of what else names them, and 9 that
    count down, so that of one call the first image is the newest.
    """
    tail = _hash_of(record.run_id, record.key, record.step, record.session, record.rank)
    place = _MAX_PLACE - record.index % (_MAX_PLACE + 1)
    return first_number(record.time) | tail << 9 | place


@lru_cache(maxsize=64)
def _hash_of(run_id: str, key: str, step: int, session: int, rank: int) -> int:
    name = f"{run_id}\0{key}\0{step}\0{session}\0{rank}"
    return zlib.crc32(name.encode()) & 63


def first_number(time: float) -> int:
    """Return the lowest number that an image of this time can have."""
    seconds = time if math.isfinite(time) else 0.0
    return min(max(int(seconds * _TICKS_PER_SEC), 0), _MAX_TICKS) << 15


def stored_text(text: str) -> str:
    """Return the text as every database can hold it: PostgreSQL has no zero character.

    Examples
    --------
    >>> text_from_stored(stored_text("a" + chr(0))) == "a" + chr(0)
    True
    """
    if "\0" not in text and "\1" not in text:
        return text
    return _SPECIAL.sub(lambda found: "\1" + "01"[ord(found.group())], text)


def text_from_stored(stored: str) -> str:
    """Return the text that `stored_text` was given."""
    if "\1" not in stored:
        return stored
    return re.sub("\1([01])", lambda found: chr(int(found.group(1))), stored)


def int64(value: int) -> int:
    """Return the integer, or the nearest that a database holds: a shard may say anything."""
    return max(-(2**63), min(value, 2**63 - 1))


def digest_head(digest: bytes) -> int:
    """Return the part of a digest that rows are found by."""
    return int.from_bytes(digest[:8], "big") >> 1
