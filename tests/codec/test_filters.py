from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from filmstrip.codec import filters
from filmstrip.codec.filters import Filter, choose_plan, filtered_strips
from filmstrip.codec.scanlines import scanlines


def image_of(pixels):
    return scanlines(pixels, has_palette=False, bit_depth=None)


def filtered_by_the_book(image, kind):
    """The filtered rows, byte by byte as the PNG specification words it."""
    rows = image.rows(0, image.height).tolist()
    result = []
    for y, row in enumerate(rows):
        used = Filter.SUB if y == 0 else kind
        left = [0] * image.pixel_bytes + row
        above = rows[y - 1] if y else [0] * len(row)
        foretold = {
            Filter.SUB: left,
            Filter.UP: above,
            Filter.AVERAGE: [(a + b) // 2 for a, b in zip(left, above, strict=False)],
        }[used]
        differences = [(x - p) % 256 for x, p in zip(row, foretold, strict=False)]
        result.append([int(used), *differences])
    return np.array(result, np.uint8)


@given(
    pixels=st.tuples(
        st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.sampled_from(["u1", "u2"])
    ).flatmap(lambda s: nps.arrays(s[3], s[:3])),
    kind=st.sampled_from([Filter.UP, Filter.AVERAGE]),
    strip_bytes=st.integers(1, 200),
)
def test_filtered_rows_are_those_of_the_specification_wherever_strips_end(
    pixels, kind, strip_bytes
):
    image = image_of(pixels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "STRIP_BYTES", strip_bytes)
        strips = [strip.copy() for strip in filtered_strips(image, kind)]
    assert np.array_equal(np.concatenate(strips), filtered_by_the_book(image, kind))


def test_a_strip_holds_as_many_rows_as_its_bytes_allow(monkeypatch):
    monkeypatch.setattr(filters, "STRIP_BYTES", 3 * 11)
    image = image_of(np.zeros((8, 10), np.uint8))
    assert [len(strip) for strip in filtered_strips(image, Filter.UP)] == [3, 3, 2]


def noisy(shape, step=5):
    """A slope with noise on it, as in a photograph: hardly a byte equals the one above."""
    slope = np.add.outer(np.arange(shape[0]), np.arange(shape[1])) // 4
    noise = np.random.default_rng(0).normal(0, step, shape)
    return np.clip(slope.reshape(*slope.shape, *[1] * (len(shape) - 2)) + noise, 0, 255).astype(
        np.uint8
    )


def half_black(shape):
    pixels = noisy(shape)
    pixels[:, : shape[1] // 2] = 0
    return pixels


@pytest.mark.parametrize(
    ("pixels", "kind", "window_bits"),
    [
        pytest.param(noisy((200, 200, 3)), Filter.AVERAGE, 9, id="photograph"),
        pytest.param(noisy((200, 200)), Filter.AVERAGE, 9, id="gray photograph"),
        pytest.param(half_black((200, 200, 3)), Filter.UP, 9, id="photograph on black"),
        pytest.param(np.zeros((200, 200), np.uint8), Filter.UP, 15, id="flat"),
        pytest.param(
            np.repeat(noisy((200, 200, 1)), 3, axis=2), Filter.AVERAGE, 15, id="gray as RGB"
        ),
        pytest.param(noisy((28, 28)), Filter.UP, 15, id="tiny"),
        pytest.param(noisy((1, 9000)), Filter.AVERAGE, 9, id="one row"),
        pytest.param(
            np.resize(noisy((199, 199)), (2**11, 2**13 - 1)), Filter.AVERAGE, 9, id="almost big"
        ),
        pytest.param(
            np.resize(noisy((199, 199)), (2**11, 2**13)), Filter.UP, 9, id="big photograph"
        ),
        pytest.param(
            noisy((2**11, 2**13 // 3 + 1, 1)).repeat(3, axis=2), Filter.UP, 15, id="big gray as RGB"
        ),
    ],
)
def test_the_plan_follows_what_the_picture_shows(pixels, kind, window_bits):
    plan = choose_plan(image_of(pixels))
    assert (plan.filter, plan.window_bits) == (kind, window_bits)


@pytest.mark.parametrize("block", [2, 4, 8, 16, 32])
def test_an_enlarged_picture_is_seen_to_be_flat_however_large_its_blocks(block):
    small = np.random.default_rng(0).integers(0, 256, (512 // block, 512 // block), np.uint8)
    enlarged = small.repeat(block, axis=0).repeat(block, axis=1)
    assert choose_plan(image_of(enlarged)).filter is Filter.UP
