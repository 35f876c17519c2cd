"""Sources of candidates: lists in the order that a query wants, read along one index each.

A source is read in windows, from a place on. Its cost does not depend on how long the list is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Select,
    Subquery,
    Table,
    and_,
    select,
    tuple_,
    union_all,
)

from filmstrip.index.schema import images, keys, measures, numbers, steps

__all__ = [
    "MAX_ARMS",
    "Bound",
    "Source",
    "by_measure",
    "by_number",
    "by_step",
    "by_text",
    "newest",
    "newest_with_text",
]

MAX_ARMS = 32
"""How many keys are walked side by side; of more, the whole store is walked."""

_Where: TypeAlias = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a window begins: at these values of the ordering columns, or behind them."""

    values: tuple[Any, ...]
    is_inclusive: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A list of candidates in order.

    Parameters
    ----------
    table
        What is read.
    columns
        Names of the columns that order it; the index begins with them, behind what `arms` fix.
    arms
        The parts of the table that are merged: conditions that fix the index's first columns.
    is_descending
        Of all columns alike.
    """

    table: Table
    columns: tuple[str, ...]
    arms: tuple[_Where, ...]
    is_descending: bool

    @property
    def is_by_step(self) -> bool:
        """Whether a row stands for all images of a step, not for one image."""
        return self.table in (numbers, steps)

    def is_place(self, values: Sequence[Any], *, is_whole: bool) -> bool:
        """Return whether these values can be a place in this order: a client may send any."""
        kinds = [_kind(self.table.c[name]) for name in self.columns]
        if not is_whole:
            # The images of a step are ordered by key and place.
            kinds += [int] * ({numbers: 2, steps: 1}.get(self.table, 0))
        return len(values) == len(kinds) and all(map(_is_of_kind, values, kinds))

    def window(self, bound: Bound | None, size: int) -> Subquery:
        """Return the next rows."""
        parts = [self._part(arm, bound, size) for arm in self.arms]
        if len(parts) == 1:
            return parts[0].subquery()
        merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
        columns = [merged.c[name] for name in self.columns]
        return self._ordered(select(merged), columns).limit(size).subquery()

    def candidates(self, window: Subquery) -> FromClause:
        """Return the window's rows with their images; rows without one have NULL there."""
        if self.table is numbers:
            joined = window.outerjoin(keys, keys.c.run_num == window.c.run_num)
            return joined.outerjoin(
                images, and_(images.c.key_num == keys.c.num, images.c.step == window.c.step)
            )
        if self.table is steps:
            return window.outerjoin(
                images,
                and_(images.c.key_num == window.c.key_num, images.c.step == window.c.step),
            )
        return window.outerjoin(images, images.c.num == window.c[_num_name(self.table)])

    def order_columns(self, window: Subquery) -> list[ColumnElement[Any]]:
        """Return what orders the candidates of a window."""
        columns: list[ColumnElement[Any]] = [window.c[name] for name in self.columns]
        if self.table is numbers:
            columns.append(images.c.key_num)
        return [*columns, images.c.place] if self.is_by_step else columns

    def _part(self, arm: _Where, bound: Bound | None, size: int) -> Select[Any]:
        columns = [self.table.c[name] for name in self.columns]
        statement = select(*columns).where(arm)
        if bound is not None:
            statement = statement.where(self._beyond(columns, bound))
        return self._ordered(statement, columns).limit(size)

    def _ordered(
        self, statement: Select[Any], columns: Sequence[ColumnElement[Any]]
    ) -> Select[Any]:
        return statement.order_by(
            *(column.desc() if self.is_descending else column.asc() for column in columns)
        )

    def _beyond(self, columns: Sequence[ColumnElement[Any]], bound: Bound) -> _Where:
        count = len(bound.values)
        left: Any = columns[0] if count == 1 else tuple_(*columns[:count])
        right: Any = bound.values[0] if count == 1 else tuple_(*bound.values)
        if self.is_descending:
            said: _Where = left <= right if bound.is_inclusive else left < right
        else:
            said = left >= right if bound.is_inclusive else left > right
        return said


def newest(
    key_nums: Sequence[int] | None, times: Sequence[_Where], *, is_descending: bool
) -> Source:
    """Return images by time, of some keys or of the whole store."""
    arms = [images.c.key_num == num for num in key_nums or ()] or [images.c.num.is_not(None)]
    return Source(images, ("num",), tuple(and_(arm, *times) for arm in arms), is_descending)


def newest_with_text(table: Table, field_num: int, text: str, *, is_descending: bool) -> Source:
    """Return images by time that have a text."""
    arm = and_(table.c.field_num == field_num, table.c.text == text)
    return Source(table, ("image_num",), (arm,), is_descending)


def by_step(
    key_nums: Sequence[int] | None, said: Sequence[_Where], *, is_descending: bool
) -> Source:
    """Return images by step, of some keys or of the whole store."""
    arms = [steps.c.key_num == num for num in key_nums or ()] or [steps.c.step.is_not(None)]
    return Source(
        steps, ("step", "key_num"), tuple(and_(arm, *said) for arm in arms), is_descending
    )


def by_measure(
    key_nums: Sequence[int] | None, field_num: int, said: Sequence[_Where], *, is_descending: bool
) -> Source:
    """Return images by a number of theirs."""
    has_field = measures.c.field_num == field_num
    arms = [and_(measures.c.key_num == num, has_field) for num in key_nums or ()] or [has_field]
    return Source(
        measures, ("value", "image_num"), tuple(and_(arm, *said) for arm in arms), is_descending
    )


def by_text(table: Table, field_num: int, *, is_descending: bool) -> Source:
    """Return images by a text of theirs."""
    arm = table.c.field_num == field_num
    return Source(table, ("text", "image_num"), (arm,), is_descending)


def by_number(
    run_nums: Sequence[int] | None, name_num: int, said: Sequence[_Where], *, is_descending: bool
) -> Source:
    """Return images by a number that was logged at their step."""
    has_name = and_(numbers.c.name_num == name_num, numbers.c.value.is_not(None), *said)
    arms = [and_(numbers.c.run_num == num, has_name) for num in run_nums or ()] or [has_name]
    return Source(numbers, ("value", "run_num", "step"), tuple(arms), is_descending)


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


def _num_name(table: Table) -> str:
    return "num" if table is images else "image_num"
