"""What ``ls`` says of runs, keys and values: summed up from records, no picture is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filmstrip.freeform import to_json_value

if TYPE_CHECKING:
    from filmstrip.store import LoggedImage, StoredRun

__all__ = [
    "KeySummary",
    "RunDetails",
    "RunSummary",
    "ValueSummary",
    "summarize_run",
    "summarize_run_details",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySummary:
    """The images of one key that views show: those of the newest session at each step."""

    key: str
    images: int
    steps: int
    """How many steps have images."""
    first_step: int
    last_step: int
    size_bytes: int
    """Of their stored pictures and masks; bytes that an earlier image holds too count there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSummary:
    """A number or text that was logged."""

    key: str
    steps: int
    last_step: int
    last_value: Any
    """As JSON holds it in records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run: what its ``run.json`` says, and what its shards hold."""

    id: str
    name: str
    project: str
    group: str
    tags: list[str]
    notes: str
    state: str
    created: float
    """Seconds since 1970 UTC."""
    finished: float | None
    host: str
    config: dict[str, Any]
    """As JSON holds it in ``run.json``."""
    images: int
    keys: int
    first_step: int | None
    """Of images; None when there are none."""
    last_step: int | None
    size_bytes: int
    """Of the run's files."""
    damaged_places: int
    """Places that reading skipped; ``filmstrip verify`` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """A run and all its keys."""

    run: RunSummary
    keys: list[KeySummary]
    values: list[ValueSummary]


def summarize_run(run: StoredRun) -> RunSummary:
    """Return the sum of a run.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="r1") as run:
    ...         run.log({"examples": filmstrip.Image(np.eye(8))}, step=7)
    ...     summary = summarize_run(filmstrip.open(folder).run("r1"))
    >>> summary.images, summary.keys, summary.last_step
    (1, 1, 7)
    """
    return _run_summary(run, _key_summaries(run))


def summarize_run_details(run: StoredRun) -> RunDetails:
    """Return the sum of a run, of each of its keys, and of each value it logged."""
    keys = _key_summaries(run)
    return RunDetails(run=_run_summary(run, keys), keys=keys, values=_value_summaries(run))


def _run_summary(run: StoredRun, keys: list[KeySummary]) -> RunSummary:
    info = run.info
    return RunSummary(
        id=run.id,
        name=info.name,
        project=info.project,
        group=info.group,
        tags=info.tags,
        notes=info.notes,
        state=run.state,
        created=info.created,
        finished=info.finished,
        host=info.host,
        config=info.config,
        images=sum(key.images for key in keys),
        keys=len(keys),
        first_step=min((key.first_step for key in keys), default=None),
        last_step=max((key.last_step for key in keys), default=None),
        size_bytes=run.size_bytes,
        damaged_places=len(run.damages()),
    )


def _key_summaries(run: StoredRun) -> list[KeySummary]:
    return [_key_summary(key, run.images(key)) for key in run.keys()]  # noqa: SIM118


def _key_summary(key: str, images: list[LoggedImage]) -> KeySummary:
    return KeySummary(
        key=key,
        images=len(images),
        steps=len({image.step for image in images}),
        first_step=images[0].step,
        last_step=images[-1].step,
        size_bytes=_stored_bytes(images),
    )


def _stored_bytes(images: Iterable[LoggedImage]) -> int:
    return sum(m.size_bytes for image in images for m in image.record.members if not m.link)


def _value_summaries(run: StoredRun) -> list[ValueSummary]:
    steps: dict[str, int] = {}
    last: dict[str, tuple[int, Any]] = {}
    for logged in run.values():
        for key, value in logged.values.items():
            steps[key] = steps.get(key, 0) + 1
            last[key] = (logged.step, value)
    return [
        ValueSummary(key=key, steps=steps[key], last_step=step, last_value=to_json_value(value))
        for key, (step, value) in last.items()
    ]
