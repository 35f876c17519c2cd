"""The newest images at or before a place on an axis, for many runs and keys at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select

from filmstrip.index.database import chunks
from filmstrip.index.predicates import name_number, whole_limit
from filmstrip.index.schema import images, keys, numbers, runs, steps

__all__ = ["latest_images"]

_MAX_PAIRS = 64
"""Steps asked for at once."""


class _AtStep(NamedTuple):
    """The step of a key that is shown, and how many images it has."""

    key_num: int
    step: int
    num_images: int


def latest_images(
    connection: Connection,
    run_ids: Sequence[str] | None,
    key_names: Sequence[str] | None,
    at: float,
    *,
    axis: str,
    max_images: int,
) -> list[int]:
    """Return numbers of images, by run, key and place; of each run and key one step's."""
    wanted = select(keys.c.num, keys.c.run_num).join(runs, runs.c.num == keys.c.run_num)
    if run_ids is not None:
        wanted = wanted.where(runs.c.run_id.in_(run_ids))
    if key_names is not None:
        wanted = wanted.where(keys.c.key.in_(key_names))
    pairs = connection.execute(wanted.order_by(runs.c.run_id, keys.c.num)).all()
    at_steps: list[_AtStep] = []
    for some in chunks(pairs):
        at_steps += _steps_before(connection, some, at, axis)
    by_key: dict[int, list[int]] = {}
    for some in chunks(at_steps, size=_MAX_PAIRS):
        by_key.update(_first_images(connection, some, max_images))
    return [num for key_num, _ in pairs for num in by_key.get(key_num, [])]


def _first_images(
    connection: Connection, at_steps: Sequence[_AtStep], max_images: int
) -> dict[int, list[int]]:
    """Return, by key, the first images that are shown of its step."""
    found = _images_before(connection, at_steps, max_images)
    # Places have gaps where a list had images that could not be logged.
    gappy = [a for a in at_steps if len(found[a.key_num]) < min(max_images, a.num_images)]
    if gappy:
        found.update(_images_before(connection, gappy, None))
    return {key_num: nums[:max_images] for key_num, nums in found.items()}


def _images_before(
    connection: Connection, at_steps: Sequence[_AtStep], place: int | None
) -> dict[int, list[int]]:
    """Return, by key, the images that are shown of its step, those before a place."""
    c = images.c
    is_shown = c.place.is_not(None) if place is None else c.place < place
    found: dict[int, list[int]] = {at.key_num: [] for at in at_steps}
    # Not with tuples IN a list: SQLite would go through all images.
    wanted = (and_(c.key_num == a.key_num, c.step == a.step, is_shown) for a in at_steps)
    rows = connection.execute(
        select(c.num, c.key_num).where(or_(*wanted)).order_by(c.key_num, c.place)
    )
    for num, key_num in rows:
        found[key_num].append(num)
    return found


def _steps_before(
    connection: Connection, pairs: Sequence[tuple[int, int]], at: float, axis: str
) -> list[_AtStep]:
    """Return the newest step of each key that is not beyond a place on the axis."""
    key_nums = [key_num for key_num, _ in pairs]
    if axis in ("step", "time"):
        column = steps.c.time if axis == "time" else steps.c.step
        limit: ColumnElement[Any] = literal(at if axis == "time" else whole_limit(at))
    else:
        column, limit = steps.c.step, _last_step(connection, axis, at)
    newest = (
        select(steps.c.step)
        .where(steps.c.key_num == keys.c.num, column <= limit)
        .order_by(column.desc(), steps.c.step.desc())
        .limit(1)
        .correlate(keys)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(steps.c.key_num, steps.c.step, steps.c.num_images)
        .select_from(keys)
        .join(steps, and_(steps.c.key_num == keys.c.num, steps.c.step == newest))
        .where(keys.c.num.in_(key_nums))
    )
    return [_AtStep(*row) for row in rows]


def _last_step(connection: Connection, name: str, at: float) -> ColumnElement[Any]:
    """Return the step of a key's run where a number was nearest to a value without passing it."""
    c = numbers.c
    return (
        select(c.step)
        .where(
            c.run_num == keys.c.run_num, c.name_num == name_number(connection, name), c.value <= at
        )
        .order_by(c.value.desc(), c.step.desc())
        .limit(1)
        .correlate(keys)
        .scalar_subquery()
    )
