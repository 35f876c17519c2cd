"""How a query is answered: gathered whole when few images can match, else walked in its order.

Estimates never count: they read at most a few hundred rows of an index and see whether more follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, literal, select
from sqlalchemy import func as sql

from filmstrip.index.cells import FactKind
from filmstrip.index.facts import CAPTION_HEAD_LENGTH, folded, folded_words
from filmstrip.index.predicates import (
    Predicate,
    fact,
    field_number,
    is_fact,
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
    Wanted,
    by_measure,
    by_number,
    by_step,
    by_text,
    newest,
    newest_with_text,
)

__all__ = ["MAX_GATHERED", "Order", "Plan", "Scope", "plan_query"]

MAX_GATHERED = 500
"""How many images are all looked at and sorted: each may be on a page of the disk of its own."""

_PROBE_ROWS = 256
"""How far into a list one looks to see how thinly it is spread."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs and keys that a query is confined to; ``None`` for all."""

    run_nums: list[int] | None
    key_nums: list[int] | None
    num_images: int
    """How many images these keys show."""
    images_per_step: int
    """How many of them a key has at a step, on average."""
    keys_per_run: int

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
    are_exact: bool = True
    """False when the term may not be true of some."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a query is answered."""

    wanted: Wanted
    images_per_step: int
    """How many of a step's images are looked at."""
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
    gathered, granted = _few(connection, scope, others)
    places = [c for c in others if c.field == "index" and not c.is_negated]
    asked = [c for c in others if c not in (*places, granted)]
    return Plan(
        wanted=Wanted(
            said=said + [predicate(connection, c) for c in asked if not is_fact(c)],
            facts=[fact(connection, c) for c in asked if is_fact(c)],
            sought=[predicate(connection, c) for c in places],
        ),
        images_per_step=min([scope.images_per_step, *map(_num_places, places)]),
        scope=scope,
        order=_order(connection, query, scope),
        gathered=gathered,
        total=scope.num_images if not others else None,
    )


def _num_places(condition: Condition) -> int:
    """Return how many places a term on them names; of an open range, a large number."""
    span = condition.span
    if span is None or span.low is None or span.high is None:
        return 2**63
    return max(1, int(min(span.high - span.low, 2**62)) + 1)


def _is_of_scope(condition: Condition) -> bool:
    return condition.field in ("run", "project", "tag", "key")


def _scope(connection: Connection, conditions: Sequence[Condition]) -> Scope:
    c = keys.c
    mine = [condition for condition in conditions if _is_of_scope(condition)]
    if not mine:
        counts = select(
            sql.coalesce(sql.sum(c.num_images), 0), sql.coalesce(sql.sum(c.num_steps), 0),
            sql.count(), sql.count(c.run_num.distinct()),
        )  # fmt: skip
        return _counted(None, None, *map(int, connection.execute(counts).one()))
    statement = select(c.num, c.run_num, c.num_images, c.num_steps)
    for condition in mine:
        if condition.field == "key":
            is_it = c.key.in_(condition.texts)
        else:
            is_it = c.run_num.in_(run_numbers(connection, condition))
        statement = statement.where(~is_it if condition.is_negated else is_it)
    rows = connection.execute(statement.order_by(c.num)).all()
    run_nums = sorted({row[1] for row in rows})
    num_images, num_steps = sum(row[2] for row in rows), sum(row[3] for row in rows)
    return _counted(run_nums, [r[0] for r in rows], num_images, num_steps, len(rows), len(run_nums))


def _counted(
    run_nums: list[int] | None,
    key_nums: list[int] | None,
    num_images: int,
    num_steps: int,
    num_keys: int,
    num_runs: int,
) -> Scope:
    return Scope(
        run_nums=run_nums,
        key_nums=key_nums,
        num_images=num_images,
        images_per_step=max(1, num_images // max(1, num_steps)),
        keys_per_run=max(1, num_keys // max(1, num_runs)),
    )


def _few(
    connection: Connection, scope: Scope, conditions: Sequence[Condition]
) -> tuple[Select[Any] | None, Condition | None]:
    """Return the numbers of all images that may match, if a few, and a term that is true of all."""
    if scope.num_images <= MAX_GATHERED:
        nums = select(images.c.num)
        if scope.key_nums is not None:
            nums = nums.where(images.c.key_num.in_(scope.key_nums))
        return nums, None
    for condition in conditions:
        if condition.is_negated:
            continue
        for candidates in _candidates(connection, scope, condition):
            is_known = candidates.before is None or _is_short(connection, candidates.before)
            if is_known and _is_short(connection, candidates.nums):
                return candidates.nums, condition if candidates.are_exact else None
    return None, None


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
        nums = select(images.c.num).where(*tick_predicates(condition.span))
        return [_Candidates(nums, are_exact=False)]
    return []


def _caption_candidates(connection: Connection, condition: Condition) -> list[_Candidates]:
    """Return, for each whole word of a caption, its images; for the last word, which may go on."""
    if len(condition.texts) != 1:
        return []
    words = folded_words(condition.texts[0])
    field_num = field_number(connection, FactKind.WORD, "")
    of_word = select(marks.c.image_num).where(marks.c.field_num == field_num)
    found = [
        _Candidates(of_word.where(marks.c.text == folded(word)), are_exact=False)
        for word in words[:-1]
    ]
    if words:
        first, end = word_range(words[-1])
        of_last = of_word.where(marks.c.text >= first, marks.c.text < end)
        found.append(_Candidates(of_last, are_exact=len(words) == 1))
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
    its_rows = (table.c.image_num == images.c.num, of_field(table.c.field_num, field_num))
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
        condition.span
        for condition in query.conditions
        if condition.field == "time" and not condition.is_negated
    ]
    bounds = [bound for span in times for bound in tick_predicates(span, images.c.num)]
    lists = [newest(scope.arms, bounds, is_descending=is_descending)]
    texts = [text for c in query.conditions for text in _texts_of(connection, c)]
    ends = _ends(connection, scope) if texts else None
    for table, field_num, text in texts:
        num = table.c.image_num
        bounds = [bound for span in times for bound in tick_predicates(span, num)]
        bounds += [num.between(*ends)] if ends else []
        lists.append(newest_with_text(table, field_num, text, bounds, is_descending=is_descending))
    if len(lists) == 1:
        return lists[0]

    def reach(source: Source) -> int:
        """How far the first rows of a list go: the further, the thinner it is spread."""
        end = connection.execute(source.end(None, _PROBE_ROWS)).one_or_none()
        if end is None:
            return -(2**63)
        return int(end[0]) if is_descending else -int(end[0])

    return min(lists, key=reach)


def _ends(connection: Connection, scope: Scope) -> tuple[int, int] | None:
    """Return the oldest and the newest image of a few keys: a run has its time."""
    if not scope.arms:
        return None
    num = images.c.num
    of_keys = [select(num).where(images.c.key_num == key_num) for key_num in scope.arms]
    firsts = [nums.order_by(num).limit(1).scalar_subquery() for nums in of_keys]
    lasts = [nums.order_by(num.desc()).limit(1).scalar_subquery() for nums in of_keys]
    found = connection.execute(select(*firsts, *lasts)).one()
    nums = [num for num in found if num is not None]
    return (min(nums), max(nums)) if nums else None


def _texts_of(connection: Connection, condition: Condition) -> list[tuple[Table, int, str]]:
    """Return texts that all images of a term have: table, field and text."""
    if condition.is_negated or len(condition.texts) != 1 or condition.span is not None:
        return []
    (text,) = condition.texts
    if condition.field == "caption":
        field_num = field_number(connection, FactKind.WORD, "")
        words = [folded(word) for word in folded_words(text)]
        whole = words[:-1] + _only_words(connection, field_num, words[-1:])
        return [(marks, field_num or 0, word) for word in whole]
    if condition.field in ("class", "group", "meta"):
        table = marks if condition.field == "class" else labels
        field_num = field_number(connection, condition.field, condition.name)
        return [(table, field_num or 0, folded(text))]
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
