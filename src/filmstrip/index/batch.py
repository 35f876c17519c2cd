"""One transaction's worth of samples on their way from a shard into the tables."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from filmstrip.index import schema
from filmstrip.index.database import chunks, insert_rows, insert_texts
from filmstrip.index.shelf import Shelf
from filmstrip.index.stretch import FirstSeen, ImageColumns, LinkedFile, Stretch
from filmstrip.index.tally import Entry, StepKey, tally

__all__ = ["Numbering", "ShardAt", "free_numbers", "insert_images", "new_generation"]

_MAX_NEAR = 1000
"""If so many numbers between those of some images are taken, it is asked for each of theirs."""

_MAX_HEADS = 2**17


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
        self.heads: set[int] = set()
        """Files that links name and that are known to be found."""

    def begin(self, connection: Connection) -> None:
        """Forget what may be wrong, and make what is missing with this connection."""
        found = connection.scalar(
            select(schema.settings.c.value).where(schema.settings.c.name == "generation")
        )
        if self.generation != (found or ""):  # none is stored before rows were dropped
            self.forget()
            self.generation = found or ""
        if len(self.heads) > _MAX_HEADS:
            self.heads.clear()
        self.fields.connection = self.names.connection = connection

    def forget(self) -> None:
        """Forget everything: a transaction was taken back, or rows were dropped."""
        self.fields.clear()
        self.names.clear()
        self.series.clear()
        self.heads.clear()


@dataclass(frozen=True, slots=True)
class ShardAt:
    """A shard, as rows name it."""

    run_num: int
    run_id: str
    num: int
    name: str


def insert_images(
    connection: Connection, numbering: Numbering, shelf: Shelf, shard: ShardAt, stretch: Stretch
) -> Iterable[StepKey]:
    """Store the images of a stretch; return the steps that have got some."""
    columns = stretch.images
    nums = free_numbers(connection, columns.nums)
    key_nums = _key_nums(connection, shard, stretch.keys)
    its_keys = [key_nums[at] for at in columns.key_at]
    touched = _entries(shard, columns, nums, its_keys)
    places = tally(connection, touched)
    rows = zip(
        nums, its_keys, repeat(shard.run_num), columns.steps, map(places.__getitem__, nums),
        columns.sessions, columns.ranks, columns.indexes, columns.times, repeat(shard.num),
        columns.offsets, columns.sizes, columns.flags, columns.words, strict=False,
    )  # fmt: skip
    insert_rows(connection, schema.images, sorted(rows, key=itemgetter(0)))
    files = [(f.head, shard.num, f.offset, f.size_bytes, f.format, f.digest) for f in stretch.files]
    insert_rows(connection, schema.members, sorted(files))
    renamed = {old: new for old, new in zip(columns.nums, nums, strict=True) if old != new}
    _insert_facts(connection, numbering, stretch, key_nums, renamed)
    _insert_link_targets(connection, numbering, shelf, shard, stretch.links)
    return touched.keys()


def free_numbers(connection: Connection, wanted: list[int]) -> list[int]:
    """Return the numbers, those that images have already counted up to the next free one.

    Parameters
    ----------
    wanted
        No two are the same.
    """
    taken = _taken(connection, wanted)
    if not taken:
        return wanted
    numbers = []
    for number in wanted:
        free = number
        while free in taken or (free != number and _is_taken(connection, free)):
            free += 1
        taken.add(free)
        numbers.append(free)
    return numbers


def _taken(connection: Connection, wanted: list[int]) -> set[int]:
    """Return those of the numbers that images have already, and perhaps others."""
    num = schema.images.c.num
    near = select(num).where(num.between(min(wanted), max(wanted))).limit(_MAX_NEAR)
    taken = set(connection.scalars(near))
    if len(taken) < _MAX_NEAR:
        return taken
    for some in chunks(wanted):
        taken.update(connection.scalars(select(num).where(num.in_(some))))
    return taken


def _is_taken(connection: Connection, number: int) -> bool:
    return connection.scalar(select(schema.images.c.num).filter_by(num=number)) is not None


def _entries(
    shard: ShardAt, columns: ImageColumns, nums: list[int], its_keys: list[int]
) -> dict[StepKey, list[Entry]]:
    """Return what is to be counted, by key and step."""
    entries = zip(
        columns.ranks, columns.indexes, columns.times, repeat(shard.name), columns.offsets,
        columns.sessions, nums, repeat(None), strict=False,
    )  # fmt: skip
    touched: dict[tuple[int, int], list[Entry]] = defaultdict(list)
    for key_num, step, entry in zip(
        its_keys, columns.steps, map(Entry._make, entries), strict=True
    ):
        touched[key_num, step].append(entry)
    return {StepKey(*at): its_entries for at, its_entries in touched.items()}


def _insert_facts(
    connection: Connection,
    numbering: Numbering,
    stretch: Stretch,
    key_nums: list[int],
    renamed: Mapping[int, int],
) -> None:
    """Store what is searched of images; facts of one that is read again are there already."""
    for table, facts in ((schema.marks, stretch.marks), (schema.labels, stretch.labels)):
        fields = {
            numbering.fields[fact.kind, fact.name]: _renamed(fact.nums_by_text, renamed)
            for fact in facts
        }
        insert_texts(connection, table, fields)
    measures = [
        (field, value, renamed.get(num, num), key_nums[key_at])
        for field, rows in [(numbering.fields[m.kind, m.name], m.rows) for m in stretch.measures]
        for value, num, key_at in rows
    ]
    insert_rows(connection, schema.measures, sorted(measures), is_new=False)


def _renamed(
    nums_by_text: dict[str, list[int]], renamed: Mapping[int, int]
) -> dict[str, list[int]]:
    if not renamed:
        return nums_by_text
    return {text: [renamed.get(num, num) for num in nums] for text, nums in nums_by_text.items()}


def _insert_link_targets(
    connection: Connection,
    numbering: Numbering,
    shelf: Shelf,
    shard: ShardAt,
    links: Sequence[LinkedFile],
) -> None:
    """Store where bytes are that links name in samples that are not whole themselves."""
    unknown = {link.head: link for link in links if link.head not in numbering.heads}
    head = schema.members.c.head
    for some in chunks(unknown):
        numbering.heads.update(connection.scalars(select(head).where(head.in_(some))))
    missing = [link for known, link in unknown.items() if known not in numbering.heads]
    shard_nums = _shard_nums(connection, shard.run_num) if missing else {}
    for name in sorted({link.link_shard for link in missing} & shard_nums.keys()):
        places = shelf.damaged_members(shard.run_id, name)
        targets = [
            (link.head, shard_nums[name], at.offset, at.size_bytes, link.format, link.digest)
            for link in missing
            if link.link_shard == name and (at := places.get(link.link)) is not None
        ]
        insert_rows(connection, schema.members, targets, is_new=False)


def _shard_nums(connection: Connection, run_num: int) -> dict[str, int]:
    c = schema.shards.c
    return dict(connection.execute(select(c.name, c.num).where(c.run_num == run_num)).all())


def _key_nums(connection: Connection, shard: ShardAt, keys: Iterable[FirstSeen]) -> list[int]:
    """Return the number of each key; note where it was first logged."""
    return [
        _key_num(connection, shard.run_num, key.key, (key.session, shard.name, key.offset))
        for key in keys
    ]


def _key_num(connection: Connection, run_num: int, key: str, first: tuple[int, str, int]) -> int:
    c = schema.keys.c
    row = connection.execute(
        select(c.num, c.session, c.first_shard, c.first_offset).where(
            c.run_num == run_num, c.key == key
        )
    ).one_or_none()
    seen = {"session": first[0], "first_shard": first[1], "first_offset": first[2]}
    if row is None:
        zero = dict.fromkeys(
            (
                "num_images",
                "num_stored",
                "num_steps",
                "first_step",
                "last_step",
                "max_per_step",
            ),
            0,
        )
        num = connection.scalar(
            insert(schema.keys).values(run_num=run_num, key=key, **seen, **zero).returning(c.num)
        )
    else:
        num = row[0]
        if first < tuple(row[1:]):
            connection.execute(update(schema.keys).where(c.num == num).values(**seen))
    return int(num or 0)


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
