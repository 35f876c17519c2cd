"""The newest images at or before a place on an axis, for many runs and keys at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select

from filmstrip.index.database import chunks
from filmstrip.index.predicates import name_number, whole_limit
from filmstrip.index.schema import images, keys, numbers, runs, steps

__all__ = ["latest_images"]

_MAX_PAIRS = 64
"""Steps asked for at once."""


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
    found: dict[int, int] = {}
    for some in chunks(pairs):
        found.update(_steps_before(connection, some, at, axis))
    by_key: dict[int, list[int]] = {}
    for some in chunks(found.items(), size=_MAX_PAIRS):
        # Not with tuples IN a list: SQLite would go through all images.
        at_steps = (and_(images.c.key_num == key, images.c.step == step) for key, step in some)
        rows = connection.execute(
            select(images.c.num, images.c.key_num)
            .where(or_(*at_steps), images.c.place.is_not(None))
            .order_by(images.c.key_num, images.c.place)
        )
        for num, key_num in rows:
            by_key.setdefault(key_num, []).append(num)
    return [num for key_num, _ in pairs for num in by_key.get(key_num, [])[:max_images]]


def _steps_before(
    connection: Connection, pairs: Sequence[tuple[int, int]], at: float, axis: str
) -> dict[int, int]:
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
        .scalar_subquery()
    )
    rows = connection.execute(select(keys.c.num, newest).where(keys.c.num.in_(key_nums)))
    return {key_num: step for key_num, step in rows if step is not None}


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
