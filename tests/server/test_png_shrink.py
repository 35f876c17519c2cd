"""Shrinking PNGs a strip at a time is the same as decoding them whole."""

from __future__ import annotations

import io
import zlib

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmstrip.codec.png import encode_png
from filmstrip.server import png_shrink
from filmstrip.server.png_shrink import shrink_png

SHAPES = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}


def pixels(mode: str, width: int, height: int, *, seed: int = 0) -> np.ndarray:
    """Smooth in one half and noisy in the other: encoders take every filter."""
    random = np.random.default_rng(seed)
    shape = (height, width, *SHAPES[mode])
    ramp = np.arange(height)[:, None] + np.arange(width)[None, :]
    smooth = np.broadcast_to(ramp.reshape(height, width, *[1] * (len(shape) - 2)), shape)
    noise = random.integers(0, 256, shape)
    return np.where(
        np.arange(height).reshape(-1, *[1] * (len(shape) - 1)) % 40 < 20, smooth, noise
    ).astype(np.uint8)


def encoded(picture: PIL.Image.Image, **options) -> bytes:
    into = io.BytesIO()
    picture.save(into, "PNG", **options)
    return into.getvalue()


def averaged(data: bytes, factor: int) -> np.ndarray:
    return np.array(PIL.Image.open(io.BytesIO(data)).reduce(factor))


@pytest.mark.parametrize("factor", [2, 3, 8, 16])
@pytest.mark.parametrize("mode", SHAPES)
@pytest.mark.parametrize("size", [(1, 1), (300, 7), (7, 300), (1200, 401)])
def test_it_is_what_pillow_makes_of_its_own_files(mode, size, factor):
    data = encoded(PIL.Image.fromarray(pixels(mode, *size)))
    assert np.array_equal(np.array(shrink_png(data, factor)), averaged(data, factor))


@given(
    st.sampled_from(list(SHAPES)),
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(2, 9),
    st.integers(0, 9),
)
@settings(max_examples=40)
def test_it_is_what_pillow_makes_of_ours(mode, width, height, factor, seed):
    data = encode_png(pixels(mode, width, height, seed=seed))
    assert np.array_equal(np.array(shrink_png(data, factor)), averaged(data, factor))


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png_of(image: PIL.Image.Image, filters: list[int]) -> bytes:
    """A file whose rows have these filters, by the book (PNG 3rd edition, 9.2)."""
    rows = np.asarray(image).reshape(image.height, -1).astype(int)
    channels = len(image.getbands())
    left = np.pad(rows, ((0, 0), (channels, 0)))[:, :-channels]
    above = np.pad(rows, ((1, 0), (0, 0)))[:-1]
    foretold = [np.zeros_like(rows), left, above, (left + above) // 2]
    kinds = np.array(filters)
    chosen = np.choose(kinds[:, None], foretold)
    filtered = np.column_stack([kinds, (rows - chosen) % 256]).astype(np.uint8)
    size = image.width.to_bytes(4, "big") + image.height.to_bytes(4, "big")
    header = size + bytes([8, 2 if channels == 3 else 0, 0, 0, 0])
    body = chunk(b"IDAT", zlib.compress(filtered.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@given(
    st.sampled_from(["L", "RGB"]),
    st.integers(1, 40),
    st.lists(st.sampled_from([0, 1, 2, 2, 2, 3]), min_size=1, max_size=40),
    st.integers(2, 9),
    st.integers(1, 2000),
)
def test_rows_of_any_filters_are_averaged_the_same_wherever_strips_end(
    mode, width, filters, factor, strip_bytes
):
    image = PIL.Image.fromarray(pixels(mode, width, len(filters)))
    data = png_of(image, filters)
    assert np.array_equal(np.array(PIL.Image.open(io.BytesIO(data))), np.array(image))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png_shrink, "_STRIP_BYTES", strip_bytes)
        small = shrink_png(data, factor)
    assert np.array_equal(np.array(small), np.array(image.reduce(factor)))


@pytest.mark.parametrize("factor", [257, 258, 600])
def test_sums_of_many_pixels_do_not_overflow(factor):
    white = PIL.Image.new("L", (600, 601), 255)
    small = shrink_png(png_of(white, [2] * 601), factor)
    assert np.array_equal(np.array(small), np.array(white.reduce(factor)))


def test_sixteen_bits_are_averaged_as_they_are():
    wide = np.arange(64 * 1000, dtype=np.uint16).reshape(64, 1000)
    small = shrink_png(encode_png(wide), 4)
    assert small.mode == "F"
    expected = wide.reshape(16, 4, 250, 4).mean((1, 3))
    np.testing.assert_allclose(np.array(small), expected, rtol=1e-6)


def test_many_small_pieces_and_one_large_piece_are_the_same():
    data = encoded(PIL.Image.fromarray(pixels("RGB", 900, 500)))
    image = PIL.Image.open(io.BytesIO(data))
    for level in (0, 9):
        again = encoded(image, compress_level=level)
        assert np.array_equal(np.array(shrink_png(again, 5)), averaged(data, 5))


def bomb() -> bytes:
    """A file that claims 100 × 100 and inflates to a hundred times as much."""
    header = (100).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes(101 * 100 * 100))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


whole = encoded(PIL.Image.fromarray(pixels("RGB", 200, 200)))
palette = encoded(PIL.Image.fromarray(pixels("L", 50, 50)).convert("P"))
exif = PIL.Image.Exif()
exif[0x0112] = 6
damaged = bytearray(whole)
damaged[len(whole) // 2] ^= 255


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a png",
        whole[:-40],
        whole[: len(whole) // 2],
        bytes(damaged),
        palette,
        encoded(PIL.Image.fromarray(pixels("L", 50, 50)).convert("1")),
        encoded(PIL.Image.fromarray(pixels("RGB", 50, 50)), exif=exif),
        encoded(PIL.Image.fromarray(pixels("RGB", 50, 50)), transparency=(1, 2, 3)),
        bomb(),
    ],
    ids=[
        "empty",
        "no png",
        "no end",
        "half",
        "damaged",
        "palette",
        "bits",
        "turned",
        "transparent",
        "bomb",
    ],
)
def test_what_it_does_not_do_is_left_to_others(data):
    assert shrink_png(data, 4) is None
