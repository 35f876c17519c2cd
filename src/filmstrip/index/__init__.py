"""The index: a database of rows that point into shards; deleted, it is made again from them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filmstrip.index.index import Index
    from filmstrip.index.query import ImageQuery, parse_query
    from filmstrip.index.rows import (
        IndexChanges,
        Item,
        KeyChange,
        KeyRow,
        MemberPlace,
        Page,
        RunRow,
        Series,
        StepRow,
        Suggestion,
    )

__all__ = [
    "ImageQuery",
    "Index",
    "IndexChanges",
    "Item",
    "KeyChange",
    "KeyRow",
    "MemberPlace",
    "Page",
    "RunRow",
    "Series",
    "StepRow",
    "Suggestion",
    "parse_query",
]

_HOMES = {"Index": "index", "ImageQuery": "query", "parse_query": "query"}
"""Module of each name that is not in ``rows``; imported when it is first used, so that the process
that only reads shards starts without the database's library."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'rows')}"), name)
    globals()[name] = value
    return value
