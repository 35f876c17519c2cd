from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.spool.ring import BLOCK_BYTES, Ring

RING_BYTES = 16 * BLOCK_BYTES
SIZES = st.integers(1, 3 * RING_BYTES)
ACTIONS = st.lists(SIZES | st.just("drain one") | st.just("drain all"), max_size=60)


def bytes_of(ring: Ring, position: int, size_bytes: int) -> range:
    """Return the place of an entry in the file; a long one reaches past the ring's end."""
    start = ring.offset(position)
    return range(start, start + size_bytes)


def is_apart(one: range, other: range) -> bool:
    return one.stop <= other.start or other.stop <= one.start


@given(ACTIONS)
def test_no_entry_lies_on_one_that_is_not_drained_and_none_waits_without_need(actions):
    """Against a plain model: a queue of ranges."""
    ring, tail = Ring(RING_BYTES), 0
    waiting: deque[tuple[int, int]] = deque()
    for action in actions:
        if isinstance(action, str):
            for _ in range(1 if action == "drain one" else len(waiting)):
                if waiting:
                    tail = ring.end(*waiting.popleft())
            continue
        head = ring.head
        position = ring.place(action, tail)
        if position is None:
            assert waiting
            assert ring.head == head
            continue
        place = bytes_of(ring, position, action)
        assert position >= head
        assert position % BLOCK_BYTES == place.start % BLOCK_BYTES == 0
        assert place.stop <= max(RING_BYTES, action)
        assert all(is_apart(place, bytes_of(ring, *other)) for other in waiting)
        waiting.append((position, action))
        assert ring.head == ring.end(position, action)


@given(st.lists(st.integers(1, RING_BYTES), min_size=1, max_size=40))
def test_a_ring_that_is_drained_after_each_entry_keeps_to_its_first_pages(sizes):
    ring, tail = Ring(RING_BYTES), 0
    for size_bytes in sizes:
        position = ring.place(size_bytes, tail)
        assert ring.offset(position) == 0
        tail = ring.end(position, size_bytes)


def test_entries_stand_one_behind_the_other_until_the_ring_is_full():
    ring = Ring(4 * BLOCK_BYTES)
    assert [ring.place(BLOCK_BYTES, 0) for _ in range(5)] == [0, 512, 1024, 1536, None]


def test_an_entry_that_does_not_fit_before_the_end_goes_to_the_beginning_once_that_is_drained():
    ring = Ring(4 * BLOCK_BYTES)
    first, second = ring.place(2 * BLOCK_BYTES, 0), ring.place(BLOCK_BYTES, 0)
    assert (first, second, ring.place(2 * BLOCK_BYTES, 0)) == (0, 1024, None)
    third = ring.place(2 * BLOCK_BYTES, ring.end(first, 2 * BLOCK_BYTES))
    assert (third, ring.offset(third)) == (2048, 0)


@pytest.mark.parametrize("size_bytes", [RING_BYTES + 1, 5 * RING_BYTES])
def test_an_entry_larger_than_the_ring_has_room_when_nothing_else_is_there(size_bytes):
    ring = Ring(RING_BYTES)
    first = ring.place(BLOCK_BYTES, 0)
    assert ring.place(size_bytes, 0) is None
    second = ring.place(size_bytes, ring.end(first, BLOCK_BYTES))
    assert ring.offset(second) == 0
    assert ring.place(1, ring.end(first, BLOCK_BYTES)) is None
    assert ring.offset(ring.place(1, ring.end(second, size_bytes))) == 0


def test_a_tail_that_lags_behind_a_new_beginning_frees_nothing_twice():
    """Drained up to the head, the ring begins anew; the tail says so only with the next entry."""
    ring = Ring(4 * BLOCK_BYTES)
    first = ring.place(BLOCK_BYTES, 0)
    tail = ring.end(first, BLOCK_BYTES)
    places = [ring.place(BLOCK_BYTES, tail) for _ in range(5)]
    assert [place and ring.offset(place) for place in places] == [0, 512, 1024, 1536, None]
