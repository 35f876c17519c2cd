"""Places and counts: which images of a step are shown, in which order, and how many there are.

The newest session of each key and step is shown, by rank, then in the order it was logged. Only
the steps that a batch touches are looked at again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy import func as sql

from filmstrip.index.database import chunks, insert_rows
from filmstrip.index.schema import images, keys, shards, steps

__all__ = ["Entry", "StepKey", "first_seen", "tally"]


class StepKey(NamedTuple):
    """One key at one step."""

    key_num: int
    step: int


class Entry(NamedTuple):
    """One stored image of a step; entries sort as views show them."""

    rank: int
    logged_index: int
    time: float
    shard: str
    offset: int
    session: int
    num: int
    place: int | None


def tally(
    connection: Connection, touched: Mapping[StepKey, list[Entry]], *, is_shrunk: bool = False
) -> dict[int, int | None]:
    """Count the touched steps anew and return the place of each of their images.

    Parameters
    ----------
    touched
        The steps, and the entries of each that are not among the stored images yet.
    is_shrunk
        True when images were dropped: then the sums of a key are made anew.
    """
    known = _known_steps(connection, touched)
    stored = _stored_entries(connection, known if not is_shrunk else touched)
    places: dict[int, int | None] = {}
    moved: list[dict[str, int | None]] = []
    rows: dict[StepKey, dict[str, float]] = {}
    for at, fresh in touched.items():
        entries = sorted(stored.get(at, []) + fresh)
        shown = _shown(entries)
        for entry in entries:
            places[entry.num] = shown.get(entry.num)
            if entry.place != places[entry.num] and entry in stored.get(at, ()):
                moved.append({"its_num": entry.num, "its_place": places[entry.num]})
        if entries:
            rows[at] = {
                "key_num": at.key_num,
                "step": at.step,
                "time": min(entry.time for entry in entries if entry.num in shown),
                "num_images": len(shown),
                "num_stored": len(entries),
            }
    _write(connection, known, rows, moved)
    _sum_up(connection, touched, known, rows, is_shrunk=is_shrunk)
    return places


def _shown(entries: list[Entry]) -> dict[int, int]:
    """Return the shown images of a step, by number, with the place of each."""
    newest = max((entry.session for entry in entries), default=0)
    shown: dict[int, int] = {}
    place = -1
    for entry in entries:
        if entry.session == newest:
            place = max(entry.logged_index, place + 1)
            shown[entry.num] = place
    return shown


def _by_key(touched: Iterable[StepKey]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for key_num, step in touched:
        found[key_num].append(step)
    return found


def _known_steps(
    connection: Connection, touched: Iterable[StepKey]
) -> dict[StepKey, tuple[int, int]]:
    """Return how many images of each step are shown and stored, of those that have any."""
    known: dict[StepKey, tuple[int, int]] = {}
    c = steps.c
    for key_num, wanted in _by_key(touched).items():
        for some in chunks(wanted):
            rows = connection.execute(
                select(c.step, c.num_images, c.num_stored).where(
                    c.key_num == key_num, c.step.in_(some)
                )
            )
            known.update({StepKey(key_num, row[0]): (row[1], row[2]) for row in rows})
    return known


def _stored_entries(
    connection: Connection, touched: Iterable[StepKey]
) -> dict[StepKey, list[Entry]]:
    found: dict[StepKey, list[Entry]] = defaultdict(list)
    c = images.c
    columns = (c.rank, c.index, c.time, shards.c.name, c.offset, c.session, c.num, c.place)
    for key_num, wanted in _by_key(touched).items():
        for some in chunks(wanted):
            rows = connection.execute(
                select(c.step, *columns)
                .join(shards, shards.c.num == c.shard_num)
                .where(c.key_num == key_num, c.step.in_(some))
            )
            for row in rows:
                found[StepKey(key_num, row[0])].append(Entry(*row[1:]))
    return found


def _write(
    connection: Connection,
    known: Mapping[StepKey, tuple[int, int]],
    rows: Mapping[StepKey, dict[str, float]],
    moved: list[dict[str, int | None]],
) -> None:
    if moved:
        connection.execute(
            update(images)
            .where(images.c.num == bindparam("its_num"))
            .values(place=bindparam("its_place")),
            moved,
        )
    for key_num, wanted in _by_key(known).items():
        for some in chunks(wanted):
            connection.execute(
                delete(steps).where(steps.c.key_num == key_num, steps.c.step.in_(some))
            )
    insert_rows(connection, steps, [tuple(row.values()) for row in rows.values()])


def _sum_up(
    connection: Connection,
    touched: Iterable[StepKey],
    known: Mapping[StepKey, tuple[int, int]],
    rows: Mapping[StepKey, dict[str, float]],
    *,
    is_shrunk: bool,
) -> None:
    """Bring the sums of each touched key up to date."""
    for key_num, its_steps in _by_key(touched).items():
        at = [StepKey(key_num, step) for step in its_steps]
        is_lower = any(p in known and rows[p]["num_images"] < known[p][0] for p in at if p in rows)
        if is_shrunk or is_lower:
            _sum_anew(connection, key_num)
            continue
        fresh = [rows[pair] for pair in at]
        old = [known.get(pair, (0, 0)) for pair in at]
        c = keys.c
        first, last = min(its_steps), max(its_steps)
        most = max(int(row["num_images"]) for row in fresh)
        is_first = c.num_steps == 0
        connection.execute(
            update(keys)
            .where(c.num == key_num)
            .values(
                num_images=c.num_images
                + int(sum(row["num_images"] for row in fresh) - sum(o[0] for o in old)),
                num_stored=c.num_stored
                + int(sum(row["num_stored"] for row in fresh) - sum(o[1] for o in old)),
                num_steps=c.num_steps + sum(pair not in known for pair in at),
                first_step=_extreme(is_first, c.first_step > first, first, c.first_step),
                last_step=_extreme(is_first, c.last_step < last, last, c.last_step),
                max_per_step=_extreme(is_first, c.max_per_step < most, most, c.max_per_step),
            )
        )


def _extreme(
    is_first: sqlalchemy.ColumnElement[bool],
    is_beyond: sqlalchemy.ColumnElement[bool],
    new: int,
    old: sqlalchemy.ColumnElement[int],
) -> sqlalchemy.Case[int]:
    return sqlalchemy.case((is_first | is_beyond, new), else_=old)


def _sum_anew(connection: Connection, key_num: int) -> None:
    c = steps.c
    row = connection.execute(
        select(
            sql.count(), sql.sum(c.num_images), sql.sum(c.num_stored),
            sql.min(c.step), sql.max(c.step), sql.max(c.num_images),
        ).where(c.key_num == key_num)
    ).one()  # fmt: skip
    if not row[0]:
        connection.execute(delete(keys).where(keys.c.num == key_num))
        return
    session, shard, offset = first_seen(connection, key_num)
    connection.execute(
        update(keys)
        .where(keys.c.num == key_num)
        .values(
            num_steps=row[0], num_images=int(row[1]), num_stored=int(row[2]),
            first_step=row[3], last_step=row[4], max_per_step=row[5],
            session=session, first_shard=shard, first_offset=offset,
        )
    )  # fmt: skip


def first_seen(connection: Connection, key_num: int) -> tuple[int, str, int]:
    """Return session, shard and offset of the first image of a key."""
    c = images.c
    row = connection.execute(
        select(c.session, shards.c.name, c.offset)
        .join(shards, shards.c.num == c.shard_num)
        .where(c.key_num == key_num)
        .order_by(c.session, shards.c.name, c.offset)
        .limit(1)
    ).one()
    return row[0], row[1], row[2]
