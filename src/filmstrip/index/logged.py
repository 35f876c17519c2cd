"""Images found through the index, as reading back gives them: `Store.query` and `Store.latest`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from filmstrip.folder import RUNS_DIR
from filmstrip.index.index import Index
from filmstrip.index.query import ImageQuery, parse_query
from filmstrip.index.rows import Item
from filmstrip.logged import LoggedImage
from filmstrip.shard.read import Location
from filmstrip.shard.reader import ShardsReader

__all__ = ["latest_images", "query_images"]

_PAGE_SIZE = 1000


def query_images(store_dir: Path, text: str, limit: int | None) -> list[LoggedImage]:
    """Return the images that a query finds, in its order.

    Raises
    ------
    QueryError
        The text is not of the language.
    """
    query = parse_query(text)
    with _fresh_index(store_dir) as index:
        return _logged(index, list(islice(_items(index, query, limit), limit)))


def latest_images(
    store_dir: Path,
    at: float,
    *,
    runs: Sequence[str] | None,
    keys: Sequence[str] | None,
    axis: str,
    max_images: int | None,
) -> list[LoggedImage]:
    """Return the newest images at or before a place on an axis."""
    with _fresh_index(store_dir) as index:
        return _logged(index, index.latest(runs, keys, at, axis, max_images or 2**31))


@contextmanager
def _fresh_index(store_dir: Path) -> Iterator[Index]:
    index = Index.open(store_dir)
    try:
        index.refresh()
        yield index
    finally:
        index.close()


def _items(index: Index, query: ImageQuery, limit: int | None) -> Iterator[Item]:
    size = _PAGE_SIZE if limit is None else max(1, min(limit, _PAGE_SIZE))
    cursor = None
    while True:
        page = index.images(query, cursor=cursor, limit=size, budget_secs=1.0)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def _logged(index: Index, items: list[Item]) -> list[LoggedImage]:
    places = index.members([member.sha256 for item in items for member in item.record.members])
    shards: dict[str, ShardsReader] = {}
    found = []
    for item in items:
        reader = shards.setdefault(
            item.run_id, ShardsReader(index.store_dir / RUNS_DIR / item.run_id)
        )
        locations = {}
        for member in item.record.members:
            place = places.get(member.sha256)
            if place is not None:
                locations[member.name] = Location(place.shard, place.offset, place.size_bytes)
        found.append(LoggedImage(item.record, item.index, locations, reader))
    return found
