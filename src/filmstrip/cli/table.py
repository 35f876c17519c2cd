"""Tables as lines of text, fitted to a width.

Rich's own tables need about a millisecond a row, too slow for a key with thousands of images, and
cannot leave columns out. Here a table that is too wide first shortens the columns that may be
shortened, then leaves out the least important ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size

__all__ = ["Column", "TableLines", "format_table"]

_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column is laid out."""

    title: str
    align: Literal["left", "right"] = "left"
    min_width: int | None = None
    """Cells to which the column may be shortened; None when it is shown whole or not at all."""
    max_width: int | None = None
    """Cells that it never exceeds."""
    rank: int = 0
    """Columns of the highest rank are left out first; those of rank 0 stay."""


@dataclass(frozen=True, slots=True)
class TableLines:
    """A table ready to print."""

    header: str
    rows: Sequence[str]
    left_out: Sequence[str]
    """Titles of the columns that did not fit."""


def format_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, width: int | None
) -> TableLines:
    r"""Return the lines of a table.

    Parameters
    ----------
    columns
        At least one.
    rows
        One text a column; each without control characters, such as `safe_text` returns.
    width
        Cells that a line may have; None for as many as it takes.

    Examples
    --------
    >>> columns = [Column(title="id"), Column(title="images", align="right", rank=1)]
    >>> table = format_table(columns, [["a", "12"], ["lr-0.1", "3"]], width=None)
    >>> print(table.header, *table.rows, sep="\n")
    id      images
    a           12
    lr-0.1       3
    >>> format_table(columns, [["lr-0.1", "3"]], width=10).left_out
    ['images']
    """
    widths = [_natural_width(column, [row[i] for row in rows]) for i, column in enumerate(columns)]
    shown = list(range(len(columns)))
    if width is not None:
        shown = _fitting(columns, widths, width)
        _shorten(columns, widths, shown, width)
    lines = [
        _line([(columns[i], row[i], widths[i]) for i in shown])
        for row in [[column.title for column in columns], *rows]
    ]
    left_out = [column.title for i, column in enumerate(columns) if i not in shown]
    return TableLines(lines[0], lines[1:], left_out)


def _natural_width(column: Column, cells: Sequence[str]) -> int:
    width = max(map(cell_len, [column.title, *cells]))
    return width if column.max_width is None else min(width, max(column.max_width, 1))


def _min_width(column: Column, width: int) -> int:
    return width if column.min_width is None else min(width, column.min_width)


def _fitting(columns: Sequence[Column], widths: Sequence[int], limit: int) -> list[int]:
    """Return the indices of the columns that are shown when each is as short as it may be."""
    shown = list(range(len(columns)))
    while len(shown) > 1:
        if _total([_min_width(columns[i], widths[i]) for i in shown]) <= limit:
            break
        last = max(shown, key=lambda i: (columns[i].rank, i))
        if columns[last].rank == 0:
            break
        shown.remove(last)
    return shown


def _shorten(columns: Sequence[Column], widths: list[int], shown: list[int], limit: int) -> None:
    """Take what is too much from the widest columns that can give it."""
    for _ in range(_total([widths[i] for i in shown]) - limit):
        giving = [i for i in shown if widths[i] > _min_width(columns[i], widths[i])]
        if not giving:
            return
        widths[max(giving, key=lambda i: widths[i])] -= 1


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Sequence[tuple[Column, str, int]]) -> str:
    return _GAP.join(_cell(column, text, width) for column, text, width in cells).rstrip()


def _cell(column: Column, text: str, width: int) -> str:
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1).rstrip() + "…"
    return text + " " * (width - size) if column.align == "left" else " " * (width - size) + text
