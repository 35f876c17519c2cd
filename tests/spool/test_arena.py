from __future__ import annotations

import errno
import gc
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.media.pool import BlockPool
from filmstrip.spool import arena as arena_module
from filmstrip.spool.arena import Arena, Extents, can_reserve

PAGE, SIZE = 4096, 64 * 4096


@pytest.fixture
def arena(tmp_path):
    path = tmp_path / "w.spool"
    path.write_bytes(b"")
    os.truncate(path, PAGE + SIZE)
    made = Arena(path, PAGE, SIZE)
    yield made
    made.close()


@given(st.lists(st.integers(-8, 20), max_size=60))
def test_free_parts_never_overlap_those_in_use_and_join_again(moves):
    """A positive number takes so much, another gives back one of what is taken."""
    extents, taken = Extents(100), []
    for move in moves:
        if move > 0:
            start = extents.take(move)
            used = sum(size for _, size in taken)
            assert start is not None or used + move > 100 or len(taken) > 1
            if start is not None:
                assert 0 <= start <= 100 - move
                assert all(start + move <= at or at + size <= start for at, size in taken)
                taken.append((start, move))
        elif taken:
            extents.give_back(*taken.pop(move % len(taken)))
    for start, size in taken:
        extents.give_back(start, size)
    assert extents.take(100) == 0


def test_the_lowest_free_part_is_taken_so_that_the_same_pages_are_used_again():
    extents = Extents(100)
    assert [extents.take(10) for _ in range(3)] == [0, 10, 20]
    extents.give_back(10, 10)
    assert [extents.take(5), extents.take(10), extents.take(5)] == [10, 30, 15]


def test_what_is_written_into_a_block_stands_in_the_file(arena, tmp_path):
    first, second = arena.take(100), arena.take(5000)
    first[:], second[:] = 7, 9
    data = (tmp_path / "w.spool").read_bytes()[PAGE:]
    assert (arena.place_of(first), arena.place_of(second)) == (0, PAGE)
    assert data[:100] == b"\7" * 100
    assert data[PAGE : PAGE + 5000] == b"\x09" * 5000


def test_an_array_that_stands_elsewhere_has_no_place(arena):
    assert arena.place_of(np.zeros(10, np.uint8)) == -1
    assert arena.place_of(arena.take(PAGE)[1:]) == -1


def test_a_block_is_free_once_its_array_is_gone(arena):
    pool = BlockPool()
    pool.use(arena)
    array = pool.empty((128, 1024), np.uint8)
    view = array[3:]
    place = arena.place_of(array)
    del array
    gc.collect()
    assert arena.take(SIZE) is None  # the view keeps it
    del view
    assert (place, arena.place_of(arena.take(SIZE))) == (0, 0)


def test_a_block_whose_array_is_gone_is_kept_until_it_is_drained(arena):
    block = arena.take(SIZE)
    arena.hold([0], position=512)
    arena.hold([0], position=1024)
    arena.give_back(block)
    for tail in (0, 512):
        arena.release(tail)
        assert arena.take(PAGE) is None
    arena.release(1024)
    assert arena.take(SIZE) is not None


def test_a_block_that_is_drained_is_kept_while_its_array_is_there(arena):
    block = arena.take(SIZE)
    arena.hold([0], position=512)
    arena.release(512)
    assert arena.take(PAGE) is None
    arena.give_back(block)
    assert arena.take(SIZE) is not None


def test_there_is_no_block_where_there_is_no_room(arena):
    assert arena.take(SIZE + 1) is None
    assert arena.take(SIZE) is not None
    assert arena.take(1) is None


def test_there_is_no_block_where_the_disk_reserves_no_room(arena, monkeypatch):
    def refuse(fd, offset, length):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(arena_module.os, "posix_fallocate", refuse)
        assert arena.take(PAGE) is None
    assert arena.take(SIZE) is not None  # and nothing was used up by the refusal


def test_a_closed_arena_hands_out_nothing_and_arrays_in_it_stay(arena):
    block = arena.take(100)
    block[:] = 5
    arena.close()
    assert arena.take(100) is None
    assert block.tolist() == [5] * 100
    arena.give_back(block)


def test_what_a_forked_child_can_see_is_never_written_over(arena):
    block = arena.take(SIZE)
    block[:] = 1
    ready_out, ready_in = os.pipe()
    if (child := os.fork()) == 0:
        os.read(ready_out, 1)  # the parent has let go of its image, and made another
        os._exit(0 if block.min() == block.max() == 1 else 1)
    arena.give_back(block)
    assert arena.take(PAGE) is None
    os.write(ready_in, b"!")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_pages_are_warmed_without_changing_what_stands_in_them(arena, monkeypatch):
    monkeypatch.setattr(arena_module, "_WARM_AFTER_SECS", 0.0)
    block = arena.take(SIZE)
    block[:] = 3
    arena._warm(SIZE)
    assert (block == 3).all()


def test_a_folder_on_a_file_system_that_copies_on_write_is_not_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(arena_module, "_RESERVING", frozenset({"btrfs of tomorrow"}))
    assert not can_reserve(tmp_path)


def test_a_folder_that_is_not_there_is_not_mapped(tmp_path):
    assert not can_reserve(tmp_path / "nowhere")
