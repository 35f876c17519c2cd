"""Sources of candidates: lists in the order that a query wants, read along one index each.

A source is read in windows, from a place on. Its cost does not depend on how long the list is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    case,
    not_,
    select,
    tuple_,
    union_all,
)

from filmstrip.index.predicates import Fact, Predicate
from filmstrip.index.schema import images, keys, measures, numbers, steps

__all__ = [
    "MAX_ARMS",
    "Source",
    "Wanted",
    "by_measure",
    "by_number",
    "by_step",
    "by_text",
    "newest",
    "newest_with_text",
]

MAX_ARMS = 32
"""How many keys or runs are walked side by side; of more, the whole store is walked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be true of an image that is found."""

    said: Sequence[Predicate]
    facts: Sequence[Fact] = ()
    """What can be looked at when only its number is known."""
    sought: Sequence[Predicate] = ()
    """What an index may find."""


@dataclass(frozen=True, slots=True)
class Source:
    """A list of candidates in order.

    Parameters
    ----------
    table
        What is read.
    columns
        Names of the columns that order it; the index begins with them, behind what is fixed.
    fixed
        What is true of all its rows.
    is_descending
        Of all columns alike.
    arm_column, arms
        When given, the list is merged from those that have one of these values each.
    """

    table: Table
    columns: tuple[str, ...]
    fixed: tuple[Predicate, ...]
    is_descending: bool
    arm_column: str = ""
    arms: tuple[int, ...] = ()

    @property
    def is_by_step(self) -> bool:
        """Whether a row stands for all images of a step, not for one image."""
        return self.table in (numbers, steps)

    @property
    def order(self) -> list[ColumnElement[Any]]:
        """What orders the images of the list."""
        columns = self._columns(self.table)
        if self.table is numbers:
            columns.append(images.c.key_num)
        return [*columns, images.c.place] if self.is_by_step else columns

    def is_place(self, values: Sequence[Any], *, is_whole: bool) -> bool:
        """Return whether these values can be a place in this order: a client may send any."""
        kinds = [
            _kind(column) for column in (self._columns(self.table) if is_whole else self.order)
        ]
        return len(values) == len(kinds) and all(map(_is_of_kind, values, kinds))

    def end(self, after: Sequence[Any] | None, size: int) -> Select[Any]:
        """Return where a window of about so many rows ends; nothing when it is the last one."""
        num_rows = max(1, size // max(1, len(self.arms)))
        parts = []
        for arm in self.arms or (None,):
            part = select(*self._columns(self.table)).where(*self.fixed)
            if arm is not None:
                part = part.where(self.table.c[self.arm_column] == arm)
            if after is not None:
                part = part.where(self._is_row_beyond(after))
            parts.append(self._in_order(part, self.table).offset(num_rows - 1).limit(1))
        if len(parts) == 1:
            return parts[0]
        ends = union_all(*(select(part.subquery()) for part in parts)).subquery()
        return self._in_order(select(ends), ends).limit(1)

    def matches(
        self,
        after: Sequence[Any] | None,
        end: Sequence[Any] | None,
        wanted: Wanted,
        limit: int,
    ) -> Select[Any]:
        """Return the images of a window that are wanted, up to a limit, each with its place."""
        order = self.order
        statement = select(images.c.num, *order).select_from(self._with_images())
        statement = statement.where(*self.fixed, *wanted.sought, _one_by_one(wanted.said))
        if wanted.facts:
            num = images.c.num if self.is_by_step else self.table.c[_num_name(self.table)]
            statement = statement.where(_one_by_one([fact(num) for fact in wanted.facts]))
        if self.arms:
            column = self.table.c[self.arm_column]
            is_one = len(self.arms) == 1  # then the index has the order too
            statement = statement.where(column == self.arms[0] if is_one else column.in_(self.arms))
        if after is not None:
            statement = statement.where(self._is_row_beyond(after))
            if len(after) > len(self.columns):
                statement = statement.where(self._is_beyond(after))
        if end is not None:
            statement = statement.where(not_(self._is_beyond(end)))
        if len(self.arms) > 1:
            order[0] += 0  # not along an index that has the order, but knows nothing of arms
        ways = [column.desc() if self.is_descending else column.asc() for column in order]
        return statement.order_by(*ways).limit(limit)

    def _columns(self, table: FromClause) -> list[ColumnElement[Any]]:
        return [table.c[name] for name in self.columns]

    def _with_images(self) -> FromClause:
        """Return the rows with their images.

        What is joined on are sums, so that no database can begin with the images and look for their
        rows: there may be many more of them.
        """
        c = self.table.c
        if self.table is images:
            return images
        if self.table is steps:
            key_num, step = c.key_num + 0, c.step + 0
            return steps.join(images, and_(images.c.key_num == key_num, images.c.step == step))
        if self.table is numbers:
            joined = numbers.join(keys, keys.c.run_num == c.run_num + 0)
            key_num, step = keys.c.num + 0, c.step + 0
            return joined.join(images, and_(images.c.key_num == key_num, images.c.step == step))
        return self.table.join(images, images.c.num == c.image_num + 0)

    def _in_order(self, statement: Select[Any], table: FromClause) -> Select[Any]:
        columns = self._columns(table)
        return statement.order_by(
            *(column.desc() if self.is_descending else column.asc() for column in columns)
        )

    def _is_row_beyond(self, place: Sequence[Any]) -> Predicate:
        """Return that a row comes behind a place, or that an image of it may."""
        count = len(self.columns)
        if len(place) == count:
            return self._is_beyond(place)
        left, right = tuple_(*self._columns(self.table)), tuple_(*place[:count])
        return left <= right if self.is_descending else left >= right

    def _is_beyond(self, place: Sequence[Any]) -> Predicate:
        """Return that an image comes behind a place, or its row behind that of a row."""
        columns = self.order[: len(place)]
        left: Any = columns[0] if len(place) == 1 else tuple_(*columns)
        right: Any = place[0] if len(place) == 1 else tuple_(*place)
        said: Predicate = left < right if self.is_descending else left > right
        return said


def newest(
    key_nums: Sequence[int] | None, times: Sequence[Predicate], *, is_descending: bool
) -> Source:
    """Return images by time, of some keys or of the whole store."""
    return Source(images, ("num",), tuple(times), is_descending, "key_num", tuple(key_nums or ()))


def newest_with_text(
    table: Table, field_num: int, text: str, times: Sequence[Predicate], *, is_descending: bool
) -> Source:
    """Return images by time that have a text."""
    fixed = (table.c.field_num == field_num, table.c.text == text, *times)
    return Source(table, ("image_num",), fixed, is_descending)


def by_step(
    key_nums: Sequence[int] | None, said: Sequence[Predicate], *, is_descending: bool
) -> Source:
    """Return images by step, of some keys or of the whole store."""
    columns = ("step", "key_num")
    return Source(steps, columns, tuple(said), is_descending, "key_num", tuple(key_nums or ()))


def by_measure(
    key_nums: Sequence[int] | None,
    field_num: int,
    said: Sequence[Predicate],
    *,
    is_descending: bool,
) -> Source:
    """Return images by a number of theirs."""
    fixed = (measures.c.field_num == field_num, *said)
    columns = ("value", "image_num")
    return Source(measures, columns, fixed, is_descending, "key_num", tuple(key_nums or ()))


def by_text(table: Table, field_num: int, *, is_descending: bool) -> Source:
    """Return images by a text of theirs."""
    return Source(table, ("text", "image_num"), (table.c.field_num == field_num,), is_descending)


def by_number(
    run_nums: Sequence[int] | None, name_num: int, said: Sequence[Predicate], *, is_descending: bool
) -> Source:
    """Return images by a number that was logged at their step."""
    fixed = (numbers.c.name_num == name_num, numbers.c.value.is_not(None), *said)
    columns = ("value", "run_num", "step")
    return Source(numbers, columns, fixed, is_descending, "run_num", tuple(run_nums or ()))


def _one_by_one(said: Sequence[Predicate]) -> Predicate:
    """Return the same in a form that is looked at for one row after the other.

    It leads no database to another index, or to gather first all that it is true of.
    """
    return case((and_(*said), 1), else_=0) == 1


def _num_name(table: Table) -> str:
    return "num" if table is images else "image_num"


def _kind(column: ColumnElement[Any]) -> type:
    if isinstance(column.type, Double):
        return float
    return int if isinstance(column.type, Integer) else str


def _is_of_kind(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float))
    if kind is int:
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return isinstance(value, str)
