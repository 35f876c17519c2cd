"""Completion for the query bar: fields first, then the values that the store holds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, select

from filmstrip.index.cells import FactKind, text_from_stored
from filmstrip.index.facts import folded
from filmstrip.index.predicates import field_number
from filmstrip.index.query import FIELDS, HAS, PartialTerm, partial_term
from filmstrip.index.rows import Suggestion
from filmstrip.index.schema import fields, keys, labels, marks, names, runs
from filmstrip.record import decode_run_info

__all__ = ["suggestions"]

_PLAIN = re.compile(r'[^\s:=<>",]+')


def suggestions(connection: Connection, text: str, at: int, limit: int) -> list[Suggestion]:
    """Return ways to go on with the term that the cursor is in."""
    term = partial_term(text, at)
    sign = "-" if term.is_negated else ""
    found = _values(connection, term, limit) if term.operator else _fields(connection, term, limit)
    return [
        Suggestion(text=sign + text, start=term.start, end=term.end, detail=detail)
        for text, detail in found
    ][:limit]


def _fields(connection: Connection, term: PartialTerm, limit: int) -> list[tuple[str, str]]:
    prefix = term.prefix
    found = [
        (f"{name}:", detail)
        for name, detail in FIELDS.items()
        if name.startswith(prefix) and name != "meta"
    ]
    named = connection.execute(select(fields.c.kind, fields.c.name)).all()
    spelled = {FactKind.SCORE: "score:{}>", FactKind.META: "meta.{}="}
    found += [
        (spelled[kind].format(_quoted(name)), f"a {kind} of images")
        for kind, name in named
        if kind in spelled and spelled[kind].format(name).startswith(prefix)
    ]
    logged = connection.scalars(
        select(names.c.name)
        .where(names.c.name.startswith(prefix, autoescape=True))
        .order_by(names.c.name)
        .limit(limit)
    )
    found += [(f"{_quoted(name)}<", "a logged number") for name in logged]
    if prefix:
        words = _texts(connection, FactKind.WORD, "", prefix, limit)
        found += [(_quoted(word), "a word of captions") for word in words]
    return found


def _values(connection: Connection, term: PartialTerm, limit: int) -> list[tuple[str, str]]:
    field, prefix = term.field, term.prefix.rpartition(",")[2]
    head = f"{field}{term.operator}{term.prefix[: len(term.prefix) - len(prefix)]}"
    if field == "sort":
        return _sorts(connection, prefix)
    found: Iterable[str] = ()
    if field == "run":
        found = connection.scalars(select(runs.c.run_id).order_by(runs.c.run_id))
    elif field in ("project", "tag"):
        infos = [decode_run_info(text) for text in connection.scalars(select(runs.c.info))]
        named = [[info.project] if field == "project" else info.tags for info in infos]
        found = sorted({name for names in named for name in names})
    elif field == "key":
        found = connection.scalars(select(keys.c.key).distinct().order_by(keys.c.key))
    elif field == "has":
        found = HAS
    elif field == "class":
        found = _texts(connection, FactKind.CLASS, "", prefix, limit)
    elif field == "group":
        found = _texts(connection, FactKind.GROUP, "", prefix, limit)
    elif field == "caption":
        found = _texts(connection, FactKind.WORD, "", prefix, limit)
    elif field == "score":
        scores = connection.scalars(select(fields.c.name).filter_by(kind=FactKind.SCORE))
        return [(f"score:{_quoted(n)}>", "a score") for n in scores if n.startswith(prefix)]
    elif field.startswith("meta."):
        path = field.removeprefix("meta.")
        found = _texts(connection, FactKind.META, path, prefix, limit)
    matching = [value for value in found if value.casefold().startswith(prefix.casefold())]
    return [(head + _quoted(value), field) for value in matching]


def _sorts(connection: Connection, prefix: str) -> list[tuple[str, str]]:
    sign = "-" if prefix.startswith("-") else ""
    wanted = prefix.removeprefix("-")
    found = [*("step", "time", "caption", "group")]
    named = connection.execute(select(fields.c.kind, fields.c.name)).all()
    found += [f"score:{_quoted(name)}" for kind, name in named if kind == FactKind.SCORE]
    found += [f"meta.{_quoted(name)}" for kind, name in named if kind == FactKind.META]
    found += [_quoted(name) for name in connection.scalars(select(names.c.name))]
    return [(f"sort:{sign}{name}", "order") for name in found if name.startswith(wanted)]


def _texts(connection: Connection, kind: str, name: str, prefix: str, limit: int) -> list[str]:
    """Return texts that a field has, from the index without reading its rows."""
    table = marks if kind in (FactKind.WORD, FactKind.CLASS) else labels
    field_num = field_number(connection, kind, name)
    found: list[str] = []
    start = folded(prefix)
    after = table.c.text >= start
    while field_num is not None and len(found) < limit:
        text = connection.scalar(
            select(table.c.text)
            .where(table.c.field_num == field_num, after)
            .order_by(table.c.text)
            .limit(1)
        )
        if text is None or not text.startswith(start):
            break
        found.append(text_from_stored(text))
        after = table.c.text > text
    return found


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
