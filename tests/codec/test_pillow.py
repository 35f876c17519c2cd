from __future__ import annotations

import errno
import io

import numpy as np
import PIL.Image
import pytest
from skimage import data

from filmstrip.codec.options import EncodeOptions
from filmstrip.codec.pillow import encode_bmp, encode_jpeg, encode_webp
from filmstrip.media.frame import Frame

PHOTO = np.ascontiguousarray(data.astronaut()[:200, 100:321])
DEFAULTS = EncodeOptions()


def decoded(file_bytes):
    with PIL.Image.open(io.BytesIO(file_bytes)) as image:
        image.load()
    return image


def mean_error(image, pixels):
    return np.abs(np.asarray(image).astype(int) - pixels).mean()


def saved_by_pillow(pixels, file_format, **params):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, file_format, **params)
    return file.getvalue()


RGB = Frame(PHOTO, "RGB")
GRAY = Frame(np.ascontiguousarray(PHOTO[..., 0]), "L")
RGBA = Frame(np.dstack([PHOTO, PHOTO[..., 0]]), "RGBA")
CMYK = Frame(np.dstack([PHOTO, PHOTO[..., 0]]), "CMYK")
ONE_BIT = Frame(PHOTO[..., 0] > 128, "1")
PALETTE = Frame(
    np.ascontiguousarray(PHOTO[..., 0] // 2),
    "P",
    np.arange(384, dtype=np.uint16).astype("u1").tobytes(),
)


def test_jpeg_without_a_quality_is_what_pillow_saves():
    assert encode_jpeg(RGB, DEFAULTS) == saved_by_pillow(PHOTO, "JPEG")


@pytest.mark.parametrize("frame", [GRAY, RGB, CMYK], ids=lambda frame: frame.mode)
def test_jpeg_comes_back_close_and_in_its_mode(frame):
    image = decoded(encode_jpeg(frame, EncodeOptions(quality=95)))
    assert (image.format, image.mode, image.size) == ("JPEG", frame.mode, (221, 200))
    assert mean_error(image, frame.pixels) < 3


@pytest.mark.parametrize("encode", [encode_jpeg, encode_webp])
def test_a_higher_quality_gives_a_larger_and_closer_file(encode):
    low, high = (encode(RGB, EncodeOptions(quality=quality)) for quality in (10, 90))
    assert 2 * len(low) < len(high)
    assert mean_error(decoded(high), PHOTO) < mean_error(decoded(low), PHOTO)


@pytest.mark.parametrize("frame", [RGB, RGBA], ids=lambda frame: frame.mode)
@pytest.mark.parametrize(
    "options", [DEFAULTS, EncodeOptions(lossless=True), EncodeOptions(quality=9, lossless=True)]
)
def test_lossless_webp_comes_back_exactly_even_where_it_is_transparent(frame, options):
    image = decoded(encode_webp(frame, options))
    assert (image.format, image.mode) == ("WEBP", frame.mode)
    assert np.array_equal(np.asarray(image), frame.pixels)


@pytest.mark.parametrize(
    "options", [EncodeOptions(lossless=False), EncodeOptions(quality=80), EncodeOptions(80, False)]
)
def test_webp_that_is_not_lossless_has_quality_80_or_the_one_given(options):
    assert encode_webp(RGB, options) == encode_webp(RGB, EncodeOptions(80, False))
    assert not np.array_equal(np.asarray(decoded(encode_webp(RGB, options))), PHOTO)


@pytest.mark.parametrize("frame", [ONE_BIT, GRAY, PALETTE, RGB], ids=lambda frame: frame.mode)
def test_bmp_comes_back_exactly_and_in_its_mode(frame):
    image = decoded(encode_bmp(frame, DEFAULTS))
    assert (image.format, image.mode) == ("BMP", frame.mode)
    assert np.array_equal(np.asarray(image), frame.pixels)
    colors = [np.asarray(picture.convert("RGB")) for picture in (image, frame.to_pil())]
    assert np.array_equal(*colors)


@pytest.mark.parametrize("encode", [encode_jpeg, encode_bmp])
def test_pillow_gets_a_real_file_so_that_it_lets_go_of_the_interpreter(encode, monkeypatch):
    save, numbers = PIL.Image.Image.save, []

    def noted(image, file, *args, **kwargs):
        numbers.append(file.fileno())
        save(image, file, *args, **kwargs)

    monkeypatch.setattr(PIL.Image.Image, "save", noted)
    assert encode(RGB, DEFAULTS)
    assert len(numbers) == 1


@pytest.mark.parametrize("encode", [encode_jpeg, encode_webp, encode_bmp])
def test_where_the_kernel_has_no_files_in_memory_the_bytes_are_the_same(encode, monkeypatch):
    usual = encode(RGB, DEFAULTS)
    monkeypatch.setattr("os.memfd_create", _refuse)
    assert encode(RGB, DEFAULTS) == usual


def _refuse(_name):
    raise OSError(errno.ENFILE, "no more files")
