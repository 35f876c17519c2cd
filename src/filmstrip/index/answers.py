"""What is asked of the tables, one question a function; `Index` asks them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from filmstrip.index.cells import digest_head
from filmstrip.index.database import chunks
from filmstrip.index.rows import Item, KeyRow, MemberPlace, RunRow, Series, StepRow
from filmstrip.index.scalars import merged_values, value_entries
from filmstrip.index.schema import (
    images,
    keys,
    members,
    names,
    numbers,
    runs,
    series,
    shards,
    steps,
)
from filmstrip.index.shelf import Shelf
from filmstrip.record import ImageRecord, decode_run_info

__all__ = [
    "items_of",
    "member_places",
    "run_rows",
    "series_of",
    "step_rows",
    "values_at",
]


def run_rows(connection: Connection) -> list[RunRow]:
    """Return the runs, oldest first."""
    rows = connection.execute(select(runs.c.num, runs.c.run_id, runs.c.info)).all()
    its_keys: dict[int, list[KeyRow]] = {}
    for run_num, row in _key_rows(connection):
        its_keys.setdefault(run_num, []).append(row)
    names_of = _series_names(connection)
    found = [
        RunRow(
            run_id=run_id,
            info=decode_run_info(info),
            num_images=sum(key.num_images for key in its_keys.get(num, [])),
            num_stored=sum(key.num_stored for key in its_keys.get(num, [])),
            keys=its_keys.get(num, []),
            series=names_of.get(num, []),
        )
        for num, run_id, info in rows
    ]
    return sorted(found, key=lambda row: (row.info.created, row.run_id))


def step_rows(connection: Connection, run_id: str, key: str) -> list[StepRow]:
    """Return the steps at which a key has images, in ascending order."""
    c = steps.c
    rows = connection.execute(
        select(c.step, c.time, c.num_images)
        .where(c.key_num == _key_num(connection, run_id, key))
        .order_by(c.step)
    )
    return [StepRow(step=row[0], time=row[1], num_images=row[2]) for row in rows]


def series_of(connection: Connection, run_id: str, names: Sequence[str]) -> list[Series]:
    """Return logged numbers over the steps of a run, those of the names that it has."""
    found = [_series(connection, run_id, name) for name in names]
    return [one for one in found if one.steps]


def values_at(connection: Connection, shelf: Shelf, run_id: str, step: int) -> dict[str, Any]:
    """Return the numbers and texts that were logged at a step, by name."""
    run_num = connection.scalar(select(runs.c.num).where(runs.c.run_id == run_id))
    if run_num is None or not -(2**63) <= step < 2**63:
        return {}
    entries = value_entries(connection, run_num, [step]).get(step, [])
    return merged_values(shelf, run_id, entries)[1]


def member_places(
    connection: Connection, shelf: Shelf, digests: Iterable[str]
) -> dict[str, MemberPlace]:
    """Return where the bytes of some sha256 stand; those that stand nowhere are left out."""
    c = members.c
    wanted = {bytes.fromhex(digest) for digest in digests}
    found = {}
    for some in chunks(sorted(map(digest_head, wanted))):
        rows = connection.execute(
            select(runs.c.run_id, shards.c.name, c.offset, c.size_bytes, c.format, c.digest)
            .join(shards, shards.c.num == c.shard_num)
            .join(runs, runs.c.num == shards.c.run_num)
            .where(c.head.in_(some))
        )
        for run_id, name, offset, size_bytes, file_type, digest in rows:
            if bytes(digest) in wanted:
                found[bytes(digest).hex()] = MemberPlace(
                    digest=bytes(digest).hex(),
                    shard=shelf.runs_dir / run_id / name,
                    offset=offset,
                    size_bytes=size_bytes,
                    format=file_type,
                )
    return found


def items_of(connection: Connection, shelf: Shelf, nums: list[int]) -> list[Item]:
    """Return the images of these numbers, in this order; damaged records are left out."""
    c = images.c
    by_num = {}
    for some in chunks(nums):
        rows = connection.execute(
            select(
                c.num, runs.c.run_id, keys.c.key, c.step, c.place, shards.c.name, c.offset,
                c.size_bytes,
            )
            .join(shards, shards.c.num == c.shard_num)
            .join(runs, runs.c.num == c.run_num)
            .join(keys, keys.c.num == c.key_num)
            .where(c.num.in_(some), c.place.is_not(None))
        )  # fmt: skip
        by_num.update({row[0]: row for row in rows})
    wanted = [by_num[num] for num in nums if num in by_num]
    records = shelf.images([(row[1], *row[5:]) for row in wanted])
    return [
        _item(*row[:5], record)
        for row, record in zip(wanted, records, strict=True)
        if record is not None  # the shard was replaced: the next refresh reads it anew
    ]


def _item(num: int, run_id: str, key: str, step: int, place: int, record: ImageRecord) -> Item:
    digests = {member.name: member.sha256 for member in record.members}
    return Item(
        id=f"{num:016x}",
        run_id=run_id,
        key=key,
        step=step,
        index=place,
        digest=record.members[0].sha256,
        record=record,
        mask_digests={layer.name: digests[layer.member] for layer in record.masks},
    )


def _key_num(connection: Connection, run_id: str, key: str) -> int | None:
    found: int | None = connection.scalar(
        select(keys.c.num)
        .join(runs, runs.c.num == keys.c.run_num)
        .where(runs.c.run_id == run_id, keys.c.key == key)
    )
    return found


def _key_rows(connection: Connection) -> list[tuple[int, KeyRow]]:
    c = keys.c
    rows = connection.execute(
        select(
            c.run_num, c.key, c.num_images, c.num_stored, c.num_steps, c.first_step, c.last_step,
            c.max_per_step,
        ).order_by(c.run_num, c.session, c.first_shard, c.first_offset)
    )  # fmt: skip
    return [
        (row[0], KeyRow(**dict(zip(KeyRow.__struct_fields__, row[1:], strict=True))))
        for row in rows
    ]


def _series_names(connection: Connection) -> dict[int, list[str]]:
    """Return the names of the numbers that each run has."""
    found: dict[int, list[str]] = {}
    c = series.c
    pairs = connection.execute(
        select(c.run_num, names.c.name)
        .join(names, names.c.num == c.name_num)
        .order_by(c.run_num, names.c.name)
    )
    for run_num, name in pairs:
        found.setdefault(run_num, []).append(name)
    return found


def _series(connection: Connection, run_id: str, name: str) -> Series:
    c = numbers.c
    rows = connection.execute(
        select(c.step, c.time, c.value)
        .join(names, names.c.num == c.name_num)
        .join(runs, runs.c.num == c.run_num)
        .where(runs.c.run_id == run_id, names.c.name == name)
        .order_by(c.step)
    ).all()
    return Series(
        run_id=run_id,
        name=name,
        steps=[row[0] for row in rows],
        times=[row[1] for row in rows],
        values=[float("nan") if row[2] is None else row[2] for row in rows],
    )
