"""How a query is answered: gathered whole when few images can match, else walked in its order.

Estimates never count: they read at most a few hundred rows of an index and see whether more follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, literal, select
from sqlalchemy import func as sql

from filmstrip.index.cells import FactKind
from filmstrip.index.facts import CAPTION_HEAD_LENGTH, folded, folded_words
from filmstrip.index.predicates import (
    Predicate,
    field_number,
    name_number,
    of_field,
    predicate,
    run_numbers,
    span_predicate,
    tick_predicates,
)
from filmstrip.index.query import Condition, ImageQuery, Sort
from filmstrip.index.schema import images, keys, labels, marks, measures, numbers, steps
from filmstrip.index.sources import (
    MAX_ARMS,
    Source,
    by_measure,
    by_number,
    by_step,
    by_text,
    newest,
    newest_with_text,
)

__all__ = ["MAX_GATHERED", "Order", "Plan", "Scope", "plan_query"]

MAX_GATHERED = 1000
"""How many images are looked at one by one and sorted in memory."""

_PROBE_ROWS = 256
"""How far into a list one looks to see how thinly it is spread."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs and keys that a query is confined to; ``None`` for all."""

    run_nums: list[int] | None
    key_nums: list[int] | None
    num_images: int
    """How many images these keys show."""

    @property
    def arms(self) -> list[int] | None:
        """The keys, if they are few enough to be walked side by side."""
        few = self.key_nums is not None and len(self.key_nums) <= MAX_ARMS
        return self.key_nums if few else None

    @property
    def run_arms(self) -> list[int] | None:
        """The runs, if they are few enough to be walked side by side."""
        few = self.run_nums is not None and len(self.run_nums) <= MAX_ARMS
        return self.run_nums if few else None


@dataclass(frozen=True, slots=True)
class Order:
    """What images are sorted by.

    Parameters
    ----------
    sources
        Walked one after the other: those with a value, then those without, newest first.
    value
        The value of an image, for few images; what `sources` sort by first.
    ties
        What orders images of the same value.
    has_value
        What is true of the images of the first source and of no other; ``None`` when there is no
        other.
    """

    sources: tuple[Source, ...]
    value: ColumnElement[Any]
    ties: tuple[ColumnElement[Any], ...]
    is_descending: bool
    has_value: Predicate | None = None
    is_manifold: bool = False
    """True when an image may have several values: the lowest counts."""


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Numbers of the images that a term may find, and what must be short for them to be few."""

    nums: Select[Any]
    before: Select[Any] | None = None
    """What they are made from, cut off behind `MAX_GATHERED`."""


@dataclass(slots=True)
class Plan:
    """How a query is answered."""

    said: list[Predicate]
    """What is true of every image that is found."""
    scope: Scope
    order: Order
    gathered: Select[Any] | None = None
    """Numbers of the few images that may match; ``None`` when the order is walked."""
    total: int | None = None
    """How many images match, when that is known without looking."""


def plan_query(connection: Connection, query: ImageQuery) -> Plan:
    """Decide how a query is answered."""
    scope = _scope(connection, query.conditions)
    said: list[Predicate] = [images.c.place.is_not(None)]
    if scope.key_nums is not None:
        said.append(images.c.key_num.in_(scope.key_nums))
    others = [c for c in query.conditions if not _is_of_scope(c)]
    said += [predicate(connection, condition) for condition in others]
    plan = Plan(said, scope, _order(connection, query, scope))
    plan.total = scope.num_images if not others else None
    plan.gathered = _few(connection, scope, others)
    return plan


def _is_of_scope(condition: Condition) -> bool:
    return condition.field in ("run", "project", "tag", "key")


def _scope(connection: Connection, conditions: Sequence[Condition]) -> Scope:
    c = keys.c
    mine = [condition for condition in conditions if _is_of_scope(condition)]
    if not mine:
        return Scope(None, None, int(connection.scalar(select(sql.sum(c.num_images))) or 0))
    statement = select(c.num, c.run_num, c.num_images)
    for condition in mine:
        if condition.field == "key":
            is_it = c.key.in_(condition.texts)
        else:
            is_it = c.run_num.in_(run_numbers(connection, condition))
        statement = statement.where(~is_it if condition.is_negated else is_it)
    rows = connection.execute(statement.order_by(c.num)).all()
    return Scope(
        sorted({row[1] for row in rows}), [row[0] for row in rows], sum(row[2] for row in rows)
    )


def _few(
    connection: Connection, scope: Scope, conditions: Sequence[Condition]
) -> Select[Any] | None:
    """Return the numbers of all images that may match, if a few."""
    if scope.num_images <= MAX_GATHERED:
        nums = select(images.c.num)
        return nums if scope.key_nums is None else nums.where(images.c.key_num.in_(scope.key_nums))
    for condition in conditions:
        if condition.is_negated:
            continue
        for candidates in _candidates(connection, scope, condition):
            is_known = candidates.before is None or _is_short(connection, candidates.before)
            if is_known and _is_short(connection, candidates.nums):
                return candidates.nums
    return None


def _is_short(connection: Connection, rows: Select[Any]) -> bool:
    few = rows.limit(MAX_GATHERED + 1).subquery()
    count: int = connection.scalar(select(sql.count()).select_from(few)) or 0
    return count <= MAX_GATHERED


def _candidates(connection: Connection, scope: Scope, condition: Condition) -> list[_Candidates]:
    """Return what lists the images that a term may find, along an index."""
    kind = condition.field
    if kind == "caption":
        return _caption_candidates(connection, condition)
    if kind in ("class", "group") or (kind == "meta" and condition.span is None):
        table, fact = (marks, kind) if kind == "class" else (labels, kind)
        field_num = field_number(connection, fact, condition.name)
        texts = [folded(text) for text in condition.texts]
        has_text = and_(table.c.field_num == field_num, table.c.text.in_(texts))
        return [_Candidates(select(table.c.image_num).where(has_text))]
    if kind in ("score", "meta"):
        field_num = field_number(connection, kind, condition.name)
        return _measure_candidates(scope, field_num, condition)
    if kind == "number":
        return [_number_candidates(connection, scope, condition)]
    if kind == "step":
        return [_step_candidates(scope, condition)]
    if kind == "time":
        return [_Candidates(select(images.c.num).where(*tick_predicates(condition.span)))]
    return []


def _caption_candidates(connection: Connection, condition: Condition) -> list[_Candidates]:
    """Return, for each whole word of a caption, its images; for the last word, which may go on."""
    if len(condition.texts) != 1:
        return []
    words = folded_words(condition.texts[0])
    field_num = field_number(connection, FactKind.WORD, "")
    of_word = select(marks.c.image_num).where(marks.c.field_num == field_num)
    found = [_Candidates(of_word.where(marks.c.text == folded(word))) for word in words[:-1]]
    if words:
        first, end = word_range(words[-1])
        found.append(_Candidates(of_word.where(marks.c.text >= first, marks.c.text < end)))
    return found


def word_range(word: str) -> tuple[str, str]:
    """Return the first text that begins with a word, and a text behind all that do."""
    return folded(word), folded(word) + "\U0010ffff"


def _measure_candidates(
    scope: Scope, field_num: int | None, condition: Condition
) -> list[_Candidates]:
    c = measures.c
    inside = span_predicate(c.value, condition.span)
    found = [_Candidates(select(c.image_num).where(c.field_num == field_num, inside))]
    if scope.arms is not None:
        of_keys = and_(c.key_num.in_(scope.arms), c.field_num == field_num)
        found.insert(0, _Candidates(select(c.image_num).where(of_keys, inside)))
    return found


def _number_candidates(connection: Connection, scope: Scope, condition: Condition) -> _Candidates:
    name_num = name_number(connection, condition.name)
    of_run = numbers.c.run_num.in_(scope.run_nums) if scope.run_nums is not None else literal(True)
    few = (
        select(numbers.c.run_num, numbers.c.step)
        .where(
            numbers.c.name_num == name_num, of_run, span_predicate(numbers.c.value, condition.span)
        )
        .limit(MAX_GATHERED + 1)
    )
    row = few.subquery()
    nums = (
        select(images.c.num)
        .select_from(row)
        .join(keys, keys.c.run_num == row.c.run_num)
        .join(images, and_(images.c.key_num == keys.c.num, images.c.step == row.c.step))
    )
    return _Candidates(nums, before=few)


def _step_candidates(scope: Scope, condition: Condition) -> _Candidates:
    if scope.key_nums is not None:
        of_keys = images.c.key_num.in_(scope.key_nums)
        inside = span_predicate(images.c.step, condition.span)
        return _Candidates(select(images.c.num).where(of_keys, inside))
    few = (
        select(steps.c.key_num, steps.c.step)
        .where(span_predicate(steps.c.step, condition.span))
        .limit(MAX_GATHERED + 1)
    )
    row = few.subquery()
    at_step = and_(images.c.key_num == row.c.key_num, images.c.step == row.c.step)
    nums = select(images.c.num).select_from(row).join(images, at_step)
    return _Candidates(nums, before=few)


def _order(connection: Connection, query: ImageQuery, scope: Scope) -> Order:
    sort = query.sort
    if sort is None or sort.field == "time":
        is_descending = sort is None or sort.is_descending
        source = _newest(connection, query, scope, is_descending=is_descending)
        return Order((source,), images.c.num, (), is_descending)
    if sort.field == "step":
        said = [
            span_predicate(steps.c.step, condition.span)
            for condition in query.conditions
            if condition.field == "step" and not condition.is_negated
        ]
        source = by_step(scope.arms, said, is_descending=sort.is_descending)
        ties = (images.c.key_num, images.c.place)
        return Order((source,), images.c.step, ties, sort.is_descending)
    return _order_by_value(connection, query, scope, sort)


def _order_by_value(connection: Connection, query: ImageQuery, scope: Scope, sort: Sort) -> Order:
    rest = newest(scope.arms, (), is_descending=True)
    said = [
        condition.span
        for condition in query.conditions
        if (condition.field, condition.name) == (sort.field, sort.name)
        and condition.span is not None
        and not condition.is_negated
    ]
    if sort.field == "number":
        return _order_by_number(connection, scope, sort, rest, said)
    kind = sort.field
    field_num = field_number(connection, kind, sort.name)
    has_measures = kind == "score" or (
        kind == "meta"
        and connection.scalar(
            select(measures.c.field_num).where(measures.c.field_num == field_num).limit(1)
        )
        is not None
    )
    if has_measures:
        table, column = measures, measures.c.value
        spans = [span_predicate(measures.c.value, span) for span in said]
        source = by_measure(scope.arms, field_num or 0, spans, is_descending=sort.is_descending)
    else:
        table = marks if kind == "caption" else labels
        column = table.c.text
        source = by_text(table, field_num or 0, is_descending=sort.is_descending)
    its_rows = (table.c.image_num == images.c.num, of_field(table, field_num))
    if kind == "caption":
        value: ColumnElement[Any] = sql.substr(images.c.words, 1, CAPTION_HEAD_LENGTH)
    else:
        value = select(sql.min(column)).where(*its_rows).correlate(images).scalar_subquery()
    return Order(
        (source, rest),
        value,
        (images.c.num,),
        sort.is_descending,
        has_value=value.is_not(None),
        is_manifold=kind == "meta",
    )


def _order_by_number(
    connection: Connection, scope: Scope, sort: Sort, rest: Source, spans: Sequence[Any]
) -> Order:
    name_num = name_number(connection, sort.name)
    said = [span_predicate(numbers.c.value, span) for span in spans]
    source = by_number(scope.run_arms, name_num or 0, said, is_descending=sort.is_descending)
    value = (
        select(numbers.c.value)
        .where(
            numbers.c.run_num == images.c.run_num,
            numbers.c.name_num == name_num,
            numbers.c.step == images.c.step,
        )
        .correlate(images)
        .scalar_subquery()
    )
    ties = (images.c.run_num, images.c.step, images.c.key_num, images.c.place)
    return Order((source, rest), value, ties, sort.is_descending, has_value=value.is_not(None))


def _newest(
    connection: Connection, query: ImageQuery, scope: Scope, *, is_descending: bool
) -> Source:
    """Return the thinnest list in order of time that holds all images of the query."""
    times = [
        bound
        for condition in query.conditions
        if condition.field == "time" and not condition.is_negated
        for bound in tick_predicates(condition.span)
    ]
    lists = [newest(scope.arms, times, is_descending=is_descending)]
    for condition in query.conditions:
        lists += _text_lists(connection, condition, is_descending=is_descending)
    if len(lists) == 1:
        return lists[0]

    def reach(source: Source) -> int:
        """How far the first rows of a list go: the further, the thinner it is spread."""
        window = source.window(None, _PROBE_ROWS)
        column = window.c[source.columns[0]]
        end = sql.min(column) if is_descending else sql.max(column)
        count, num = connection.execute(select(sql.count(), end)).one()
        if count < _PROBE_ROWS:
            return -(2**63)
        return int(num) if is_descending else -int(num)

    return min(lists, key=reach)


def _text_lists(
    connection: Connection, condition: Condition, *, is_descending: bool
) -> list[Source]:
    if condition.is_negated or len(condition.texts) != 1 or condition.span is not None:
        return []
    (text,) = condition.texts
    if condition.field == "caption":
        field_num = field_number(connection, FactKind.WORD, "")
        words = [folded(word) for word in folded_words(text)]
        whole = words[:-1] + _only_words(connection, field_num, words[-1:])
        return [
            newest_with_text(marks, field_num or 0, word, is_descending=is_descending)
            for word in whole
        ]
    if condition.field in ("class", "group", "meta"):
        table = marks if condition.field == "class" else labels
        field_num = field_number(connection, condition.field, condition.name)
        return [newest_with_text(table, field_num or 0, folded(text), is_descending=is_descending)]
    return []


def _only_words(connection: Connection, field_num: int | None, last: list[str]) -> list[str]:
    """Return the one word that a beginning stands for; none when it may stand for several."""
    for beginning in last:
        first, end = word_range(beginning)
        column = marks.c.text
        inside = (marks.c.field_num == field_num, column >= first, column < end)
        lowest, highest = connection.execute(
            select(
                select(column).where(*inside).order_by(column).limit(1).scalar_subquery(),
                select(column).where(*inside).order_by(column.desc()).limit(1).scalar_subquery(),
            )
        ).one()
        if lowest is not None and lowest == highest:
            return [lowest]
    return []
