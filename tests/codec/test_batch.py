from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from filmstrip.codec.batch import encode_png_batch, is_small
from filmstrip.codec.png import encode_png
from filmstrip.media.frame import Frame

MODES = {(): "L", (2,): "LA", (3,): "RGB", (4,): "RGBA"}
SHAPES = st.tuples(
    st.sampled_from([1, 2, 28]), st.sampled_from([1, 3, 28]), st.sampled_from(list(MODES))
).map(lambda parts: (parts[0], parts[1], *parts[2]))
FRAMES = SHAPES.flatmap(lambda shape: hnp.arrays("uint8", shape)).map(
    lambda pixels: Frame(pixels, MODES[pixels.shape[2:]])
)


@given(st.lists(FRAMES, max_size=6))
def test_together_frames_become_the_same_bytes_as_one_by_one(frames):
    assert encode_png_batch(frames) == [encode_png(frame.pixels) for frame in frames]


@pytest.mark.parametrize("n", [0, 1, 64])
def test_files_come_in_the_order_of_their_frames(n):
    frames = [Frame(np.full((28, 28 - i % 3), i, np.uint8), "L") for i in range(n)]
    assert encode_png_batch(frames) == [encode_png(frame.pixels) for frame in frames]


@pytest.mark.parametrize(
    ("frame", "small"),
    [
        (Frame(np.zeros((64, 128), np.uint8), "L"), True),
        (Frame(np.zeros((64, 129), np.uint8), "L"), False),
        (Frame(np.zeros((4, 4), np.uint16), "I;16"), False),
        (Frame(np.zeros((4, 4), bool), "1"), False),
        (Frame(np.zeros((4, 4), np.uint8), "P", bytes(6)), False),
    ],
)
def test_small_8_bit_frames_without_a_palette_are_encoded_together(frame, small):
    assert is_small(frame) is small
