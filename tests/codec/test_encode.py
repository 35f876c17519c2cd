from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from filmstrip.codec import EncodeOptions, encode
from filmstrip.errors import ImageInputError, OptionError
from filmstrip.media.formats import FILE_TYPES
from filmstrip.media.frame import Frame

CHANNELS = {
    "1": (),
    "L": (),
    "P": (),
    "I;16": (),
    "LA": (2,),
    "RGB": (3,),
    "RGBA": (4,),
    "CMYK": (4,),
}
DTYPES = {"1": bool, "I;16": np.uint16}


def frame_of(mode, pixels):
    palette = bytes(range(256)) * 3 if mode == "P" else None
    return Frame(pixels, mode, palette)


def frames(mode):
    shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))
    return shapes.flatmap(
        lambda shape: nps.arrays(DTYPES.get(mode, np.uint8), (*shape, *CHANNELS[mode]))
    ).map(lambda pixels: frame_of(mode, pixels))


PAIRS = [(name, mode) for name in FILE_TYPES for mode in sorted(FILE_TYPES[name].modes)]


@pytest.mark.parametrize(("file_type", "mode"), PAIRS)
@given(drawn=st.data())
def test_every_file_type_gives_back_each_mode_that_it_holds(file_type, mode, drawn):
    frame = drawn.draw(frames(mode))
    with PIL.Image.open(io.BytesIO(encode(frame, file_type))) as image:
        found = (
            image if file_type != "webp" else image.convert(mode)
        )  # which drops alpha of only 255
        values = np.asarray(found)
    assert (image.format, found.mode) == (FILE_TYPES[file_type].pil_format, mode)
    assert image.size == (frame.width, frame.height)
    if FILE_TYPES[file_type].is_lossless:
        assert np.array_equal(values, frame.pixels)


@pytest.mark.parametrize("mode", sorted(CHANNELS))
@given(drawn=st.data())
def test_a_frame_as_a_pillow_image_has_the_same_pixels(mode, drawn):
    frame = drawn.draw(frames(mode))
    image = frame.to_pil()
    assert (image.mode, image.size) == (mode, (frame.width, frame.height))
    assert np.array_equal(np.asarray(image), frame.pixels)


@pytest.mark.parametrize("mode", sorted(CHANNELS))
def test_drawing_on_the_pillow_image_of_a_frame_leaves_the_frame_alone(mode):
    frame = frame_of(mode, np.zeros((4, 4, *CHANNELS[mode]), DTYPES.get(mode, np.uint8)))
    frame.to_pil().paste(1, (0, 0, 2, 2))
    assert not frame.pixels.any()


def test_the_options_reach_the_encoder():
    frame = frame_of("RGB", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    assert len(encode(frame, "jpg", EncodeOptions(quality=5))) < len(encode(frame, "jpg"))


@pytest.mark.parametrize("alias", ["jpeg", "JPG", "JPEG"])
def test_jpeg_is_jpg_in_any_case(alias):
    frame = frame_of("L", np.zeros((4, 4), np.uint8))
    assert encode(frame, alias) == encode(frame, "jpg")


def test_an_unknown_file_type_is_refused():
    with pytest.raises(OptionError, match="got 'tiff'"):
        encode(frame_of("L", np.zeros((4, 4), np.uint8)), "tiff")


def test_a_mode_that_the_file_type_does_not_hold_is_refused():
    with pytest.raises(ImageInputError) as caught:
        encode(frame_of("RGBA", np.zeros((4, 4, 4), np.uint8)), "jpg")
    assert str(caught.value) == (
        "expected pixels of mode CMYK, L, RGB for jpg, got mode RGBA; "
        "convert them or take another file_type"
    )


def test_a_side_that_webp_does_not_have_is_refused():
    with pytest.raises(ImageInputError) as caught:
        encode(frame_of("RGB", np.zeros((1, 16384, 3), np.uint8)), "webp")
    assert str(caught.value) == (
        "expected sides of at most 16383 pixels for webp, got width 16384 and height 1; "
        "take file_type='png' or scale the image down"
    )


def test_encoding_png_loads_no_pillow():
    code = (
        "import sys, numpy; from filmstrip.codec import encode;"
        "from filmstrip.media.frame import Frame;"
        "encode(Frame(numpy.zeros((4, 4), 'u1'), 'L'), 'png'); sys.exit('PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
