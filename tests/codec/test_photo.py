"""The compiled deflate says the same as numpy's filters, whatever the picture."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from filmstrip.codec import encode_png, photo
from filmstrip.codec.filters import Filter, filtered_strips
from filmstrip.codec.scanlines import scanlines


def deflated(pixels: np.ndarray, kind: Filter) -> bytes:
    image = scanlines(pixels, has_palette=False, bit_depth=None)
    return b"".join(map(bytes, photo.deflated_photo(image, kind)))


def filtered(pixels: np.ndarray, kind: Filter) -> bytes:
    image = scanlines(pixels, has_palette=False, bit_depth=None)
    return b"".join(strip.tobytes() for strip in filtered_strips(image, kind))


def runs(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return noise with runs of zeros of all lengths in it."""
    pixels = rng.integers(0, 256, size, dtype=np.uint8)
    start = 0
    while start < size:
        length = int(rng.choice([1, 7, 8, 31, 32, 33, 34, 35, 257, 258, 259, 290, 600]))
        pixels[start : start + length] = 0
        start += length + int(rng.integers(1, 40))
    return pixels


def fibonacci() -> np.ndarray:
    """Return values so uneven in number that their codes would need 20 bits and more."""
    counts = [1, 1]
    while len(counts) < 24:
        counts.append(counts[-1] + counts[-2])
    return np.repeat(np.arange(1, 25, dtype=np.uint8), counts)


def test_the_package_holds_the_compiled_code():
    assert photo.is_available()


@pytest.mark.usefixtures("each_library")
class TestDeflatedPhoto:
    @pytest.mark.parametrize("kind", [Filter.UP, Filter.AVERAGE])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize(
        "shape",
        [(1, 1), (1, 70_000), (70_000, 1), (3, 5, 2), (97, 101, 3), (700, 500, 4), (2, 200_000, 3)],
    )
    def test_is_the_zlib_stream_of_the_filtered_rows(self, shape, dtype, kind):
        rng = np.random.default_rng(7)
        noise = rng.normal(0, 9, shape).cumsum(axis=0).astype(np.int64)
        for pixels in (noise.astype(dtype), runs(rng, noise.size).astype(dtype).reshape(shape)):
            assert zlib.decompress(deflated(pixels, kind)) == filtered(pixels, kind)

    @pytest.mark.parametrize("value", [0, 1, 255])
    def test_holds_pictures_of_one_value(self, value):
        pixels = np.full((300, 301, 3), value, np.uint8)
        stream = deflated(pixels, Filter.UP)
        assert zlib.decompress(stream) == filtered(pixels, Filter.UP)
        assert len(stream) < 4 * len(pixels)  # bytes for each row of 903

    def test_holds_noise_in_little_more_than_its_bytes(self):
        pixels = np.random.default_rng(1).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
        stream = deflated(pixels, Filter.AVERAGE)
        assert zlib.decompress(stream) == filtered(pixels, Filter.AVERAGE)
        assert len(stream) < 1.003 * pixels.size

    def test_holds_values_whose_codes_would_be_too_long(self):
        row = fibonacci()
        pixels = np.stack([np.zeros_like(row), row])  # UP leaves the second as it is
        assert zlib.decompress(deflated(pixels, Filter.UP)) == filtered(pixels, Filter.UP)

    def test_takes_arrays_that_are_not_contiguous(self):
        pixels = np.random.default_rng(2).integers(0, 256, (40, 50, 3), dtype=np.uint8)[::-1, ::2]
        assert zlib.decompress(deflated(pixels, Filter.UP)) == filtered(pixels, Filter.UP)

    @given(data=st.data(), kind=st.sampled_from([Filter.UP, Filter.AVERAGE]))
    def test_loses_nothing(self, data, kind):
        height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 60))
        channels = data.draw(st.integers(1, 4))
        values = st.lists(
            st.one_of(st.just(b"\0" * 40), st.binary(max_size=20)), min_size=1, max_size=20
        )
        flat = np.frombuffer(b"".join(data.draw(values)) or b"\0", np.uint8)
        pixels = np.resize(flat, (height, width, channels))
        assert zlib.decompress(deflated(pixels, kind)) == filtered(pixels, kind)


def test_the_room_for_the_stream_is_never_exceeded(monkeypatch):
    sizes = []
    deflate_rows = photo._deflate_rows()

    def counted(stream, first, num_rows, flags, out):
        size = deflate_rows(stream, first, num_rows, flags, out)
        num_bytes = num_rows * (stream.row_bytes + 1)
        sizes.append((size, num_bytes * 3 // 2 + -(-num_rows // stream.strip_rows) * 512))
        return size

    monkeypatch.setattr(photo, "_deflate_rows", lambda: counted)
    rng = np.random.default_rng(5)
    for side in (1, 2, 7, 100, 700):
        deflated(rng.integers(0, 256, (side, side, 3), dtype=np.uint8), Filter.UP)
    assert len(sizes) > 5
    assert all(size <= room for size, room in sizes)


@pytest.mark.usefixtures("no_library")
def test_without_the_compiled_code_isal_makes_the_file():
    assert not photo.is_available()
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_are_hardly_larger_than_with_isal(name, monkeypatch):
    photograph = getattr(skimage.data, name)()
    size = len(encode_png(photograph))
    monkeypatch.setattr("filmstrip.codec.png.is_available", lambda: False)
    assert size != len(encode_png(photograph))
    assert size < 1.05 * len(encode_png(photograph))
