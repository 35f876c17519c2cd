"""Names inside a shard: a key is data, only its slug stands in a path."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["RECORD_MEMBER", "Place", "mask_member", "sample_path", "slug_from_text", "values_path"]

RECORD_MEMBER = "json"
"""Member name of a sample's record."""

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))]
)
"""Names that are no files on Windows, so that an archive with them cannot be unpacked there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member stands, which is how links name it."""

    shard: str
    """File name."""
    path: str


@lru_cache(maxsize=1024)
def slug_from_text(text: str) -> str:
    """Return a name of letters, digits, ``_`` and ``-`` that no other text has, in any case.

    Short plain names stay as they are. Others keep what is readable of them, then ``-`` and a
    hash; a plain name holds no ``-``, so the two kinds cannot meet. Capitals are not plain: the
    `webdataset` package and some file systems do not tell them from small letters. Nor is ``_`` at
    the start, which WebDataset readers take for metadata.

    Examples
    --------
    >>> slug_from_text("val_images"), slug_from_text("../../etc/passwd")
    ('val_images', 'etc-passwd-3754d6cb3a')
    """
    if _PLAIN.fullmatch(text) and text not in _DEVICES:
        return text
    readable = _UNSAFE.sub("-", text).strip("-_")[:24].rstrip("-")
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return f"{readable}-{digest}" if readable else f"key-{digest}"


def sample_path(key: str, step: int, index: int) -> str:
    """Return the path of a sample without its members' endings.

    Examples
    --------
    >>> sample_path("examples", 12, 0)
    'examples/12-0'
    """
    return f"{slug_from_text(key)}/{step}-{index}"


def values_path(step: int, sequence: int) -> str:
    """Return the path of a record of values; WebDataset readers skip such names as metadata.

    Examples
    --------
    >>> values_path(3, 17)
    '__values.3.17__'
    """
    return f"__values.{step}.{sequence}__"


def mask_member(layer: str) -> str:
    """Return the member name of a layer's mask.

    Examples
    --------
    >>> mask_member("truth")
    'truth.mask.png'
    """
    return f"{slug_from_text(layer)}.mask.png"
