from __future__ import annotations

import numpy as np
import pytest

from filmstrip.codec.scanlines import scanlines
from filmstrip.errors import ImageInputError, ImageTypeError, OptionError

U8, U16 = np.uint8, np.uint16
SHAPES = (
    "expected pixels of shape (H, W) or (H, W, C) with 1 to 4 channels, bool ones with 1, got {}; "
    "reshape them before encoding"
)
INDICES = "expected (H, W) uint8 indices with a palette, got {}; leave the palette out"


def rows_of(pixels, *, bit_depth=None):
    image = scanlines(pixels, has_palette=False, bit_depth=bit_depth)
    return image.rows(0, image.height).tolist()


def test_16_bit_samples_have_their_high_byte_first():
    assert rows_of(np.array([[0x0102, 0xFF00]], U16)) == [[1, 2, 255, 0]]


def test_samples_that_are_big_endian_in_memory_come_out_the_same():
    assert rows_of(np.array([[0x0102, 0xFF00]], ">u2")) == [[1, 2, 255, 0]]


def test_channels_of_a_pixel_stand_side_by_side():
    assert rows_of(np.arange(6, dtype=U8).reshape(1, 2, 3)) == [[0, 1, 2, 3, 4, 5]]


@pytest.mark.parametrize(
    ("bit_depth", "values", "packed"),
    [
        (1, [1, 0, 1, 1, 0, 0, 0, 1, 1], [0b10110001, 0b10000000]),
        (2, [3, 0, 2, 1, 1], [0b11001001, 0b01000000]),
        (4, [15, 1, 9], [0xF1, 0x90]),
    ],
)
def test_small_samples_are_packed_from_the_high_bits_and_the_last_byte_filled_with_zeros(
    bit_depth, values, packed
):
    assert rows_of(np.array([values], U8), bit_depth=bit_depth) == [packed]


def test_bools_are_packed_eight_to_a_byte():
    assert rows_of(np.array([[True, False, True]])) == [[0b10100000]]


def test_rows_of_plain_bytes_are_a_view():
    pixels = np.zeros((4, 5, 3), U8)
    assert np.shares_memory(scanlines(pixels, has_palette=False, bit_depth=None).rows(1, 3), pixels)


@pytest.mark.parametrize(
    ("pixels", "pixel_bytes"),
    [
        (np.zeros((1, 1), bool), 1),
        (np.zeros((1, 1), U8), 1),
        (np.zeros((1, 1, 2), U8), 2),
        (np.zeros((1, 1, 3), U16), 6),
        (np.zeros((1, 1, 4), U16), 8),
    ],
)
def test_the_left_neighbour_is_one_pixel_away_and_never_less_than_a_byte(pixels, pixel_bytes):
    assert scanlines(pixels, has_palette=False, bit_depth=None).pixel_bytes == pixel_bytes


@pytest.mark.parametrize(
    ("pixels", "options", "error", "message"),
    [
        (
            np.zeros((2, 2), np.float32),
            {},
            ImageTypeError,
            "expected bool, uint8 or uint16 pixels, got float32; convert them before encoding",
        ),
        (
            np.zeros((2, 2), np.int8),
            {},
            ImageTypeError,
            "expected bool, uint8 or uint16 pixels, got int8; convert them before encoding",
        ),
        (
            np.zeros((2, 2, 5), U8),
            {},
            ImageInputError,
            SHAPES.format("shape (2, 2, 5) of uint8"),
        ),
        (
            np.zeros((2, 0, 3), U8),
            {},
            ImageInputError,
            SHAPES.format("shape (2, 0, 3) of uint8"),
        ),
        (
            np.zeros((2, 2, 3), bool),
            {},
            ImageInputError,
            SHAPES.format("shape (2, 2, 3) of bool"),
        ),
        (
            np.zeros(4, U8),
            {},
            ImageInputError,
            SHAPES.format("shape (4,) of uint8"),
        ),
        (
            np.zeros((2, 2), U16),
            {"has_palette": True},
            ImageInputError,
            INDICES.format("shape (2, 2) of uint16"),
        ),
        (
            np.zeros((2, 2, 3), U8),
            {"has_palette": True},
            ImageInputError,
            INDICES.format("shape (2, 2, 3) of uint8"),
        ),
        (
            np.zeros((2, 2), U8),
            {"bit_depth": 3},
            OptionError,
            "expected a bit_depth of 1, 2, 4 or 8 for uint8 pixels, got 3; leave it out",
        ),
        (
            np.zeros((2, 2), U16),
            {"bit_depth": 8},
            OptionError,
            "expected a bit_depth of 16 for uint16 pixels, got 8; leave it out",
        ),
        (
            np.zeros((2, 2, 3), U8),
            {"bit_depth": 4},
            OptionError,
            "expected a bit_depth below 8 only for (H, W) arrays, got 4; leave it out",
        ),
        (
            np.full((2, 2), 4, U8),
            {"bit_depth": 2},
            ImageInputError,
            "expected values below 4 at bit_depth=2, got a largest value of 4; leave bit_depth out",
        ),
    ],
)
def test_pixels_that_png_does_not_have_are_refused(pixels, options, error, message):
    with pytest.raises(error) as caught:
        scanlines(pixels, **({"has_palette": False, "bit_depth": None} | options))
    assert str(caught.value) == message
