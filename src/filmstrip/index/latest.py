"""The newest images at or before a place on an axis, for many runs and keys at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, or_, select

from filmstrip.index.schema import images, keys, names, numbers, runs, steps

__all__ = ["latest_images"]


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
    found = {}
    last_steps = {} if axis in ("step", "time") else _last_steps(connection, pairs, at, axis)
    for key_num, run_num in pairs:
        limit = last_steps.get(run_num) if last_steps or axis not in ("step", "time") else at
        step = None if limit is None else _step_before(connection, key_num, limit, axis)
        if step is not None:
            found[key_num] = step
    if not found:
        return []
    at_steps = or_(
        *(and_(images.c.key_num == key, images.c.step == step) for key, step in found.items())
    )
    rows = connection.execute(
        select(images.c.num, images.c.key_num, images.c.place)
        .where(at_steps, images.c.place.is_not(None))
        .order_by(images.c.key_num, images.c.place)
    )
    by_key: dict[int, list[int]] = {}
    for num, key_num, _ in rows:
        by_key.setdefault(key_num, []).append(num)
    return [num for key_num, _ in pairs for num in by_key.get(key_num, [])[:max_images]]


def _step_before(connection: Connection, key_num: int, limit: float, axis: str) -> int | None:
    """Return the last step of a key whose place on the axis is not beyond the limit."""
    column = steps.c.time if axis == "time" else steps.c.step
    found: int | None = connection.scalar(
        select(steps.c.step)
        .where(steps.c.key_num == key_num, column <= limit)
        .order_by(column.desc(), steps.c.step.desc())
        .limit(1)
    )
    return found


def _last_steps(
    connection: Connection, pairs: Sequence[tuple[int, int]], at: float, name: str
) -> dict[int, int]:
    """Return the step of each run where a number was nearest to a value without passing it."""
    name_num = connection.scalar(select(names.c.num).where(names.c.name == name))
    c = numbers.c
    found = {}
    for run_num in {run_num for _, run_num in pairs}:
        step = connection.scalar(
            select(c.step)
            .where(c.run_num == run_num, c.name_num == name_num, c.value <= at)
            .order_by(c.value.desc(), c.step.desc())
            .limit(1)
        )
        if step is not None:
            found[run_num] = step
    return found
