"""What the index answers with: runs, keys, steps, series and items."""

from __future__ import annotations

from pathlib import Path

import msgspec

from filmstrip.record import ImageRecord, RunInfo

__all__ = [
    "IndexChanges",
    "Item",
    "KeyChange",
    "KeyRow",
    "MemberPlace",
    "Page",
    "RunRow",
    "Series",
    "StepRow",
    "Suggestion",
]


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the answers: immutable, by name."""


class KeyRow(_Row, frozen=True, kw_only=True):
    """The images of one key of a run, counted."""

    key: str
    num_images: int
    """What views show: the newest session of each step."""
    num_stored: int
    """All that the shards hold, superseded sessions too."""
    num_steps: int
    first_step: int
    last_step: int
    max_per_step: int


class RunRow(_Row, frozen=True, kw_only=True):
    """One run: what ``run.json`` says of it, and what its shards hold."""

    run_id: str
    info: RunInfo
    num_images: int
    num_stored: int
    keys: list[KeyRow]
    """In the order they were first logged."""
    series: list[str]
    """Names of its logged numbers, sorted."""


class StepRow(_Row, frozen=True, kw_only=True):
    """The images of one key at one step, counted."""

    step: int
    time: float
    """When the first of them was logged, in seconds since 1970 UTC."""
    num_images: int


class Series(_Row, frozen=True, kw_only=True):
    """One logged number over the steps of a run; the three columns are equally long."""

    run_id: str
    name: str
    steps: list[int]
    times: list[float]
    values: list[float]
    """NaN and infinities as they were logged."""


class Item(_Row, frozen=True, kw_only=True):
    """One image that views show."""

    id: str
    """16 hex digits that stay the same when the index is rebuilt."""
    run_id: str
    key: str
    step: int
    index: int
    """Place among the images of its key and step, from 0: `LoggedImage.index`."""
    digest: str
    """sha256 of the stored picture, in hex."""
    record: ImageRecord
    mask_digests: dict[str, str]
    """sha256 of each mask, by the name of its layer."""


class Page(_Row, frozen=True, kw_only=True):
    """Some of the images that a query finds, in its order."""

    items: list[Item]
    cursor: str | None
    """Hand it back for what follows; ``None`` when nothing does. A page may hold fewer items than
    asked for, or none, and still have a cursor: the time for one look was over."""
    total: int
    """How many images the query finds, exact unless `is_total_exact` is false: then at least so
    many."""
    is_total_exact: bool


class MemberPlace(_Row, frozen=True, kw_only=True):
    """Where the bytes of a picture or mask stand."""

    digest: str
    shard: Path
    offset: int
    size_bytes: int
    format: str
    """File type: ``png``, ``jpg``, …"""


class KeyChange(_Row, frozen=True, kw_only=True):
    """A key of a run that changed since the refresh before."""

    run_id: str
    key: str
    step: int
    """The last step that changed."""
    num_images: int
    """Images of the key now."""


class IndexChanges(_Row, frozen=True, kw_only=True):
    """What a refresh found new."""

    keys: list[KeyChange] = []
    runs: list[str] = []
    """Runs that came, went, or whose ``run.json`` or numbers changed."""
    num_images: int = 0
    """Image records read."""

    def __bool__(self) -> bool:
        return bool(self.keys or self.runs)


class Suggestion(_Row, frozen=True, kw_only=True):
    """One way to go on with a query's text."""

    text: str
    """What to put in place of the characters from `start` to `end`."""
    start: int
    end: int
    detail: str
    """A few words about it."""
