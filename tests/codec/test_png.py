from __future__ import annotations

import io
import struct
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from skimage import data

from filmstrip.codec import filters
from filmstrip.codec.png import encode_png
from filmstrip.errors import ImageInputError

U8, U16 = np.uint8, np.uint16


def by_libpng(png):
    return imagecodecs.png_decode(png)


def by_pillow(png):
    with PIL.Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def chunks(png):
    """The chunks of a file as (kind, body)."""
    position, found = 8, []
    while position < len(png):
        (size,) = struct.unpack_from(">I", png, position)
        found.append((png[position + 4 : position + 8], png[position + 8 : position + 8 + size]))
        position += 12 + size
    return found


def sides(limit):
    """Heights and widths, with one-pixel sides among them often."""
    return st.tuples(*[st.one_of(st.just(1), st.integers(1, limit))] * 2)


def arrays(dtype, *, channels, limit=40):
    shapes = st.tuples(sides(limit), st.sampled_from(channels)).map(
        lambda s: s[0] if s[1] == 0 else (*s[0], s[1])
    )
    return shapes.flatmap(lambda shape: nps.arrays(dtype, shape))


@given(arrays(U8, channels=[0, 2, 3, 4]))
def test_8_bit_pixels_of_every_kind_come_back_from_pillow_and_libpng(pixels):
    png = encode_png(pixels)
    assert np.array_equal(by_pillow(png), pixels)
    assert np.array_equal(by_libpng(png), pixels)


@given(arrays(U16, channels=[0, 2, 3, 4]))
def test_16_bit_pixels_of_every_kind_come_back_from_libpng(pixels):
    decoded = by_libpng(encode_png(pixels))
    assert decoded.dtype == U16
    assert np.array_equal(decoded, pixels)


@given(arrays(U16, channels=[0]))
def test_16_bit_gray_comes_back_from_pillow(pixels):
    assert np.array_equal(by_pillow(encode_png(pixels)), pixels)


@given(arrays(bool, channels=[0]))
def test_bools_come_back_as_one_bit_gray(pixels):
    png = encode_png(pixels)
    assert png[24] == 1
    assert np.array_equal(by_pillow(png), pixels)
    assert np.array_equal(by_libpng(png), pixels * U8(255))


def small_samples(draw):
    bit_depth = draw(st.sampled_from([1, 2, 4]))
    top = st.integers(0, (1 << bit_depth) - 1)
    return bit_depth, draw(sides(40).flatmap(lambda shape: nps.arrays(U8, shape, elements=top)))


@given(st.composite(small_samples)())
def test_gray_of_less_than_8_bits_comes_back_spread_over_black_to_white(sample):
    bit_depth, pixels = sample
    png = encode_png(pixels, bit_depth=bit_depth)
    assert png[24] == bit_depth
    white = 255 // ((1 << bit_depth) - 1)
    assert np.array_equal(by_libpng(png), pixels * white)
    assert np.array_equal(by_pillow(png), pixels * white if bit_depth > 1 else pixels > 0)


@given(st.composite(small_samples)(), st.randoms(use_true_random=False))
def test_packed_palette_indices_come_back_and_show_their_colors(sample, random):
    bit_depth, pixels = sample
    colors = np.frombuffer(random.randbytes(3 << bit_depth), U8).reshape(-1, 3)
    png = encode_png(pixels, palette=colors.tobytes(), bit_depth=bit_depth)
    assert np.array_equal(by_pillow(png), pixels)
    assert np.array_equal(by_libpng(png), colors[pixels])


@given(arrays(U8, channels=[0]), st.binary(min_size=768, max_size=768), st.binary(max_size=256))
def test_palette_pictures_come_back_with_colors_and_transparency(pixels, palette, transparency):
    png = encode_png(pixels, palette=palette, transparency=transparency)
    alpha = np.frombuffer(transparency.ljust(256, b"\xff"), U8)
    colors = np.column_stack([np.frombuffer(palette, U8).reshape(256, 3), alpha])
    assert np.array_equal(by_pillow(png), pixels)
    decoded = by_libpng(png)
    assert np.array_equal(decoded, colors[pixels][..., : decoded.shape[2]])
    assert decoded.shape[2] == (4 if transparency else 3)


def test_entries_that_the_palette_lacks_are_black():
    png = encode_png(np.array([[0, 2]], U8), palette=b"\x01\x02\x03")
    assert dict(chunks(png))[b"PLTE"] == b"\x01\x02\x03" + bytes(6)
    assert by_libpng(png).tolist() == [[[1, 2, 3], [0, 0, 0]]]


def test_transparency_of_more_entries_than_the_palette_has_is_cut_to_it():
    png = encode_png(np.array([[0]], U8), palette=b"\x01\x02\x03", transparency=b"\x04\x05")
    assert dict(chunks(png))[b"tRNS"] == b"\x04"


@pytest.mark.parametrize("palette", [b"", b"\x00" * 4, b"\x00" * 3 * 257])
def test_a_palette_of_another_length_is_refused(palette):
    with pytest.raises(ImageInputError) as caught:
        encode_png(np.zeros((1, 1), U8), palette=palette)
    assert str(caught.value) == (
        f"expected a palette of 3 bytes for each of 1 to 256 entries, got {len(palette)} bytes; "
        "pass red, green and blue of each entry, one after the other"
    )


PHOTO = data.astronaut()
PICTURES = [
    pytest.param(PHOTO[:501, :389], id="photograph"),
    pytest.param(PHOTO[:501, :389, 0], id="gray photograph"),
    pytest.param(PHOTO // 64 * 64, id="posterised"),
    pytest.param(PHOTO[..., :1].repeat(3, axis=2), id="gray as RGB"),
    pytest.param(PHOTO[..., 0] > 128, id="two tones"),
    pytest.param(PHOTO[::-1, ::2], id="flipped and thinned out"),
    pytest.param(PHOTO.transpose(1, 0, 2), id="transposed"),
    pytest.param(np.asfortranarray(PHOTO[..., 1]), id="Fortran order"),
    pytest.param(np.full((700, 900, 4), 7, U8), id="one color"),
    pytest.param(np.random.default_rng(0).integers(0, 256, (300, 300, 3), U8), id="noise"),
    pytest.param(np.add.outer(np.arange(300), np.arange(400)).astype(U16) * 90, id="16-bit slope"),
    pytest.param(np.arange(9000, dtype=">u2").reshape(90, 100), id="big-endian"),
    pytest.param(np.arange(60000, dtype=U16).astype(U8).reshape(1, 20000, 3), id="one row"),
    pytest.param(np.arange(60000, dtype=U16).astype(U8).reshape(20000, 1, 3), id="one column"),
]


@pytest.mark.parametrize("pixels", PICTURES)
def test_pictures_of_every_plan_come_back_from_libpng(pixels):
    white = 255 if pixels.dtype == bool else 1
    assert np.array_equal(by_libpng(encode_png(pixels)), pixels * U8(white))


@pytest.mark.parametrize("pixels", PICTURES)
def test_pictures_of_every_plan_come_back_from_pillow(pixels):
    assert np.array_equal(by_pillow(encode_png(pixels)), pixels)


@settings(max_examples=30)
@given(strip_rows=st.integers(1, 60), height=st.integers(1, 60), width=st.integers(60, 90))
def test_a_picture_comes_back_wherever_its_strips_end(strip_rows, height, width):
    pixels = PHOTO[:height, :width]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "STRIP_BYTES", strip_rows * (3 * width + 1))
        png = encode_png(pixels)
    assert np.array_equal(by_libpng(png), pixels)


def test_one_channel_is_gray():
    pixels = np.arange(6, dtype=U8).reshape(2, 3, 1)
    assert encode_png(pixels) == encode_png(pixels[..., 0])


def test_a_small_picture_has_one_chunk_of_each_kind():
    kinds = [kind for kind, _ in chunks(encode_png(np.zeros((28, 28), U8)))]
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_two_threads_at_once_make_the_bytes_that_one_makes():
    pictures = [np.ascontiguousarray(np.roll(PHOTO, shift, axis=0)) for shift in range(16)]
    serial = [encode_png(pixels) for pixels in pictures]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(encode_png, pictures)) == serial


def test_a_large_picture_takes_little_memory_beside_its_file():
    pixels = np.random.default_rng(0).integers(0, 256, (2048, 2048, 3), U8)
    tracemalloc.start()
    try:
        png = encode_png(pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(png) * 9 / 8 + 2**21


@pytest.mark.parametrize(
    "pixels", [data.astronaut(), data.coffee(), data.chelsea()], ids=["astronaut", "coffee", "cat"]
)
def test_photographs_take_at_most_6_percent_more_than_with_pillow(pixels):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    assert len(encode_png(pixels)) <= 1.06 * file.tell()


def test_flat_pictures_shrink_to_almost_nothing():
    mask = np.zeros((512, 512), U8)
    mask[100:200, 50:400] = 3
    assert len(encode_png(mask)) < 2000
