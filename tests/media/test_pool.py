"""Pooled memory: used again, never shared, and bounded."""

from __future__ import annotations

import numpy as np
import pytest

from filmstrip.media.pool import BlockPool

SHAPE = (400, 400)
SIZE = 160_000


def address(array: np.ndarray) -> int:
    return array.ctypes.data


def test_a_block_is_used_again_once_the_array_and_its_views_are_gone():
    pool = BlockPool()
    array = pool.empty(SHAPE, np.uint8)
    view, block = array[10:20], address(array)
    del array
    assert address(pool.empty(SHAPE, np.uint8)) != block
    del view
    assert address(pool.empty(SHAPE, np.uint8)) == block


def test_two_arrays_that_live_share_no_memory():
    pool = BlockPool()
    first, second = pool.empty(SHAPE, np.uint8), pool.empty(SHAPE, np.uint8)
    first[:], second[:] = 1, 2
    assert not np.shares_memory(first, second)
    assert (first == 1).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_array_has_the_shape_and_dtype_that_were_asked_for(dtype):
    array = BlockPool().empty((300, 200, 3), dtype)
    assert (array.shape, array.dtype) == ((300, 200, 3), dtype)
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_no_more_is_kept_than_allowed():
    pool = BlockPool(kept_bytes=2 * SIZE)
    arrays = [pool.empty(SHAPE, np.uint8) for _ in range(5)]
    blocks = {address(array) for array in arrays}
    arrays.clear()
    again = [pool.empty(SHAPE, np.uint8) for _ in range(2)]
    assert {address(array) for array in again} < blocks
    assert pool._kept_bytes == 0


def test_a_block_of_another_size_gives_way_to_a_newer_one():
    pool = BlockPool(kept_bytes=2 * SIZE)
    old = pool.empty((2 * SIZE,), np.uint8)
    del old
    new = pool.empty(SHAPE, np.uint8)
    block = address(new)
    del new
    assert pool._kept_bytes == SIZE
    assert address(pool.empty(SHAPE, np.uint8)) == block
