"""Finding images: filter, sort, and go on from a cursor.

A query whose images are few is gathered whole. Any other is walked in its order, window by window,
until the page is full or the time for one look is over: so no query takes longer than that, however
many images there are, and following the cursors finds every image once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, case, not_, select

from filmstrip.index.cursor import Cursor
from filmstrip.index.plan import Order, Plan, plan_query
from filmstrip.index.query import ImageQuery
from filmstrip.index.schema import images
from filmstrip.index.sources import Bound, Source

__all__ = ["Found", "find_images"]

_FIRST_WINDOW, _LARGEST_WINDOW = 128, 1024


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
    order = plan.order
    statement = select(images.c.num, order.value, *order.ties).where(
        images.c.num.in_(gathered), *plan.said
    )
    rows = [(row[0], tuple(row[1:])) for row in connection.execute(statement)]
    valued = [(values, num) for num, values in rows if values[0] is not None]
    others = [((num,), num) for num, values in rows if values[0] is None]
    valued.sort(reverse=order.is_descending)
    others.sort(reverse=True)
    phases = [(0, *pair) for pair in valued] + [(1, *pair) for pair in others]
    at = sum(not _is_after(order, start, phase, values) for phase, values, _ in phases)
    page = phases[at : at + limit]
    cursor = None
    if at + limit < len(phases) and page:
        phase, values, _ = page[-1]
        cursor = Cursor(phase=phase, values=values, num_found=start.num_found + limit).encode()
    return Found(
        nums=[num for _, _, num in page], cursor=cursor, total=len(rows), is_total_exact=True
    )


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
        size = min(max(_FIRST_WINDOW, self.limit + 1), _LARGEST_WINDOW)
        if source.is_by_step:
            size = max(1, size // 8)  # a row stands for all images of a step
        while True:
            start = time.perf_counter()
            rows, num_rows = self._window(source, at, size)
            for num, values, is_match in rows:
                if is_match and _is_after(self.plan.order, at, at.phase, values):
                    if len(self.nums) == self.limit:
                        return self.last
                    self.nums.append(num)
                    self.last = Cursor(phase=at.phase, values=values)
            if num_rows < size:
                return None
            at = Cursor(phase=at.phase, values=rows[-1][1][: len(source.columns)], is_whole=True)
            now = time.perf_counter()
            num_more = (self.deadline - now) / max(now - start, 1e-6)
            if num_more < 1:
                return at  # another such window would take too long
            size = min(size * min(2, int(num_more)), _LARGEST_WINDOW)

    def _window(
        self, source: Source, at: Cursor, size: int
    ) -> tuple[list[tuple[int, tuple[Any, ...], bool]], int]:
        """Return the next candidates in order, each with whether it matches, and the rows read."""
        window = source.window(self._bound(source, at), size)
        order = source.order_columns(window)
        said: Sequence[ColumnElement[bool]] = self.plan.said
        has_value = self.plan.order.has_value
        if has_value is not None and at.phase == 1:
            said = [*said, not_(has_value)]
        elif self.plan.order.is_manifold:
            said = [*said, window.c[source.columns[0]] == self.plan.order.value]
        is_match = case((and_(*said), 1), else_=0)
        ways = [column.desc() if source.is_descending else column.asc() for column in order]
        statement = (
            select(images.c.num, is_match, *order)
            .select_from(source.candidates(window))
            .order_by(*ways)
        )
        found = [
            (row[0], tuple(row[2:]), bool(row[1])) for row in self.connection.execute(statement)
        ]
        num_columns = len(source.columns)
        return found, len({values[:num_columns] for _, values, _ in found})

    @staticmethod
    def _bound(source: Source, at: Cursor) -> Bound | None:
        if not at.values:
            return None
        count = len(source.columns)
        return Bound(at.values[:count], is_inclusive=not at.is_whole)
