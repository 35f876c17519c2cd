"""Step selections: the text, what it selects, and what is no selection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.errors import OptionError
from filmstrip.export.steps import parse_steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", [5]),
        ("-2", [-2]),
        ("6", []),
        ("1,2,7", [1, 7]),
        ("7,1,1", [1, 7]),
        (" 1 , 7 ", [1, 7]),
        ("first", [-2]),
        ("last", [30]),
        ("first,last,5", [-2, 5, 30]),
        ("0:20:10", [0, 10]),
        ("0:21:10", [0, 10, 20]),
        (":5", [-2, 0, 1]),
        ("10:", [10, 20, 30]),
        (":", [-2, 0, 1, 5, 7, 10, 20, 30]),
        ("::3", [-2, 1, 7, 10]),
        ("0::10", [0, 10, 20, 30]),
        ("1::2", [1, 5, 7]),
        ("0:2,20:", [0, 1, 20, 30]),
        ("20:10", []),
    ],
)
def test_a_text_selects_steps(text, expected):
    assert parse_steps(text).choose([-2, 0, 1, 5, 7, 10, 20, 30]) == expected


@pytest.mark.parametrize("text", ["first", "last", "5", ":"])
def test_nothing_is_selected_of_nothing(text):
    assert parse_steps(text).choose([]) == []


@pytest.mark.parametrize(
    "text", ["", ",", "1,", "x", "1.5", "1:2:3:4", "a:b", "Last", "1-5", "1;2", "one"]
)
def test_another_text_is_an_error(text):
    with pytest.raises(OptionError) as caught:
        parse_steps(text)
    assert str(caught.value) == (
        f"expected steps such as 5, 1,2,7, 0:100:10 or last, got {text!r}; "
        "write numbers, 'first', 'last' or start:stop:stride, joined with commas"
    )


@pytest.mark.parametrize("text", ["0:10:0", "10:0:-1", "5,::0"])
def test_a_stride_that_is_not_positive_is_an_error(text):
    with pytest.raises(OptionError) as caught:
        parse_steps(text)
    assert str(caught.value) == (
        f"expected a stride of at least 1 in steps, got {text!r}; swap start and stop"
    )


numbers = st.integers(-50, 50)


@given(numbers, numbers, st.integers(1, 9), st.lists(numbers, unique=True))
def test_a_span_selects_what_range_does(start, stop, stride, steps):
    available = sorted(steps)
    chosen = parse_steps(f"{start}:{stop}:{stride}").choose(available)
    assert chosen == [step for step in available if step in range(start, stop, stride)]


@given(st.lists(numbers, min_size=1), st.lists(numbers, unique=True))
def test_a_list_selects_its_members(wanted, steps):
    chosen = parse_steps(",".join(map(str, wanted))).choose(sorted(steps))
    assert chosen == sorted(set(wanted) & set(steps))
