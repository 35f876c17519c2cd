"""Numbers that were logged: the value that counts of each name and step."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select

from filmstrip.freeform import from_json_value
from filmstrip.index.batch import Numbering
from filmstrip.index.cells import int64
from filmstrip.index.database import chunks, insert_rows
from filmstrip.index.schema import numbers, series, shards, value_records
from filmstrip.index.shelf import Shelf
from filmstrip.index.stretch import StoredValues
from filmstrip.record import RecordDamagedError, ValuesRecord

__all__ = ["ValueEntry", "insert_values", "merged_values", "recount_values", "value_entries"]


class ValueEntry(NamedTuple):
    """One record of values; entries sort as later ones count."""

    session: int
    shard: str
    offset: int
    size_bytes: int
    record: ValuesRecord | None


def insert_values(
    connection: Connection,
    numbering: Numbering,
    shelf: Shelf,
    stored: Sequence[StoredValues],
    *,
    run: tuple[int, str],
    shard: tuple[int, str],
) -> None:
    """Store where records of values stand, and the numbers that count at their steps."""
    run_num, run_id = run
    shard_num, shard_name = shard
    fresh: dict[int, list[ValueEntry]] = defaultdict(list)
    rows: list[tuple[Any, ...]] = []
    for values in stored:
        record, at = values.record, (values.offset, values.size_bytes)
        step, session = int64(record.step), int64(record.session)
        rows.append((shard_num, *at, run_num, step, session))
        fresh[step].append(ValueEntry(session, shard_name, *at, record))
    older = value_entries(connection, run_num, fresh)
    insert_rows(connection, value_records, rows)
    merged = {
        step: merged_values(shelf, run_id, older.get(step, []) + entries)
        for step, entries in fresh.items()
    }
    _replace(connection, numbering, run_num, merged, known=set(older))


def recount_values(
    connection: Connection,
    numbering: Numbering,
    shelf: Shelf,
    steps: Iterable[int],
    *,
    run_num: int,
    run_id: str,
) -> None:
    """Find the numbers that count at some steps anew: records of them were dropped."""
    wanted = set(steps)
    entries = value_entries(connection, run_num, wanted)
    merged = {step: merged_values(shelf, run_id, entries.get(step, [])) for step in wanted}
    for some in chunks(wanted):
        connection.execute(
            delete(numbers).where(numbers.c.run_num == run_num, numbers.c.step.in_(some))
        )
    _replace(connection, numbering, run_num, merged, known=set())


def value_entries(
    connection: Connection, run_num: int, steps: Iterable[int]
) -> dict[int, list[ValueEntry]]:
    """Return the stored records of values of some steps."""
    found: dict[int, list[ValueEntry]] = defaultdict(list)
    c = value_records.c
    for some in chunks(steps):
        rows = connection.execute(
            select(c.step, c.session, shards.c.name, c.offset, c.size_bytes)
            .join(shards, shards.c.num == c.shard_num)
            .where(c.run_num == run_num, c.step.in_(some))
        )
        for row in rows:
            found[row[0]].append(ValueEntry(*row[1:], None))
    return found


def merged_values(
    shelf: Shelf, run_id: str, entries: list[ValueEntry]
) -> tuple[float, dict[str, Any]]:
    """Return when the first of some records was logged, and the values that count."""
    time, values = math.nan, {}
    for entry in sorted(entries, key=lambda entry: entry[:3]):
        record = entry.record or _read(shelf, run_id, entry)
        if record is not None:
            time = record.time if math.isnan(time) else time
            values.update(record.values)
    return time, {name: from_json_value(value) for name, value in values.items()}


def _read(shelf: Shelf, run_id: str, entry: ValueEntry) -> ValuesRecord | None:
    try:
        found = shelf.record(run_id, entry.shard, entry.offset, entry.size_bytes)
    except RecordDamagedError:
        return None  # the shard was replaced: the next refresh reads it anew
    return found if isinstance(found, ValuesRecord) else None


def _replace(
    connection: Connection,
    numbering: Numbering,
    run_num: int,
    merged: dict[int, tuple[float, dict[str, Any]]],
    *,
    known: set[int],
) -> None:
    rows: list[tuple[Any, ...]] = []
    stale: dict[int, list[int]] = defaultdict(list)
    for step, (time, values) in merged.items():
        for name, value in values.items():
            name_num = numbering.names[name]
            if step in known:
                stale[name_num].append(step)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                number = float(value)
                rows.append((run_num, name_num, step, time, None if number != number else number))
    c = numbers.c
    for name_num, steps in stale.items():
        for some in chunks(steps):
            connection.execute(
                delete(numbers).where(
                    c.run_num == run_num, c.name_num == name_num, c.step.in_(some)
                )
            )
    rows.sort()
    insert_rows(connection, numbers, rows)
    fresh = {(run_num, row[1]) for row in rows} - numbering.series
    insert_rows(connection, series, sorted(fresh), is_new=False)
    numbering.series |= fresh
