"""The index: a database of rows that point into shards; deleted, it is made again from them."""

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
