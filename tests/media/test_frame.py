from __future__ import annotations

import gc
import pickle

import numpy as np
import pytest

from filmstrip.media.frame import Frame, digest_of
from filmstrip.media.image import Image

SHAPES = {
    "1": ((5, 7), bool),
    "L": ((5, 7), np.uint8),
    "LA": ((5, 7, 2), np.uint8),
    "RGB": ((5, 7, 3), np.uint8),
    "RGBA": ((5, 7, 4), np.uint8),
    "CMYK": ((5, 7, 4), np.uint8),
    "I;16": ((5, 7), np.uint16),
}


def frame_of(mode):
    shape, dtype = SHAPES[mode]
    values = np.random.default_rng(0).integers(0, 2 if dtype is bool else 60_000, shape)
    return Frame(values.astype(dtype), mode)


@pytest.mark.parametrize("mode", SHAPES)
def test_a_frame_becomes_a_pil_image_of_its_mode_and_back(mode):
    frame = frame_of(mode)
    picture = frame.to_pil()
    assert (picture.mode, picture.size) == (mode, (frame.width, frame.height))
    assert np.array_equal(np.asarray(picture), frame.pixels)


@pytest.mark.parametrize("mode", SHAPES)
@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.putpixel((0, 0), picture.getpixel((1, 1))),
        lambda picture: picture.paste(picture.getpixel((1, 1)), (0, 0, 7, 5)),
    ],
    ids=["putpixel", "paste"],
)
def test_changing_the_pil_image_leaves_the_frame_alone(mode, change):
    frame = frame_of(mode)
    before = frame.pixels.copy()
    change(frame.to_pil())
    assert np.array_equal(frame.pixels, before)


def test_a_palette_and_its_alpha_come_along():
    pixels = np.array([[0, 1, 2]], np.uint8)
    picture = Frame(pixels, "P", bytes(range(9)), b"\0\x80").to_pil()
    assert picture.convert("RGBA").tobytes() == bytes([0, 1, 2, 0, 3, 4, 5, 128, 6, 7, 8, 255])


def test_the_pil_image_outlives_the_image_it_came_from():
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512), dtype=np.uint8)
    picture = Image(pixels).content.to_pil()
    gc.collect()
    others = [Image(np.full_like(pixels, k)) for k in (7, 8, 9)]  # would take freed memory over
    assert np.array_equal(np.asarray(picture), pixels)
    assert [other.content.pixels.max() for other in others] == [7, 8, 9]


def test_size_is_in_pixels_and_bytes():
    frame = frame_of("RGB")
    assert (frame.width, frame.height, frame.size_bytes) == (7, 5, 105)


def test_a_frame_that_goes_to_another_process_leaves_its_digest_behind():
    """Digests have a seed of the process; another's would make whole pixels look damaged."""
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    frame = Frame(pixels, "P", b"\1\2\3", b"\4", digest=digest_of(pixels))
    sent = pickle.loads(pickle.dumps(frame))
    assert sent.digest == b""
    assert np.array_equal(sent.pixels, pixels)
    assert (sent.mode, sent.palette, sent.transparency) == ("P", b"\1\2\3", b"\4")
