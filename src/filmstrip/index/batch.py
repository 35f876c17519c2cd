"""One transaction's worth of samples on their way from a shard into the tables."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from filmstrip.index import schema
from filmstrip.index.database import insert_rows
from filmstrip.index.facts import Facts, facts_of
from filmstrip.index.schema import stored_text
from filmstrip.record import ImageRecord
from filmstrip.shard.read import StoredSample

__all__ = [
    "NumberedImage",
    "Numbering",
    "chunks",
    "digest_head",
    "free_numbers",
    "insert_images",
    "int64",
    "new_generation",
]

_MAX_VARIABLES = 30_000
"""Values in one statement; SQLite takes 32766."""


@dataclass(slots=True)
class Numbering:
    """The numbers that rows of small tables have, remembered from one batch to the next.

    They are forgotten when the index's generation changes: somebody dropped rows.
    """

    generation: str = ""
    keys: dict[tuple[int, str], int] = field(default_factory=dict)
    fields: dict[tuple[str, str], int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    series: set[tuple[int, int]] = field(default_factory=set)
    """Runs and names that are known to go together."""

    def begin(self, connection: Connection) -> None:
        """Forget what may be wrong."""
        found = connection.scalar(
            select(schema.settings.c.value).where(schema.settings.c.name == "generation")
        )
        if found != self.generation:
            self.forget()
            self.generation = found or ""

    def forget(self) -> None:
        """Forget everything: a transaction was taken back, or rows were dropped."""
        self.keys.clear()
        self.fields.clear()
        self.names.clear()
        self.series.clear()

    def field(self, connection: Connection, kind: str, name: str) -> int:
        """Return the number of a field, made when there is none."""
        if (kind, name) not in self.fields:
            self.fields[kind, name] = _number(connection, schema.fields, kind=kind, name=name)
        return self.fields[kind, name]

    def name(self, connection: Connection, name: str) -> int:
        """Return the number of a logged number's name, made when there is none."""
        if name not in self.names:
            self.names[name] = _number(connection, schema.names, name=name)
        return self.names[name]


@dataclass(frozen=True, slots=True)
class NumberedImage:
    """An image record with what it is called in the tables."""

    num: int
    key_num: int
    place: int | None
    sample: StoredSample
    record: ImageRecord


def insert_images(
    connection: Connection,
    numbering: Numbering,
    images: Sequence[NumberedImage],
    *,
    shard_num: int,
    run_num: int,
) -> None:
    """Store what is searched of some images."""
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for image in images:
        facts = facts_of(image.record)
        rows["images"].append(_image_row(image, facts, run_num=run_num, shard_num=shard_num))
        rows["members"].extend(_member_rows(image, shard_num))
        for name in ("marks", "labels", "measures"):
            for kind, field_name, value in getattr(facts, name):
                field_num = numbering.field(connection, kind, field_name)
                key = (image.key_num,) if name == "measures" else ()
                rows[name].append((field_num, value, image.num, *key))
    for name, table in _TABLES.items():
        rows[name].sort()
        insert_rows(connection, table, rows[name], is_new=name in ("images", "members"))


_TABLES: dict[str, Table] = {
    "images": schema.images,
    "members": schema.members,
    "marks": schema.marks,
    "labels": schema.labels,
    "measures": schema.measures,
}


def chunks(values: Iterable[Any], size: int = _MAX_VARIABLES) -> Iterable[list[Any]]:
    """Yield the values in lists short enough for one statement."""
    whole = list(values)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def int64(value: int) -> int:
    """Return the integer, or the nearest that a database holds: a shard may say anything."""
    return max(-(2**63), min(value, 2**63 - 1))


def _image_row(
    image: NumberedImage, facts: Facts, *, run_num: int, shard_num: int
) -> tuple[Any, ...]:
    record, line = image.record, image.sample.line
    return (
        image.num, image.key_num, run_num, int64(record.step), image.place,
        int64(record.session), int64(record.rank), int64(record.index), record.time, shard_num,
        line.offset, line.size_bytes, facts.flags, facts.words or None,
    )  # fmt: skip


def _member_rows(image: NumberedImage, shard_num: int) -> Iterable[tuple[Any, ...]]:
    record, locations = image.record, image.sample.locations
    masks = {layer.member for layer in record.masks}
    for member in record.members:
        location = locations.get(member.name)
        if location is not None:
            digest = bytes.fromhex(member.sha256)
            yield (
                digest_head(digest), shard_num, location.offset, location.size_bytes,
                "png" if member.name in masks else stored_text(record.format), digest,
            )  # fmt: skip


def digest_head(digest: bytes) -> int:
    """Return the part of a digest that rows are found by."""
    return int.from_bytes(digest[:8], "big") >> 1


def free_numbers(connection: Connection, wanted: list[int]) -> list[int]:
    """Return the numbers, those that are taken counted up to the next free one."""
    taken: set[int] = set()
    for some in chunks(wanted):
        column = schema.images.c.num
        taken.update(connection.scalars(select(column).where(column.in_(some))))
    numbers = []
    for number in wanted:
        free = number
        while free in taken or (free != number and _is_taken(connection, free)):
            free += 1
        taken.add(free)
        numbers.append(free)
    return numbers


def _is_taken(connection: Connection, number: int) -> bool:
    return connection.scalar(select(schema.images.c.num).filter_by(num=number)) is not None


def _number(connection: Connection, table: Table, **values: str) -> int:
    found = connection.scalar(select(table.c.num).filter_by(**values))
    if found is None:
        found = connection.scalar(insert(table).values(**values).returning(table.c.num))
    number: int = found
    return number


def new_generation(connection: Connection) -> None:
    """Tell every process that the numbers of rows may mean other rows now."""
    settings = schema.settings
    connection.execute(delete(settings).where(settings.c.name == "generation"))
    connection.execute(insert(settings).values(name="generation", value=secrets.token_hex(8)))
