"""From the terms of a query to SQL: each is a predicate on one row of ``images``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    and_,
    exists,
    false,
    literal,
    not_,
    or_,
    select,
)

from filmstrip.index import schema
from filmstrip.index.cells import FactKind, first_number
from filmstrip.index.facts import (
    FLAG_BOXES,
    FLAG_CAPTION,
    FLAG_FLAGGED,
    FLAG_MASKS,
    folded,
    folded_words,
)
from filmstrip.index.query import Condition, Span
from filmstrip.index.schema import images, labels, marks, measures, numbers
from filmstrip.record import decode_run_info

__all__ = [
    "Fact",
    "Predicate",
    "fact",
    "field_number",
    "is_fact",
    "name_number",
    "of_field",
    "predicate",
    "run_numbers",
    "span_predicate",
    "tick_predicates",
    "whole_limit",
]

Predicate: TypeAlias = ColumnElement[bool]
Fact: TypeAlias = Callable[[ColumnElement[int]], Predicate]

_numbers: WeakKeyDictionary[Connection, dict[tuple[str, ...], int | None]] = WeakKeyDictionary()

_FLAGS = {
    "boxes": FLAG_BOXES,
    "masks": FLAG_MASKS,
    "caption": FLAG_CAPTION,
    "flagged": FLAG_FLAGGED,
}


def predicate(connection: Connection, condition: Condition) -> Predicate:
    """Return what a term says of an image; a fact has `fact`, and runs and keys have theirs."""
    said = _SAID[condition.field](connection, condition)
    return not_(said) if condition.is_negated else said


def is_fact(condition: Condition) -> bool:
    """Return whether an image's number is enough to know what a term says of it."""
    return condition.field in _FACTS


def fact(connection: Connection, condition: Condition) -> Fact:
    """Return what a term says of the image of a number, given the column that has the number."""
    said = _FACTS[condition.field](connection, condition)
    return (lambda num: not_(said(num))) if condition.is_negated else said


def span_predicate(column: ColumnElement[float], span: Span | None) -> Predicate:
    """Return that a column is in a range."""
    said: list[Predicate] = [column.is_not(None)]
    if span is not None and isinstance(column.type, Integer):
        span = _whole(span)
    if span is not None and span.low is not None:
        low = literal(span.low)
        said.append(column > low if span.is_low_open else column >= low)
    if span is not None and span.high is not None:
        high = literal(span.high)
        said.append(column < high if span.is_high_open else column <= high)
    return and_(*said)


def whole_limit(value: float) -> int:
    """Return the highest integer of a database that is not above a number.

    Examples
    --------
    >>> whole_limit(5.5), whole_limit(float("inf")) == 2**63 - 1
    (5, True)
    """
    if math.isnan(value):
        return -(2**63)
    return max(-(2**63), min(2**63 - 1, math.floor(max(-1e19, min(value, 1e19)))))


def _whole(span: Span) -> Span:
    """Return the same range of integers: beside a float, PostgreSQL uses no index of integers."""
    low, high = span.low, span.high
    is_low_open = span.is_low_open and low is not None and float(low).is_integer()
    is_high_open = span.is_high_open and high is not None and float(high).is_integer()
    return Span(
        low=None if low is None else -whole_limit(-low),
        high=None if high is None else whole_limit(high),
        is_low_open=is_low_open,
        is_high_open=is_high_open,
    )


def of_field(column: ColumnElement[int], field_num: int | None) -> Predicate:
    """Return that a row of facts about one image is of a field.

    Said so that no index can be used for it: SQLite would go through all rows of the field.
    """
    return column + 0 == field_num


def field_number(connection: Connection, kind: str, name: str) -> int | None:
    """Return the number of a field; ``None`` when no image has it."""
    c = schema.fields.c
    number = select(c.num).where(c.kind == kind, c.name == name)
    return _asked_once(connection, (kind, name), number)


def name_number(connection: Connection, name: str) -> int | None:
    """Return the number of a logged number's name; ``None`` when nobody logged it."""
    c = schema.names.c
    return _asked_once(connection, (name,), select(c.num).where(c.name == name))


def _asked_once(connection: Connection, key: tuple[str, ...], number: Select[int]) -> int | None:
    """Return the number that a statement finds: a transaction sees one state of the database."""
    known = _numbers.setdefault(connection, {})
    if key not in known:
        known[key] = connection.scalar(number)
    return known[key]


def tick_predicates(span: Span | None, num: ColumnElement[int] = images.c.num) -> list[Predicate]:
    """Return bounds on the numbers of images that were logged in a range of time."""
    said: list[Predicate] = []
    if span is not None and span.low is not None:
        said.append(num >= first_number(span.low))
    if span is not None and span.high is not None:
        said.append(num < first_number(span.high + 1.0))
    return said


def run_numbers(connection: Connection, condition: Condition) -> list[int]:
    """Return the runs that a term on runs names."""
    found = []
    wanted = set(condition.texts)
    for num, run_id, text in connection.execute(
        select(schema.runs.c.num, schema.runs.c.run_id, schema.runs.c.info)
    ):
        info = decode_run_info(text)
        said = {
            "run": {run_id, info.name},
            "project": {info.project},
            "tag": set(info.tags),
        }[condition.field]
        if said & wanted:
            found.append(num)
    return found


def _caption(_connection: Connection, condition: Condition) -> Predicate:
    said = []
    for text in condition.texts:
        words = " " + " ".join(folded_words(text))
        said.append(images.c.words.contains(words, autoescape=True))
    return and_(images.c.words.is_not(None), or_(*said))


def _class(connection: Connection, condition: Condition) -> Fact:
    return _text_fact(marks, connection, FactKind.CLASS, condition)


def _group(connection: Connection, condition: Condition) -> Fact:
    return _text_fact(labels, connection, FactKind.GROUP, condition)


def _score(connection: Connection, condition: Condition) -> Fact:
    return _measure_fact(connection, FactKind.SCORE, condition)


def _meta(connection: Connection, condition: Condition) -> Fact:
    if condition.span is None:
        return _text_fact(labels, connection, FactKind.META, condition)
    return _measure_fact(connection, FactKind.META, condition)


def _text_fact(table: Table, connection: Connection, kind: str, condition: Condition) -> Fact:
    field_num = field_number(connection, kind, condition.name)
    texts = [folded(text) for text in condition.texts]
    if field_num is None:
        return lambda _num: false()

    def said(num: ColumnElement[int]) -> Predicate:
        c = table.alias().c  # by another name where the same table is searched
        return exists().where(c.field_num == field_num, c.text.in_(texts), c.image_num == num)

    return said


def _measure_fact(connection: Connection, kind: str, condition: Condition) -> Fact:
    field_num = field_number(connection, kind, condition.name)
    if field_num is None:
        return lambda _num: false()

    def said(num: ColumnElement[int]) -> Predicate:
        c = measures.alias().c
        is_inside = span_predicate(c.value, condition.span)
        return exists().where(c.image_num == num, of_field(c.field_num, field_num), is_inside)

    return said


def _number(connection: Connection, condition: Condition) -> Predicate:
    name_num = name_number(connection, condition.name)
    if name_num is None:
        return false()
    c = numbers.alias().c
    return exists().where(
        c.run_num == images.c.run_num,
        c.name_num == name_num,
        c.step == images.c.step,
        span_predicate(c.value, condition.span),
    )


def _step(_connection: Connection, condition: Condition) -> Predicate:
    return span_predicate(images.c.step, condition.span)


def _index(_connection: Connection, condition: Condition) -> Predicate:
    return span_predicate(images.c.place, condition.span)


def _time(_connection: Connection, condition: Condition) -> Predicate:
    return span_predicate(images.c.time, condition.span)


def _has(_connection: Connection, condition: Condition) -> Predicate:
    flags: Sequence[int] = [_FLAGS[text] for text in condition.texts]
    return or_(*(images.c.flags.op("&")(flag) != 0 for flag in flags))


_SAID = {
    "caption": _caption,
    "number": _number,
    "step": _step,
    "index": _index,
    "time": _time,
    "has": _has,
}

_FACTS: dict[str, Callable[[Connection, Condition], Fact]] = {
    "class": _class,
    "group": _group,
    "score": _score,
    "meta": _meta,
}
