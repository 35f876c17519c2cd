"""Finding images: filter, sort, and go on from a cursor.

A query whose images are few is gathered whole. Any other is walked in its order, window by window,
until the page is full or the time for one look is over: so no query takes longer than that, however
many images there are, and following the cursors finds every image once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, not_, select

from filmstrip.index.cursor import Cursor
from filmstrip.index.plan import Order, Plan, plan_query
from filmstrip.index.query import ImageQuery
from filmstrip.index.schema import images, numbers
from filmstrip.index.sources import Source, Wanted

__all__ = ["Found", "find_images"]

_FIRST_WINDOW = 512
"""Images that a walk looks at before it looks at the clock."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of some images that a query finds, in order."""

    nums: list[int]
    cursor: str | None
    total: int
    is_total_exact: bool


def find_images(
    connection: Connection,
    query: ImageQuery,
    *,
    cursor: str | None,
    limit: int,
    budget_secs: float,
) -> Found:
    """Return the next images of a query.

    Raises
    ------
    QueryError
        The cursor is of another query, or of none.
    """
    deadline = time.perf_counter() + budget_secs
    plan = plan_query(connection, query)
    start = Cursor() if cursor is None else Cursor.decode(cursor)
    if plan.gathered is not None:
        return _gather(connection, plan, plan.gathered, start, limit)
    return _Walk(connection, plan, start, limit, deadline).run()


def _gather(
    connection: Connection, plan: Plan, gathered: Select[Any], start: Cursor, limit: int
) -> Found:
    """Look at all images that may match, and sort them."""
    found = _sorted_images(connection, plan, gathered)
    at = 0
    if start.values:
        at = sum(not _is_after(plan.order, start, phase, values) for phase, values, _ in found)
    page = found[at : at + limit]
    cursor = None
    if at + limit < len(found) and page:
        phase, values, _ = page[-1]
        cursor = Cursor(phase=phase, values=values, num_found=start.num_found + limit).encode()
    return Found(
        nums=[num for _, _, num in page], cursor=cursor, total=len(found), is_total_exact=True
    )


def _sorted_images(
    connection: Connection, plan: Plan, gathered: Select[Any]
) -> list[tuple[int, tuple[Any, ...], int]]:
    """Return all images that match: the phase, what orders it, and the number of each."""
    order = plan.order
    wanted = plan.wanted
    facts = [fact(images.c.num) for fact in wanted.facts]
    said = (images.c.num.in_(gathered), *wanted.sought, *wanted.said, *facts)
    if not order.ties:
        nums = sorted(
            connection.scalars(select(images.c.num).where(*said)), reverse=order.is_descending
        )
        return [(0, (num,), num) for num in nums]
    statement = select(images.c.num, order.value, *order.ties).where(*said)
    rows = [(row[0], tuple(row[1:])) for row in connection.execute(statement)]
    valued = [(values, num) for num, values in rows if values[0] is not None]
    others = [((num,), num) for num, values in rows if values[0] is None]
    valued.sort(reverse=order.is_descending)
    others.sort(reverse=True)
    return [(0, *pair) for pair in valued] + [(1, *pair) for pair in others]


def _is_after(order: Order, start: Cursor, phase: int, values: tuple[Any, ...]) -> bool:
    """Return whether an image comes behind the place where a page ended."""
    if phase != start.phase or not start.values:
        return phase >= start.phase
    mine, last = values[: len(start.values)], start.values
    try:
        is_descending = order.is_descending if phase == 0 else True
        return bool(mine < last) if is_descending else bool(mine > last)
    except TypeError:
        raise Cursor.refused(start.values) from None


@dataclass(slots=True)
class _Walk:
    """One look along the sources of an order."""

    connection: Connection
    plan: Plan
    start: Cursor
    limit: int
    deadline: float
    """On the clock of `time.perf_counter`."""
    nums: list[int] = field(default_factory=list)
    last: Cursor | None = None
    """Of the last image of the page."""

    def run(self) -> Found:
        cursor = self._walk()
        num_found = self.start.num_found + len(self.nums)
        is_exact = cursor is None or self.plan.total is not None
        if cursor is not None:
            cursor = msgspec.structs.replace(cursor, num_found=num_found)
        return Found(
            nums=self.nums,
            cursor=cursor.encode() if cursor else None,
            total=max(num_found, self.plan.total or 0),
            is_total_exact=is_exact,
        )

    def _walk(self) -> Cursor | None:
        """Fill the page; return where it ended, ``None`` at the end of everything."""
        at = self.start
        sources = self.plan.order.sources
        if not 0 <= at.phase < len(sources):
            raise Cursor.refused(at.phase)
        for phase in range(at.phase, len(sources)):
            at = at if phase == at.phase else Cursor(phase=phase)
            end = self._walk_source(sources[phase], at)
            if end is not None:
                return end
        return None

    def _walk_source(self, source: Source, at: Cursor) -> Cursor | None:
        if at.values and not source.is_place(at.values, is_whole=at.is_whole):
            raise Cursor.refused(at.values)
        wanted = self._wanted(source, at.phase)
        size = max(1, _FIRST_WINDOW // self._images_per_row(source))
        while True:
            start = time.perf_counter()
            after = at.values or None
            end = self.connection.execute(source.end(after, size)).one_or_none()
            num_left = self.limit + 1 - len(self.nums)
            matches = source.matches(after, end, wanted, num_left)
            rows = self.connection.execute(matches).all()
            for num, *values in rows:
                if len(self.nums) == self.limit:
                    return self.last
                self.nums.append(num)
                self.last = Cursor(phase=at.phase, values=tuple(values))
            if end is None:
                return None
            at = Cursor(phase=at.phase, values=tuple(end), is_whole=True)
            now = time.perf_counter()
            num_more = (self.deadline - now) / max(now - start, 1e-6)
            if num_more < 1:
                return at  # another such window would take too long
            size *= min(4, int(num_more))

    def _images_per_row(self, source: Source) -> int:
        """Return how many images a row of a source has on average."""
        if not source.is_by_step:
            return 1
        num_keys = self.plan.scope.keys_per_run if source.table is numbers else 1
        return self.plan.images_per_step * num_keys

    def _wanted(self, source: Source, phase: int) -> Wanted:
        """Return what must be true of an image of a source."""
        order, wanted = self.plan.order, self.plan.wanted
        if order.has_value is not None and phase == 1:
            return replace(wanted, said=[*wanted.said, not_(order.has_value)])
        if order.is_manifold:
            return replace(wanted, said=[*wanted.said, source.order[0] == order.value])
        return wanted
