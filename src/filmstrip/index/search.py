"""Finding images: filter, sort, and go on from a cursor."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, literal, or_, select
from sqlalchemy import func as sql

from filmstrip.index import schema
from filmstrip.index.predicates import field_number, predicate
from filmstrip.index.query import ImageQuery, Sort
from filmstrip.index.schema import FactKind, images, labels, measures, numbers

__all__ = ["MAX_TOTAL", "Found", "find_images"]

MAX_TOTAL = 2000
"""How far the images that a query finds are counted."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of some images that a query finds, in order."""

    nums: list[int]
    cursor: str | None
    total: int
    is_total_exact: bool


def find_images(
    connection: Connection, query: ImageQuery, *, cursor: str | None, limit: int
) -> Found:
    """Return the next images of a query."""
    said: list[ColumnElement[bool]] = [images.c.place.is_not(None)]
    said += [predicate(connection, condition) for condition in query.conditions]
    value = _sort_value(connection, query.sort)
    is_descending = query.sort.is_descending if query.sort else True
    nothing = value.is_(None)
    statement = select(images.c.num, value.label("value")).where(*said)
    after = _decode_cursor(cursor)
    if after is not None:
        statement = statement.where(_is_after(value, images.c.num, after, is_descending))
    order = value.desc() if is_descending else value.asc()
    rows: list[Row[int, Any]] = list(
        connection.execute(statement.order_by(nothing, order, images.c.num.desc()).limit(limit + 1))
    )
    counted = select(literal(1)).where(*said).limit(MAX_TOTAL + 1).subquery()
    total = connection.scalar(select(sql.count()).select_from(counted)) or 0
    is_more = len(rows) > limit
    return Found(
        nums=[row[0] for row in rows[:limit]],
        cursor=_encode_cursor(rows[limit - 1]) if is_more else None,
        total=min(total, MAX_TOTAL),
        is_total_exact=total <= MAX_TOTAL,
    )


def _is_after(
    value: ColumnElement[Any], num: ColumnElement[int], after: list[Any], is_descending: bool
) -> ColumnElement[bool]:
    last, last_num = after
    if last is None:
        return and_(value.is_(None), num < last_num)
    beyond = value < last if is_descending else value > last
    return or_(value.is_(None), beyond, and_(value == last, num < last_num))


def _sort_value(connection: Connection, sort: Sort | None) -> ColumnElement[Any]:
    if sort is None or sort.field == "time":
        return images.c.num
    if sort.field == "step":
        return images.c.step
    if sort.field == "index":
        return images.c.place
    if sort.field == "run":
        return (
            select(schema.runs.c.run_id)
            .where(schema.runs.c.num == images.c.run_num)
            .scalar_subquery()
        )
    if sort.field == "key":
        return (
            select(schema.keys.c.key).where(schema.keys.c.num == images.c.key_num).scalar_subquery()
        )
    if sort.field == "number":
        name_num = connection.scalar(
            select(schema.names.c.num).where(schema.names.c.name == sort.name)
        )
        return (
            select(numbers.c.value)
            .where(
                numbers.c.run_num == images.c.run_num,
                numbers.c.name_num == name_num,
                numbers.c.step == images.c.step,
            )
            .scalar_subquery()
        )
    return _fact_value(connection, sort)


def _fact_value(connection: Connection, sort: Sort) -> ColumnElement[Any]:
    kind = {
        "score": FactKind.SCORE, "meta": FactKind.META, "caption": FactKind.CAPTION,
        "group": FactKind.GROUP,
    }[sort.field]  # fmt: skip
    field_num = field_number(connection, kind, sort.name)
    is_number = sort.field == "score" or (
        sort.field == "meta" and _has_measures(connection, field_num)
    )
    table, column = (measures, measures.c.value) if is_number else (labels, labels.c.text)
    return (
        select(sql.min(column))
        .where(table.c.image_num == images.c.num, table.c.field_num == field_num)
        .scalar_subquery()
    )


def _has_measures(connection: Connection, field_num: int | None) -> bool:
    found = connection.scalar(
        select(measures.c.field_num).where(measures.c.field_num == field_num).limit(1)
    )
    return found is not None


def _encode_cursor(row: Row[int, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([row[1], row[0]])).decode().rstrip("=")


def _decode_cursor(cursor: str | None) -> list[Any] | None:
    if cursor is None:
        return None
    padded = cursor + "=" * (-len(cursor) % 4)
    decoded: list[Any] = msgspec.json.decode(base64.urlsafe_b64decode(padded))
    return decoded
