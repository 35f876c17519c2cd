from __future__ import annotations

import io
import warnings

import numpy as np
import PIL.Image
import pytest

from filmstrip.codec import encode
from filmstrip.errors import FilmstripWarning, ImageInputError, OptionError
from filmstrip.media.formats import FILE_TYPES
from filmstrip.media.image import Image

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (12, 16, 4), dtype=np.uint8)
WIDE = RNG.integers(0, 65536, (12, 16), dtype=np.uint16)


def with_key(image, transparency):
    image.info["transparency"] = transparency
    return image


def palette_with_alpha():
    image = PIL.Image.new("P", (16, 12))
    image.putdata(list(range(3)) * 64)
    image.putpalette([255, 0, 0, 255, 0, 255, 0, 128, 0, 0, 255, 0], "RGBA")
    return image


PICTURES = {
    "1": lambda: PIL.Image.fromarray(RGB).convert("1"),
    "L": lambda: PIL.Image.fromarray(RGB).convert("L"),
    "LA": lambda: PIL.Image.fromarray(RGBA).convert("LA"),
    "La": lambda: PIL.Image.fromarray(RGBA).convert("LA").convert("La"),
    "P": lambda: PIL.Image.fromarray(RGB).quantize(17),
    "P with a transparent index": lambda: with_key(PIL.Image.fromarray(RGB).quantize(17), 3),
    "P with alpha by index": lambda: with_key(PIL.Image.fromarray(RGB).quantize(9), b"\0\x80\xff"),
    "P with an RGBA palette": palette_with_alpha,
    "PA": lambda: PIL.Image.fromarray(RGBA).convert("PA"),
    "RGB": lambda: PIL.Image.fromarray(RGB),
    "RGBX": lambda: PIL.Image.fromarray(RGB).convert("RGBX"),
    "RGBA": lambda: PIL.Image.fromarray(RGBA),
    "RGBa": lambda: PIL.Image.fromarray(RGBA).convert("RGBa"),
    "CMYK": lambda: PIL.Image.fromarray(RGB).convert("CMYK"),
    "YCbCr": lambda: PIL.Image.fromarray(RGB).convert("YCbCr"),
    "LAB": lambda: PIL.Image.fromarray(RGB).convert("LAB"),
    "HSV": lambda: PIL.Image.fromarray(RGB).convert("HSV"),
    "I": lambda: PIL.Image.fromarray(WIDE.astype(np.int32)),
    "I;16": lambda: PIL.Image.fromarray(WIDE),
    "I;16B": lambda: PIL.Image.frombytes("I;16B", (16, 12), WIDE.astype(">u2").tobytes()),
    "F": lambda: PIL.Image.fromarray(WIDE.astype(np.float32) / 512),
}

OPAQUE = {
    "1": {"png": "1", "jpg": "L", "webp": "RGB", "bmp": "1"},
    "L": {"png": "L", "jpg": "L", "webp": "RGB", "bmp": "L"},
    "P": {"png": "P", "jpg": "RGB", "webp": "RGB", "bmp": "P"},
    "RGB": {"png": "RGB", "jpg": "RGB", "webp": "RGB", "bmp": "RGB"},
    "RGBX": {"png": "RGB", "jpg": "RGB", "webp": "RGB", "bmp": "RGB"},
    "CMYK": {"png": "RGB", "jpg": "CMYK", "webp": "RGB", "bmp": "RGB"},
    "YCbCr": {"png": "RGB", "jpg": "RGB", "webp": "RGB", "bmp": "RGB"},
    "LAB": {"png": "RGB", "jpg": "RGB", "webp": "RGB", "bmp": "RGB"},
    "HSV": {"png": "RGB", "jpg": "RGB", "webp": "RGB", "bmp": "RGB"},
}
WITH_ALPHA = {
    "LA": {"png": "LA", "jpg": "L", "webp": "RGBA", "bmp": "L"},
    "La": {"png": "LA", "jpg": "L", "webp": "RGBA", "bmp": "L"},
    "P with a transparent index": {"png": "P", "jpg": "RGB", "webp": "RGBA", "bmp": "P"},
    "P with alpha by index": {"png": "P", "jpg": "RGB", "webp": "RGBA", "bmp": "P"},
    "P with an RGBA palette": {"png": "P", "jpg": "RGB", "webp": "RGBA", "bmp": "P"},
    "PA": {"png": "RGBA", "jpg": "RGB", "webp": "RGBA", "bmp": "RGB"},
    "RGBA": {"png": "RGBA", "jpg": "RGB", "webp": "RGBA", "bmp": "RGB"},
    "RGBa": {"png": "RGBA", "jpg": "RGB", "webp": "RGBA", "bmp": "RGB"},
}
WIDE_MODES = {
    "I": {"png": "I;16", "jpg": "L", "webp": "RGB", "bmp": "L"},
    "I;16": {"png": "I;16", "jpg": "L", "webp": "RGB", "bmp": "L"},
    "I;16B": {"png": "I;16", "jpg": "L", "webp": "RGB", "bmp": "L"},
    "F": {"png": "L", "jpg": "L", "webp": "RGB", "bmp": "L"},
}


def cases(table):
    return [(name, ft, mode) for name, modes in table.items() for ft, mode in modes.items()]


def by_pillow(picture, mode):
    """Pillow's own conversion; it has none from La but to LA."""
    return (picture.convert("LA") if picture.mode == "La" else picture).convert(mode).tobytes()


def image_and_warnings(make):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        image = make()
    assert all(w.category is FilmstripWarning and w.filename == __file__ for w in caught)
    return image, [str(w.message) for w in caught]


def stored_again(image):
    """The picture as Pillow reads it from the file that filmstrip would write."""
    return PIL.Image.open(io.BytesIO(encode(image.content, image.format)))


@pytest.mark.parametrize(("name", "file_type", "mode"), cases(OPAQUE))
def test_an_opaque_picture_keeps_its_mode_or_the_nearest_without_a_warning(name, file_type, mode):
    picture = PICTURES[name]()
    image, messages = image_and_warnings(lambda: Image(picture, file_type=file_type))
    assert (image.mode, image.image.mode, image.format) == (mode, mode, file_type)
    assert messages == []
    assert image.image.convert("RGB").tobytes() == picture.convert("RGB").tobytes()
    if FILE_TYPES[file_type].is_lossless:
        assert stored_again(image).convert("RGB").tobytes() == picture.convert("RGB").tobytes()


@pytest.mark.parametrize(("name", "file_type", "mode"), cases(WITH_ALPHA))
def test_alpha_is_kept_or_its_loss_is_warned_about(name, file_type, mode):
    picture = PICTURES[name]()
    image, messages = image_and_warnings(lambda: Image(picture, file_type=file_type))
    assert (image.mode, image.image.mode) == (mode, mode)
    if file_type in ("png", "webp"):
        assert messages == []
        assert stored_again(image).convert("RGBA").tobytes() == by_pillow(picture, "RGBA")
    else:
        dropped = "holds no alpha: the alpha channel is dropped; use png or webp to keep it"
        assert messages == [f"{file_type} {dropped}"]


@pytest.mark.parametrize("name", ["I", "I;16", "I;16B"])
def test_16_bits_stay_16_bits_in_png(name):
    image, messages = image_and_warnings(lambda: Image(PICTURES[name]()))
    assert messages == []
    assert (image.mode, image.content.pixels.dtype) == ("I;16", np.uint16)
    assert np.array_equal(image.content.pixels, WIDE)
    assert np.array_equal(np.asarray(stored_again(image)), WIDE)


@pytest.mark.parametrize(
    ("name", "file_type", "mode"), [c for c in cases(WIDE_MODES) if c[2] != "I;16"]
)
def test_wide_values_that_do_not_fit_are_clipped_with_a_warning_and_never_scaled(
    name, file_type, mode
):
    picture = PICTURES[name]()
    image, messages = image_and_warnings(lambda: Image(picture, file_type=file_type))
    assert image.mode == mode
    not_held = f"{file_type} does not hold PIL mode {picture.mode}: stored as {mode}"
    advice = "pass np.asarray(image) with value_range= to scale them"
    assert messages == [f"{not_held}, values clipped to [0, 255]; {advice}"]
    expected = np.clip(np.asarray(picture), 0, 255).astype(np.uint8)
    assert np.array_equal(np.asarray(image.image.convert("L")), expected)


@pytest.mark.parametrize("file_type", ["png", "jpg", "webp", "bmp"])
def test_wide_values_that_fit_need_no_warning(file_type):
    picture = PIL.Image.fromarray(np.array([[0, 255], [7, 8]], np.int32))
    image, messages = image_and_warnings(lambda: Image(picture, file_type=file_type))
    assert messages == []
    assert np.asarray(image.image.convert("L")).tolist() == [[0, 255], [7, 8]]


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        (np.array([[-5, 70_000]], np.int32), [[0, 65535]]),
        (np.array([[np.nan, np.inf, -np.inf, 7.9]], np.float32), [[0, 255, 0, 7]]),
    ],
)
def test_values_beyond_what_png_holds_are_clipped_with_a_warning(values, stored):
    with pytest.warns(FilmstripWarning, match="values clipped to"):
        image = Image(PIL.Image.fromarray(values))
    assert image.content.pixels.tolist() == stored


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
@pytest.mark.parametrize("name", ["L", "LA", "La", "P with alpha by index", "RGB", "RGBA", "CMYK"])
def test_mode_is_what_pillows_convert_makes_of_it(name, mode):
    picture = PICTURES[name]()
    image, _ = image_and_warnings(lambda: Image(picture, mode=mode))
    stored = mode if mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.mode
    assert image.mode == stored
    if picture.mode in ("L", "RGB"):
        direct = picture.convert(mode)
        assert image.image.convert("RGB").tobytes() == direct.convert("RGB").tobytes()


def test_mode_drops_alpha_without_a_warning_since_it_was_asked_for():
    image, messages = image_and_warnings(
        lambda: Image(PICTURES["P with alpha by index"](), mode="RGB")
    )
    assert (image.mode, messages) == ("RGB", [])
    image, messages = image_and_warnings(lambda: Image(RGBA, mode="RGB", file_type="jpg"))
    assert (image.mode, messages) == ("RGB", [])
    assert np.array_equal(image.content.pixels, RGBA[..., :3])


@pytest.mark.parametrize("mode", ["XYZ", "rgb", 5, "RGB;16"])
def test_a_mode_that_pillow_lacks_is_an_option_error(mode):
    with pytest.raises(OptionError) as caught:
        Image(RGB, mode=mode)
    assert str(caught.value) == (
        f"expected mode to be a PIL mode such as L, RGB, RGBA or I;16, got {mode!r} for an image "
        "of mode RGB; leave mode out to have it guessed"
    )


@pytest.mark.parametrize(
    ("array", "options", "got"),
    [
        (np.zeros((2, 2, 3), np.uint16), {}, "shape (2, 2, 3), dtype uint16, values 0 to 0"),
        (np.full((2, 2), 0.5), {}, "shape (2, 2), dtype float64, values 0.5 to 0.5"),
        (np.ones((2, 2), bool), {}, "shape (2, 2), dtype bool, values 1 to 1"),
        (
            np.zeros((2, 2), np.uint16),
            {"value_range": (0, 9)},
            "shape (2, 2), dtype uint16, values 0 to 0",
        ),
    ],
)
def test_16_bits_of_anything_but_gray_integers_are_an_option_error(array, options, got):
    with pytest.raises(OptionError) as caught:
        Image(array, mode="I;16", **options)
    assert str(caught.value) == (
        f"expected integers of shape (H, W), and no value_range, for mode I;16, got {got}; "
        "scale the values to 0 to 65535 yourself and convert them to uint16"
    )


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_a_pil_image_without_pixels_is_an_error(size):
    with pytest.raises(ImageInputError) as caught:
        Image(PIL.Image.new("RGB", size))
    assert str(caught.value) == (
        f"expected an image with at least one pixel, got width {size[0]} and height {size[1]}; "
        "check the crop"
    )


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("ignore::filmstrip.errors.FilmstripWarning")
def test_a_pil_image_is_copied_and_left_alone(name):
    picture = PICTURES[name]()
    before, info = picture.tobytes(), dict(picture.info)
    image = Image(picture)
    stored = image.image.tobytes()
    assert (picture.tobytes(), picture.info, picture.mode) == (before, info, PICTURES[name]().mode)
    picture.paste(picture.getpixel((3, 3)), (0, 0, *picture.size))
    assert image.image.tobytes() == stored
    assert image.source.kind == "pil"
    assert image.source.dtype == picture.mode


def test_pil_images_are_never_rescaled():
    picture = PIL.Image.fromarray(np.array([[0, 1]], np.uint8))
    image = Image(picture)
    assert (image.content.pixels.tolist(), image.source.rule) == ([[0, 1]], "kept")


def test_a_palette_without_colours_is_stored_so_that_it_opens():
    image = Image(PIL.Image.new("P", (3, 2), 5))
    assert image.mode == "P"
    assert stored_again(image).convert("RGB").tobytes() == image.image.convert("RGB").tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (7, 3)])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pictures_of_every_small_size_come_back(mode, size):
    values = np.random.default_rng(1).integers(0, 2, size[::-1])
    picture = PIL.Image.fromarray((values * 255).astype(np.uint8)).convert(mode)
    image = Image(picture)
    assert (image.width, image.height, image.mode) == (*size, mode)
    assert stored_again(image).tobytes() == picture.tobytes()
