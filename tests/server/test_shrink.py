"""Thumbnails of every kind of picture: sizes, colours, transparency, limits."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.codec.masks import encode_mask
from filmstrip.codec.png import encode_png
from filmstrip.server.errors import UndecodableError
from filmstrip.server.shrink import fitted_size, mask_thumbnail, picture_thumbnail


def file_of(picture: PIL.Image.Image, format: str = "PNG", **options) -> bytes:
    into = io.BytesIO()
    picture.save(into, format, **options)
    return into.getvalue()


def shown(data: bytes, size: int) -> np.ndarray:
    """Decode the thumbnail of a file."""
    picture = PIL.Image.open(io.BytesIO(picture_thumbnail(data, size)))
    assert picture.format == "WEBP"
    return np.array(picture)


RED = np.zeros((40, 60, 3), np.uint8) + np.array([200, 30, 20], np.uint8)


@given(st.integers(1, 65500), st.integers(1, 65500), st.sampled_from([64, 128, 256, 512, 1024]))
def test_a_size_fits_keeps_its_shape_and_never_grows(width, height, longest):
    to_width, to_height = fitted_size(width, height, longest)
    assert 1 <= to_width <= min(width, longest)
    assert 1 <= to_height <= min(height, longest)
    scale = min(1, longest / max(width, height))
    assert abs(to_width - width * scale) <= 1
    assert abs(to_height - height * scale) <= 1


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (1, 1, 64, (1, 1)),
        (28, 28, 64, (28, 28)),
        (10000, 1, 64, (64, 1)),
        (1, 10000, 64, (1, 64)),
        (1, 10000, 1024, (1, 1024)),
        (300, 200, 256, (256, 171)),
        (2000, 1000, 128, (128, 64)),
    ],
)
def test_thumbnails_have_the_size_that_fits(width, height, size, expected):
    data = encode_png(np.full((height, width, 3), 90, np.uint8))
    thumbnail = shown(data, size)
    assert (thumbnail.shape[1], thumbnail.shape[0]) == expected
    assert abs(thumbnail.astype(int) - 90).max() <= 2


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_fits_is_kept_exactly(channels):
    noise = np.random.default_rng(0).integers(0, 256, (28, 28, channels), np.uint8)
    noise[..., 3:] |= 1  # WebP keeps no colour where nothing is to be seen, unless it is asked to
    thumbnail = shown(encode_png(noise), 64)
    expected = np.repeat(noise, 3, axis=2) if channels == 1 else noise
    assert np.array_equal(thumbnail, expected)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_format_is_shown_in_its_colour(format):
    thumbnail = shown(file_of(PIL.Image.fromarray(RED), format), 32)
    assert thumbnail.shape[:2] == (21, 32)
    assert np.abs(thumbnail[..., :3].reshape(-1, 3).mean(0) - RED[0, 0]).max() < 6


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "La", "RGBa"]
)
@pytest.mark.parametrize("size", [16, 64])
def test_every_mode_is_shown(mode, size):
    picture = PIL.Image.fromarray(RED)
    if mode in ("LA", "La", "PA", "RGBa", "RGBA"):
        picture = picture.convert("RGBA")
    via = {"La": "LA", "RGBa": "RGBA", "I;16": "I", "PA": "P"}.get(mode)
    picture = picture.convert("L") if mode in ("I", "I;16", "F", "LA", "La") else picture
    picture = picture.convert(via) if via else picture
    picture = picture.convert(mode)
    file_type = "TIFF" if mode in ("CMYK", "F", "I", "La", "RGBa", "PA") else "PNG"
    if mode in ("La", "PA", "RGBa"):
        picture = picture.convert({"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}[mode])
    thumbnail = shown(file_of(picture, file_type), size)
    assert max(thumbnail.shape[:2]) == min(size, 60)


def test_a_cmyk_jpeg_has_its_colours():
    cmyk = PIL.Image.fromarray(RED).convert("CMYK")
    thumbnail = shown(file_of(cmyk, "JPEG", quality=95), 64)
    assert np.abs(thumbnail.astype(int) - RED[0, 0]).max() < 12


@pytest.mark.parametrize(
    ("orientation", "is_sideways"), [(1, False), (3, False), (6, True), (8, True)]
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_turned_photograph_is_shown_upright(format, orientation, is_sideways):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    top_left = np.zeros((400, 800, 3), np.uint8)
    top_left[:200, :400] = 255
    data = file_of(PIL.Image.fromarray(top_left), format, exif=exif.tobytes())
    thumbnail = shown(data, 64)
    assert thumbnail.shape[:2] == ((64, 32) if is_sideways else (32, 64))
    bright = thumbnail.mean(2) > 128
    corner = {1: (0, 0), 3: (-1, -1), 6: (0, -1), 8: (-1, 0)}[orientation]
    assert bright[corner]
    assert 0.2 < bright.mean() < 0.3


@pytest.mark.parametrize("size", [(48, 32), (900, 600)])
def test_sixteen_bits_are_stretched_over_what_is_there(size):
    low, high = 1000, 3000
    ramp = np.linspace(low, high, size[0] * size[1]).astype(np.uint16).reshape(size)
    thumbnail = shown(encode_png(ramp), 128)[..., 0].astype(int)
    assert thumbnail.min() <= 4
    assert thumbnail.max() >= 250
    assert abs(np.median(thumbnail) - 127) < 6


def test_sixteen_bits_of_one_value_are_black():
    assert shown(encode_png(np.full((9, 9), 500, np.uint16)), 64).max() == 0


def test_floats_that_are_no_numbers_are_black():
    values = np.array([[np.nan, 0.0], [1.0, np.inf]], np.float32)
    thumbnail = shown(file_of(PIL.Image.fromarray(values), "TIFF"), 64)[..., 0]
    assert thumbnail.tolist() == [[0, 0], [255, 255]]


@pytest.mark.parametrize("width", [30, 3000])
def test_transparency_stays_and_does_not_bleed(width):
    picture = np.zeros((width, width, 4), np.uint8)
    picture[:, : width // 2] = (255, 0, 0, 255)
    picture[:, width // 2 :] = (0, 255, 0, 0)  # green that nobody may see
    thumbnail = shown(encode_png(picture), 64)
    assert thumbnail.shape[2] == 4
    is_seen = thumbnail[..., 3] > 128
    assert is_seen[:, 0].all()
    assert not is_seen[:, -1].any()
    assert thumbnail[is_seen][:, 1].max() < 40


def test_a_palette_is_resolved_before_it_is_averaged():
    random = np.random.default_rng(0).integers(0, 2, (400, 400), np.uint8)
    picture = PIL.Image.fromarray(random).convert("P")
    picture.putpalette([0, 0, 0, 254, 254, 254] + [255, 0, 0] * 254)
    thumbnail = shown(file_of(picture), 64)
    assert np.abs(thumbnail.mean((0, 1)) - 127).max() < 4


class TestMasks:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
    def test_ids_are_in_red_green_and_blue(self, dtype):
        top = min(np.iinfo(dtype).max, 2**24 - 1)
        ids = np.array([[0, 1], [top - 1, top]], dtype)
        rgb = np.array(PIL.Image.open(io.BytesIO(mask_thumbnail(encode_mask(ids), 64)))).astype(int)
        assert (rgb @ [1, 256, 65536]).tolist() == ids.tolist()

    def test_no_id_is_made_that_is_not_there(self):
        ids = np.random.default_rng(0).choice(np.array([3, 70_000], np.uint32), (500, 333))
        small = np.array(PIL.Image.open(io.BytesIO(mask_thumbnail(encode_mask(ids), 64))))
        assert small.shape == (64, 43, 3)
        assert set((small.astype(int) @ [1, 256, 65536]).ravel()) == {3, 70_000}

    def test_a_picture_is_no_mask(self):
        with pytest.raises(UndecodableError, match="the stored bytes are no mask"):
            mask_thumbnail(encode_png(RED), 64)


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def claiming(width: int, height: int) -> bytes:
    """A PNG that says it is this large, and holds nothing."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


TOO_MANY_PIXELS = "a picture of more than 178956970 pixels is too large to decode"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the stored bytes are no picture: "),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "the stored bytes are no picture: "),
        (claiming(65500, 65500), TOO_MANY_PIXELS),
        (claiming(2**31 - 1, 1), TOO_MANY_PIXELS),
        (claiming(65501, 1), "a picture of 65501 × 1 is too large to decode"),
        (claiming(100, 100), "the stored picture does not decode: "),
        (encode_png(RED)[:-30], "the stored picture does not decode: "),
    ],
)
@pytest.mark.parametrize("make", [picture_thumbnail, mask_thumbnail])
def test_what_cannot_be_decoded_is_refused_in_one_line(make, data, message):
    with pytest.raises(UndecodableError) as refused:
        make(data, 64)
    expected = message if make is picture_thumbnail or "decode: " not in message else "the stored"
    assert str(refused.value).startswith(expected)
    assert refused.value.status == 422
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_raise_anything_else(noise, where):
    whole = bytearray(encode_png(RED))
    whole[where : where + len(noise)] = noise
    for make in (picture_thumbnail, mask_thumbnail):
        with suppress(UndecodableError):
            assert make(bytes(whole), 64).startswith(b"RIFF")


def test_a_picture_too_large_to_decode_whole_is_averaged_in_strips():
    data = encode_png(np.full((14_000, 14_000), 77, np.uint8))
    assert np.unique(shown(data, 64)).tolist() == [77]
    with pytest.raises(UndecodableError, match=TOO_MANY_PIXELS):
        mask_thumbnail(data, 64)
