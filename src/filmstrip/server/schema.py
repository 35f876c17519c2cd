"""What the server sends. Images are sent as the index has them, their records as they are stored.

Times are seconds since 1970 UTC. Numbers that JSON lacks, NaN and infinity, are the texts of
`filmstrip.record.NonFinite`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from filmstrip.index.rows import Item, KeyChange, KeyRow, Page, Suggestion
from filmstrip.record import Number

__all__ = [
    "Difference",
    "Indexing",
    "Item",
    "KeyChange",
    "KeyRow",
    "Page",
    "PictureKind",
    "Pixels",
    "ProblemEvent",
    "Refusal",
    "RunEvent",
    "RunSummary",
    "Series",
    "Steps",
    "StoreSummary",
    "Suggestion",
    "Values",
]

PictureKind = Literal["picture", "mask"]
"""How stored bytes are to be read: as pixels to look at, or as class ids."""


class _Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is sent: every field, always."""


class Refusal(_Sent, frozen=True, kw_only=True):
    """Why a request was not answered; one line."""

    error: str


class Indexing(_Sent, frozen=True, kw_only=True):
    """How far the shards have been read; while this is there, counts still grow."""

    done: int
    total: int


class StoreSummary(_Sent, frozen=True, kw_only=True):
    """The store as a whole."""

    path: str
    version: str
    """Of filmstrip."""
    num_runs: int
    num_images: int
    size_bytes: int
    problems: list[str]
    """What is wrong with the store, one line each: damage, a full disk, a folder that is gone."""
    indexing: Indexing | None


class RunSummary(_Sent, frozen=True, kw_only=True):
    """One run, and what it holds."""

    id: str
    name: str
    project: str
    group: str
    tags: list[str]
    notes: str
    config: dict[str, Any]
    created: float
    finished: float | None
    state: str
    """``running``, ``finished``, ``failed`` or ``crashed``."""
    is_live: bool
    """True while a process is logging to it."""
    host: str
    num_images: int
    num_missing: int
    """Records that were logged and are not stored: lost to an error, or dropped as wished."""
    keys: list[KeyRow]
    series: list[str]
    """Names of the numbers that were logged."""


class Steps(_Sent, frozen=True, kw_only=True):
    """Where a key has images; the lists are parallel, steps ascend."""

    steps: list[int]
    times: list[float]
    counts: list[int]


class Series(_Sent, frozen=True, kw_only=True):
    """A logged number over the steps of a run; the lists are parallel, steps ascend."""

    run_id: str
    name: str
    steps: list[int]
    times: list[float]
    values: list[Number]


class Values(_Sent, frozen=True, kw_only=True):
    """Numbers and texts that a run logged at a step; NaN is ``{"$float": "NaN"}``."""

    step: int
    values: dict[str, Any]


class Pixels(_Sent, frozen=True, kw_only=True):
    """Original values of a part of a picture, cut to what lies inside of it."""

    x: int
    y: int
    width: int
    height: int
    dtype: Literal["uint8", "uint16", "uint32", "int32", "float32", "bool"]
    channels: int
    values: list[Number]
    """Row by row, the channels of a pixel together: ``width * height * channels`` of them."""


class Difference(_Sent, frozen=True, kw_only=True):
    """How far two pictures of one size are from each other, on their original values."""

    width: int
    height: int
    channels: int
    dtype: str
    mean_absolute: Number
    max_absolute: Number
    root_mean_square: Number
    num_pixels_different: int


class RunEvent(_Sent, frozen=True, kw_only=True):
    """``event: run``: a run is new, has new numbers, is in another state, or is gone."""

    run_id: str
    state: str
    """As in `RunSummary`, or ``deleted``."""


class ProblemEvent(_Sent, frozen=True, kw_only=True):
    """``event: problem``: something is wrong with the store."""

    text: str
