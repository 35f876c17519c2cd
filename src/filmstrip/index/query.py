"""The query language of the viewer's bar: text in, `ImageQuery` out.

Terms stand apart by spaces and all must hold. A bare word is a caption's; ``field:value`` and
``name<number`` are the rest; ``-`` before a term turns it round; quotes hold spaces together;
commas in a value mean any of them. ``FIELDS`` lists what there is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, TypeAlias

import msgspec

from filmstrip.errors import QueryError

__all__ = ["FIELDS", "Condition", "ImageQuery", "PartialTerm", "Sort", "Span", "parse_query"]

Field: TypeAlias = Literal[
    "run", "project", "tag", "key", "group", "caption", "class", "score", "meta", "number",
    "step", "index", "time", "has",
]  # fmt: skip
SortField: TypeAlias = Literal["caption", "group", "step", "time", "score", "meta", "number"]

FIELDS: dict[str, str] = {
    "run": "id or name of the run",
    "project": "project of the run",
    "tag": "a tag of the run",
    "key": "what it was logged under",
    "step": "a step or a range: 10..200",
    "index": "place among the images of its key and step",
    "time": "when it was logged: a date, or seconds since 1970",
    "caption": "words that follow each other; the last may go on",
    "class": "a class that a box of it has",
    "score": "its highest score of a name: score:confidence>0.5",
    "group": "its group",
    "meta": "a field of its meta: meta.camera=front, meta.speed>3",
    "has": "boxes, masks, caption, or flagged: a box that is NaN, inverted or outside",
    "sort": "a field, a number, score:NAME or meta.NAME; -first for descending",
}
"""The fields of the language, and what each says."""

HAS = ("boxes", "masks", "caption", "flagged")
_TEXT_FIELDS = ("run", "project", "tag", "key", "class", "group")
_SPAN_FIELDS = ("step", "index", "time")
_SORT_FIELDS = ("caption", "group", "step", "time")
_OPERATOR = re.compile(r"<=|>=|[:=<>]")
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s:=<>",]+)')
_VALUE_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",]+)')


class _Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what a query is made of."""


class Span(_Struct, frozen=True, kw_only=True):
    """A range of numbers; ``None`` where it has no end."""

    low: float | None = None
    high: float | None = None
    is_low_open: bool = False
    """True when `low` itself is outside."""
    is_high_open: bool = False

    def holds(self, value: float) -> bool:
        """Return whether the value is inside; NaN never is.

        Examples
        --------
        >>> Span(low=0.5, is_low_open=True).holds(0.5)
        False
        """
        if math.isnan(value):
            return False
        if self.low is not None and (value < self.low or (self.is_low_open and value == self.low)):
            return False
        return self.high is None or not (
            value > self.high or (self.is_high_open and value == self.high)
        )


class Condition(_Struct, frozen=True, kw_only=True):
    """One term: a field that has one of some texts, or a number in a range."""

    field: Field
    name: str = ""
    """Which score, which path in ``meta``, which logged number."""
    texts: tuple[str, ...] = ()
    """Any of these; empty when a range is asked for."""
    span: Span | None = None
    is_negated: bool = False


class Sort(_Struct, frozen=True, kw_only=True):
    """What the images are sorted by; those that have no such value come last."""

    field: SortField
    name: str = ""
    is_descending: bool = False


class ImageQuery(_Struct, frozen=True, kw_only=True):
    """Which images, and in which order.

    Examples
    --------
    >>> parse_query("run:a class:cat -has:masks sort:-step").sort
    Sort(field='step', name='', is_descending=True)
    """

    conditions: tuple[Condition, ...] = ()
    """All of these hold."""
    sort: Sort | None = None
    """By default the newest is first."""


@dataclass(frozen=True, slots=True)
class PartialTerm:
    """The term around the cursor of an editor, as far as it is written."""

    start: int
    end: int
    field: str
    """What stands before the operator, empty when there is none yet."""
    operator: str
    prefix: str
    """What stands behind the operator, or all of it when there is none."""
    is_negated: bool


def parse_query(text: str) -> ImageQuery:
    """Return what the text asks for.

    Raises
    ------
    QueryError
        The text is not of this language; the message names the place.

    Examples
    --------
    >>> red, cat, loss = parse_query("red class:cat loss<0.3").conditions
    >>> cat.field, cat.texts, loss.name, loss.span.high
    ('class', ('cat',), 'loss', 0.3)
    """
    return _Parser(text).parse()


def partial_term(text: str, at: int) -> PartialTerm:
    """Return the term that a cursor at this place is in or behind.

    Examples
    --------
    >>> partial_term("run:a class:ca", 14)
    PartialTerm(start=6, end=14, field='class', operator=':', prefix='ca', is_negated=False)
    """
    start = _term_start(text, at)
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    body = text[start:at]
    is_negated = body.startswith("-") and len(body) > 1
    left = body[1:] if is_negated else body
    found = _OPERATOR.search(left)
    field, operator, prefix = (
        (left[: found.start()], found.group(), left[found.end() :]) if found else ("", "", left)
    )
    return PartialTerm(start, end, field, operator, prefix.strip('"'), is_negated)


def _term_start(text: str, at: int) -> int:
    """Return where the term begins that the place `at` is in: behind a space outside quotes."""
    start, is_quoted = 0, False
    for i, character in enumerate(text[:at]):
        if character == '"' and (i == 0 or text[i - 1] != "\\"):
            is_quoted = not is_quoted
        elif character.isspace() and not is_quoted:
            start = i + 1
    return start


class _Parser:
    """One pass over a text, term by term."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.conditions: list[Condition] = []
        self.sort: Sort | None = None

    def parse(self) -> ImageQuery:
        while self._skip_spaces():
            self._term()
        return ImageQuery(conditions=tuple(self.conditions), sort=self.sort)

    def _term(self) -> None:
        start = self.at
        is_negated = self.text.startswith("-", start) and not self._is_end(start + 1)
        self.at += is_negated
        name = self._part(_PART)
        operator = self._operator()
        if name is None:
            raise self._error("a field or a word", at=start, fix="put quotes around signs")
        if not operator:
            self._add("caption", texts=(name,), is_negated=is_negated)
        elif name == "sort" and operator == ":":
            self._sort(start)
        else:
            self._field(name, operator, start, is_negated)

    def _field(self, name: str, operator: str, start: int, is_negated: bool) -> None:
        if name == "score" and operator == ":":
            score = self._part(_PART) or ""
            span = self._span(self._operator(), fix="write score:confidence>0.5")
            self._add("score", name=score, span=span, is_negated=is_negated)
        elif name.startswith("meta.") and len(name) > len("meta."):
            self._meta(name.removeprefix("meta."), operator, is_negated)
        elif name in _SPAN_FIELDS:
            span = self._span(operator, fix=f"write {name}:10..200", is_time=name == "time")
            self._add(name, span=span, is_negated=is_negated)  # type: ignore[arg-type]
        elif operator in (":", "=") and name in (*_TEXT_FIELDS, "caption", "has"):
            self._add(name, texts=self._texts(name), is_negated=is_negated)  # type: ignore[arg-type]
        elif name in FIELDS:
            raise self._error(f"{name}:", at=start, fix=f"{name} is {FIELDS[name]}")
        else:
            span = self._span(operator, fix=f"fields are {', '.join(FIELDS)}; quote other words")
            self._add("number", name=name, span=span, is_negated=is_negated)

    def _meta(self, path: str, operator: str, is_negated: bool) -> None:
        if operator in (":", "=") and not self._is_number_here():
            self._add("meta", name=path, texts=self._texts("meta"), is_negated=is_negated)
        else:
            span = self._span(operator, fix='write meta.speed>3, or meta.camera="front"')
            self._add("meta", name=path, span=span, is_negated=is_negated)

    def _sort(self, start: int) -> None:
        if self.sort is not None:
            raise self._error("one sort: at most", at=start, fix="drop the others")
        is_descending = self.text.startswith("-", self.at)
        self.at += is_descending
        name = self._part(_PART)
        if name is None or name in set(FIELDS) - {"score", *_SORT_FIELDS}:
            raise self._error("a field to sort by", at=start, fix="write sort:-step or sort:loss")
        if name == "score" and self._operator() == ":":
            self.sort = Sort(
                field="score", name=self._part(_PART) or "", is_descending=is_descending
            )
        elif name.startswith("meta."):
            self.sort = Sort(
                field="meta", name=name.removeprefix("meta."), is_descending=is_descending
            )
        elif name in _SORT_FIELDS:
            self.sort = Sort(field=name, is_descending=is_descending)  # type: ignore[arg-type]
        else:
            self.sort = Sort(field="number", name=name, is_descending=is_descending)

    def _texts(self, field: str) -> tuple[str, ...]:
        start = self.at
        texts = [self._value(field)]
        while self.text.startswith(",", self.at):
            self.at += 1
            texts.append(self._value(field))
        if field == "has" and not set(texts) <= set(HAS):
            raise self._error(f"has: {', '.join(HAS)}", at=start, fix="use one of these")
        return tuple(texts)

    def _value(self, field: str) -> str:
        value = self._part(_VALUE_PART)
        if value is None:
            raise self._error(f"a value for {field}", fix='quote an empty one: ""')
        return value

    def _is_number_here(self) -> bool:
        """Return whether a number or range stands here; in quotes it is a text."""
        before = self.at
        try:
            self._span("=", fix="")
        except QueryError:
            return False
        finally:
            is_quoted, self.at = self.text.startswith('"', before), before
        return not is_quoted

    def _span(self, operator: str, *, fix: str, is_time: bool = False) -> Span:
        start = self.at
        value = self._part(_VALUE_PART) if operator else None
        low, dots, high = (value or "").partition("..")
        try:
            if value is None or (dots and operator not in (":", "=")):
                raise ValueError
            if dots:
                return Span(low=_number(low, is_time), high=_number(high, is_time))
            number = _number(value, is_time)
            if number is None:
                raise ValueError
        except ValueError:
            raise self._error("a number or a range", at=start, fix=fix) from None
        return _span_of(operator, number)

    def _add(
        self,
        field: Field,
        *,
        name: str = "",
        texts: tuple[str, ...] = (),
        span: Span | None = None,
        is_negated: bool,
    ) -> None:
        if not self._is_end(self.at):
            raise self._error("a space between terms", fix="put quotes around signs")
        self.conditions.append(
            Condition(field=field, name=name, texts=texts, span=span, is_negated=is_negated)
        )

    def _part(self, pattern: re.Pattern[str]) -> str | None:
        """Return what stands here up to the next sign, quotes taken off; ``None`` for nothing."""
        parts: list[str] = []
        while (found := pattern.match(self.text, self.at)) is not None:
            quoted, plain = found.groups()
            parts.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
            self.at = found.end()
        return "".join(parts) if parts else None

    def _operator(self) -> str:
        found = _OPERATOR.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found.group() if found else ""

    def _skip_spaces(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def _is_end(self, at: int) -> bool:
        return at >= len(self.text) or self.text[at].isspace()

    def _error(self, expected: str, *, fix: str, at: int | None = None) -> QueryError:
        where = self.at if at is None else at
        rest = self.text[where:].split(maxsplit=1)
        got = repr(rest[0][:40]) if rest and not self._is_end(where) else "nothing"
        return QueryError(expected, got=got, fix=fix, position=where)


def _number(text: str, is_time: bool) -> float | None:
    """Return the number, ``None`` for no text: the open end of a range."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        if not is_time:
            raise
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
    if math.isnan(number):
        raise ValueError(text)
    return number


def _span_of(operator: str, number: float) -> Span:
    if operator in (":", "="):
        return Span(low=number, high=number)
    is_open = operator in ("<", ">")
    if operator.startswith("<"):
        return Span(high=number, is_high_open=is_open)
    return Span(low=number, is_low_open=is_open)
