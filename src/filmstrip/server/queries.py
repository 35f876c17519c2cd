"""What each route takes: its parameters as structs, which the API document is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from filmstrip.server.errors import BadRequestError
from filmstrip.server.schema import PictureKind

__all__ = [
    "CompleteQuery",
    "DifferenceQuery",
    "DigestPath",
    "ImagePath",
    "ImagesQuery",
    "LatestQuery",
    "NoParameters",
    "PixelsQuery",
    "RunKeyQuery",
    "SeriesQuery",
    "ThumbnailPath",
    "ThumbnailsPath",
    "ThumbnailsQuery",
    "ValuesQuery",
    "parse_parameters",
]

MAX_ITEMS = 2000
"""Images of one answer."""

MAX_THUMBNAILS = 100
"""Of one answer."""

MAX_SIDE = 64
"""Pixels of a side that ``/api/pixels`` gives."""

ThumbnailSize = Literal[64, 128, 256, 512, 1024]
"""Longest sides of thumbnails, in pixels."""

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]
"""sha256 of stored bytes. The length is there because ``$`` lets a line break through."""

Step = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Pixel = Annotated[int, Meta(ge=0, le=65535)]
Limit = Annotated[int, Meta(ge=1, le=MAX_ITEMS)]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
Names = Annotated[list[str], Meta(min_length=1, max_length=1000)]


class _Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of parameters: nothing but what is named."""


class NoParameters(_Parameters, frozen=True, kw_only=True):
    """A route that takes none."""


class RunKeyQuery(_Parameters, frozen=True, kw_only=True):
    """A key of a run."""

    run: str
    key: str


class SeriesQuery(_Parameters, frozen=True, kw_only=True):
    """Logged numbers of runs."""

    run: Names
    name: Names


class LatestQuery(_Parameters, frozen=True, kw_only=True):
    """The newest images at or before a point, for each of many runs and keys."""

    run: Names
    key: Names
    at: float | None = None
    """A place on the axis; without it, the newest of all."""
    axis: str = "step"
    """``step``, ``time``, or the name of a logged number."""
    limit: Limit = 500
    """Images of one run and key."""


class ImagesQuery(_Parameters, frozen=True, kw_only=True):
    """A search."""

    q: str = ""
    cursor: Annotated[str, Meta(pattern="^[A-Za-z0-9_=-]*$")] = ""
    """That of the page before."""
    limit: Limit = 100


class ValuesQuery(_Parameters, frozen=True, kw_only=True):
    """A step of a run."""

    run: str
    step: Step


class CompleteQuery(_Parameters, frozen=True, kw_only=True):
    """A query that is being written."""

    q: str = ""
    at: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    """Where the cursor stands, in characters; by default at the end."""


class PixelsQuery(_Parameters, frozen=True, kw_only=True):
    """A part of a picture."""

    x: Pixel
    y: Pixel
    width: Side = 1
    height: Side = 1
    kind: PictureKind = "picture"


class DifferenceQuery(_Parameters, frozen=True, kw_only=True):
    """Two pictures."""

    a: Digest
    b: Digest


class DigestPath(_Parameters, frozen=True, kw_only=True):
    """Stored bytes."""

    digest: Digest


class ImagePath(_Parameters, frozen=True, kw_only=True):
    """A logged image."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]


class ThumbnailPath(_Parameters, frozen=True, kw_only=True):
    """Stored bytes as a picture of at most this size."""

    digest: Digest
    size: ThumbnailSize


class ThumbnailsPath(_Parameters, frozen=True, kw_only=True):
    """Pictures of at most this size."""

    size: ThumbnailSize


class ThumbnailsQuery(_Parameters, frozen=True, kw_only=True):
    """Stored bytes, many at once."""

    digest: Annotated[list[Digest], Meta(min_length=1, max_length=MAX_THUMBNAILS)]


_Kind = TypeVar("_Kind", bound=msgspec.Struct)


def parse_parameters(pairs: Iterable[tuple[str, str]], kind: type[_Kind]) -> _Kind:
    """Return the parameters that name and value pairs hold.

    Raises
    ------
    BadRequestError
        One is missing, unknown, given twice, or not of its type.

    Examples
    --------
    >>> parse_parameters([("run", "a"), ("step", "7")], ValuesQuery)
    ValuesQuery(run='a', step=7)
    """
    given: dict[str, Any] = {}
    lists = _list_names(kind)
    for name, value in pairs:
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise BadRequestError(f"expected {name!r} once, got it twice")
        else:
            given[name] = value
    try:
        parsed = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequestError(str(error).replace(" - at `$.", " in `")) from None
    for name, value in given.items():
        _check_number(name, getattr(parsed, name), value)
    return parsed


def _list_names(kind: type[msgspec.Struct]) -> set[str]:
    return {name for name, hint in get_type_hints(kind).items() if get_origin(hint) is list}


def _check_number(name: str, parsed: Any, given: str) -> None:
    """Check what msgspec takes for a number and JSON does not: ``nan``, ``inf`` and ``null``."""
    if parsed is None or (isinstance(parsed, float) and not math.isfinite(parsed)):
        raise BadRequestError(f"expected a finite number in `{name}`, got {given!r}")
