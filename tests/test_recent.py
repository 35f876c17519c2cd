from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.recent import Recent

CALLS = st.lists(st.tuples(st.sampled_from(["set", "get"]), st.integers(0, 12)), max_size=80)


@given(st.integers(1, 4), CALLS)
def test_the_newest_are_kept_and_never_more_than_twice_as_many(limit, calls):
    """Against a plain model: an ordered dict that knows what was used last."""
    recent: Recent[int, str] = Recent(limit)
    used: OrderedDict[int, str] = OrderedDict()
    for number, (call, key) in enumerate(calls):
        if call == "set":
            used[key] = recent[key] = str(number)
            used.move_to_end(key)
        elif (found := recent.get(key)) is not None:
            assert found == used[key]
            used.move_to_end(key)
        else:
            assert key not in list(used)[-limit:]
        assert all(key in recent for key in list(used)[-limit:])
        assert len(recent) <= 2 * limit


def test_what_was_never_there_is_none():
    recent: Recent[str, int] = Recent(2)
    assert recent.get("a") is None
    assert ("a" in recent, len(recent)) == (False, 0)


def test_a_key_that_is_set_again_has_the_new_value_and_counts_once():
    recent: Recent[str, int] = Recent(2)
    for value in range(5):
        recent["a"] = value
    assert (recent.get("a"), len(recent)) == (4, 1)


@pytest.mark.parametrize("num", [10, 1000])
def test_it_does_not_grow_with_what_was_ever_set(num):
    recent: Recent[int, int] = Recent(3)
    for number in range(num):
        recent[number] = number
    assert len(recent) <= 6
