"""One transaction's worth of samples on their way from a shard into the tables."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from filmstrip.index import schema
from filmstrip.index.database import insert_rows
from filmstrip.index.facts import FactRows
from filmstrip.index.schema import stored_text
from filmstrip.record import ImageRecord, Member
from filmstrip.shard.read import Location, StoredSample

__all__ = [
    "NumberedImage",
    "Numbering",
    "chunks",
    "digest_head",
    "free_numbers",
    "insert_images",
    "int64",
    "member_row",
    "new_generation",
    "places_of",
]

_MAX_VARIABLES = 30_000
"""Values in one statement; SQLite takes 32766."""


class _Numbers(dict[Any, int]):
    """Numbers of rows that are made when they are first asked for."""

    connection: Connection | None = None

    def __init__(self, table: Table, *names: str) -> None:
        super().__init__()
        self._table, self._names = table, names

    def __missing__(self, key: Any) -> int:
        if self.connection is None:
            raise KeyError(key)
        values = (key,) if isinstance(key, str) else key
        named = dict(zip(self._names, values, strict=True))
        self[key] = _number(self.connection, self._table, **named)
        return self[key]


class Numbering:
    """The numbers that rows of small tables have, remembered from one batch to the next.

    They are forgotten when the index's generation changes: somebody dropped rows.
    """

    def __init__(self) -> None:
        self.generation = ""
        self.fields = _Numbers(schema.fields, "kind", "name")
        self.names = _Numbers(schema.names, "name")
        self.series: set[tuple[int, int]] = set()
        """Runs and names that are known to go together."""

    def begin(self, connection: Connection) -> None:
        """Forget what may be wrong, and make what is missing with this connection."""
        found = connection.scalar(
            select(schema.settings.c.value).where(schema.settings.c.name == "generation")
        )
        if found != self.generation:
            self.forget()
            self.generation = found or ""
        self.fields.connection = self.names.connection = connection

    def forget(self) -> None:
        """Forget everything: a transaction was taken back, or rows were dropped."""
        self.fields.clear()
        self.names.clear()
        self.series.clear()


@dataclass(frozen=True, slots=True)
class NumberedImage:
    """An image record with what it is called in the tables."""

    num: int
    key_num: int
    at: tuple[int, int, int, int]
    """Step, session, rank and index, as a database can hold them."""
    sample: StoredSample
    record: ImageRecord


def places_of(record: ImageRecord) -> tuple[int, int, int, int]:
    """Return step, session, rank and index, or the nearest integers that a database holds."""
    at = (record.step, record.session, record.rank, record.index)
    if max(at) < 2**63 and min(at) >= -(2**63):
        return at
    return int64(at[0]), int64(at[1]), int64(at[2]), int64(at[3])


def insert_images(
    connection: Connection,
    numbering: Numbering,
    numbered: Sequence[NumberedImage],
    places: Mapping[int, int | None],
    *,
    shard_num: int,
    run_num: int,
) -> None:
    """Store what is searched of some images, with the place of each by its number."""
    facts = FactRows(numbering.fields)
    rows: list[tuple[Any, ...]] = []
    files: list[tuple[Any, ...]] = []
    for image in numbered:
        record, line, (step, session, rank, index) = image.record, image.sample.line, image.at
        flags, words = facts.add(record, image.num, image.key_num)
        rows.append(
            (
                image.num, image.key_num, run_num, step, places[image.num], session, rank, index,
                record.time, shard_num, line.offset, line.size_bytes, flags, words,
            )
        )  # fmt: skip
        files += _member_rows(image, shard_num)
    by_table: tuple[list[Any], ...] = (rows, files, facts.marks, facts.labels, facts.measures)
    for table, its_rows in zip(_TABLES, by_table, strict=True):
        its_rows.sort()
        # Facts of an image that is read again are there already.
        is_new = table in (schema.images, schema.members)
        insert_rows(connection, table, its_rows, is_new=is_new)


_TABLES = (schema.images, schema.members, schema.marks, schema.labels, schema.measures)


def chunks(values: Iterable[Any], size: int = _MAX_VARIABLES) -> Iterable[list[Any]]:
    """Yield the values in lists short enough for one statement."""
    whole = list(values)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def int64(value: int) -> int:
    """Return the integer, or the nearest that a database holds: a shard may say anything."""
    return max(-(2**63), min(value, 2**63 - 1))


def _member_rows(image: NumberedImage, shard_num: int) -> list[tuple[Any, ...]]:
    record, locations = image.record, image.sample.locations
    masks = {layer.member for layer in record.masks}
    rows = []
    for member in record.members:
        location = locations.get(member.name)
        if location is not None:
            file_type = "png" if member.name in masks else record.format
            rows.append(member_row(member, location, shard_num, file_type))
    return rows


def member_row(
    member: Member, location: Location, shard_num: int, file_type: str
) -> tuple[Any, ...]:
    """Return the row that says where a file stands."""
    digest = bytes.fromhex(member.sha256)
    size_bytes, kind = location.size_bytes, stored_text(file_type)
    return (digest_head(digest), shard_num, location.offset, size_bytes, kind, digest)


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
