"""Tables fitted to a width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from filmstrip.cli.table import Column, format_table

COLUMNS = [
    Column(title="run"),
    Column(title="name", min_width=6, max_width=12, rank=2),
    Column(title="images", align="right", rank=1),
]
ROWS = [["a1", "baseline", "1,024"], ["b2", "a very long name", "7"]]


def lines(width):
    table = format_table(COLUMNS, ROWS, width=width)
    return [table.header, *table.rows]


def test_a_table_without_a_limit_takes_what_it_needs():
    assert lines(None) == [
        "run  name          images",
        "a1   baseline       1,024",
        "b2   a very long…       7",
    ]


def test_a_table_that_is_too_wide_first_shortens_what_may_be_shortened():
    assert lines(20) == [
        "run  name     images",
        "a1   baseli…   1,024",
        "b2   a very…       7",
    ]


@pytest.mark.parametrize(("width", "left_out"), [(18, ["name"]), (10, ["name", "images"])])
def test_a_table_that_is_still_too_wide_leaves_out_its_least_important_columns(width, left_out):
    assert format_table(COLUMNS, ROWS, width=width).left_out == left_out


def test_columns_of_rank_0_stay_however_narrow_the_terminal():
    assert lines(1) == ["run", "a1", "b2"]


def test_wide_characters_count_as_the_two_cells_they_take():
    table = format_table(
        [Column(title="k"), Column(title="n")], [["日本", "1"], ["ab", "2"]], width=None
    )
    assert table.rows == ["日本  1", "ab    2"]


@given(
    st.lists(st.tuples(*[st.text(st.characters(categories=["L", "S"]))] * 3)), st.integers(13, 60)
)
def test_no_line_is_wider_than_the_limit_when_the_columns_that_stay_may_be_short(rows, width):
    columns = [Column(title="k", min_width=4), *COLUMNS[1:]]
    table = format_table(columns, [list(row) for row in rows], width=width)
    assert len(table.rows) == len(rows)
    assert max(map(cell_len, [table.header, *table.rows])) <= width
