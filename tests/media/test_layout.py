from __future__ import annotations

import numpy as np
import pytest
import torch

from filmstrip.errors import DimensionError, ImageInputError, OptionError
from filmstrip.media.image import Image
from filmstrip.media.layout import AxisPlan, plan_axes


def arange(shape):
    return (np.arange(int(np.prod(shape))) % 251).astype(np.uint8).reshape(shape)


def found(data, **options):
    return Image(data, **options).content.pixels


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("shape", "stored", "mode"),
    [
        ((5, 7), (5, 7), "L"),
        ((5, 7, 1), (5, 7), "L"),
        ((5, 7, 3), (5, 7, 3), "RGB"),
        ((5, 7, 4), (5, 7, 4), "RGBA"),
        ((1, 5, 7), (5, 7), "L"),
        ((1, 5, 7, 1), (5, 7), "L"),
        ((1, 5, 7, 3), (5, 7, 3), "RGB"),
        ((5, 7, 3, 1), (5, 7, 3), "RGB"),
        ((1, 1, 5, 7, 4), (5, 7, 4), "RGBA"),
        ((5, 1, 7), (5, 7), "L"),
        ((1, 1), (1, 1), "L"),
        ((1, 7), (1, 7), "L"),
        ((7, 1), (7, 1), "L"),
        ((1, 1, 1), (1, 1), "L"),
        ((1, 1, 3), (1, 1, 3), "RGB"),
        ((1, 7, 3), (1, 7, 3), "RGB"),
        ((7, 1, 3), (7, 1, 3), "RGB"),
        ((3, 7, 4), (3, 7, 4), "RGBA"),
        ((3, 3, 3), (3, 3, 3), "RGB"),
        ((1, 1, 1, 3), (1, 1, 3), "RGB"),
        ((1, 5, 1, 3), (5, 1, 3), "RGB"),
    ],
)
def test_numpy_has_its_channels_last_and_ones_are_dropped(shape, stored, mode):
    array = arange(shape)
    image = Image(array)
    assert np.array_equal(image.content.pixels, array.reshape(stored))
    assert (image.mode, image.height, image.width) == (mode, *stored[:2])
    assert image.source.shape == list(shape)


@pytest.mark.parametrize(
    ("shape", "planes", "mode"),
    [
        ((5, 7), (5, 7), "L"),
        ((1, 5, 7), (5, 7), "L"),
        ((3, 5, 7), (3, 5, 7), "RGB"),
        ((4, 5, 7), (4, 5, 7), "RGBA"),
        ((1, 3, 5, 7), (3, 5, 7), "RGB"),
        ((1, 1, 5, 7), (5, 7), "L"),
        ((5, 7, 1), (5, 7), "L"),
        ((1, 1), (1, 1), "L"),
        ((3, 1, 1), (3, 1, 1), "RGB"),
        ((3, 1, 7), (3, 1, 7), "RGB"),
        ((3, 7, 1), (3, 7, 1), "RGB"),
        ((3, 7, 4), (3, 7, 4), "RGB"),
        ((1, 3, 1, 7), (3, 1, 7), "RGB"),
    ],
)
def test_torch_has_its_channels_first_and_ones_are_dropped(shape, planes, mode):
    array = arange(shape)
    image = Image(torch.from_numpy(array))
    stored = array.reshape(planes)
    stored = stored if stored.ndim == 2 else stored.transpose(1, 2, 0)
    assert np.array_equal(image.content.pixels, stored)
    assert (image.mode, image.height, image.width) == (mode, *stored.shape[:2])
    assert image.source.shape == list(shape)


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize(
    ("layout", "shape", "axes"),
    [
        ("HWC", (5, 7, 3), (0, 1, 2)),
        ("CHW", (3, 5, 7), (1, 2, 0)),
        ("CHW", (3, 5, 3), (1, 2, 0)),
        ("HWC", (4, 5, 3), (0, 1, 2)),
        ("HW", (5, 7), (0, 1)),
        ("HWC", (5, 7), (0, 1)),
        ("CHW", (5, 7), (0, 1)),
    ],
)
def test_layout_wins_over_the_convention(make, layout, shape, axes):
    array = arange(shape)
    assert np.array_equal(found(make(array), layout=layout), array.transpose(axes))


@pytest.mark.parametrize(
    ("layout", "shape", "stored"),
    [("HW", (1, 5, 7, 1), (5, 7)), ("HWC", (5, 7, 1), (5, 7)), ("CHW", (1, 5, 7), (5, 7))],
)
def test_with_a_layout_ones_are_dropped_too(layout, shape, stored):
    array = arange(shape)
    assert np.array_equal(found(array, layout=layout), array.reshape(stored))


WANTED_HWC = "expected a picture of shape (H, W) or (H, W, C) with C of 1, 3 or 4"
WANTED_CHW = "expected a picture of shape (H, W) or (C, H, W) with C of 1, 3 or 4"
PICK = "pick 1, 3 or 4 channels, or log each channel as an image of its own"
BATCH = "log a batch as N images with Image.batch(x, layout=...)"
SINGLE = "give one picture of two or three dimensions"


@pytest.mark.parametrize(
    ("shape", "options", "wanted", "fix"),
    [
        ((3, 8, 9), {}, WANTED_HWC, "this looks like (C, H, W): pass layout='CHW'"),
        ((1, 3, 8, 9), {}, WANTED_HWC, "this looks like (C, H, W): pass layout='CHW'"),
        ((3, 8, 9), {"layout": "HWC"}, WANTED_HWC, "this looks like (C, H, W): pass layout='CHW'"),
        ((8, 9, 3), {"layout": "CHW"}, WANTED_CHW, "this looks like (H, W, C): pass layout='HWC'"),
        ((8, 9, 2), {}, WANTED_HWC, PICK),
        ((8, 9, 5), {}, WANTED_HWC, PICK),
        ((5, 9, 1), {"layout": "CHW"}, WANTED_CHW, "this looks like (H, W, C): pass layout='HWC'"),
        ((8, 1, 5), {"layout": "HWC"}, WANTED_HWC, PICK),
        ((2, 8, 9, 3), {}, WANTED_HWC, BATCH),
        ((2, 2, 8, 9, 3), {}, WANTED_HWC, SINGLE),
        ((7,), {}, WANTED_HWC, SINGLE),
        ((), {}, WANTED_HWC, SINGLE),
        ((8, 9, 3), {"layout": "HW"}, "expected a picture of shape (H, W)", SINGLE),
    ],
)
def test_a_shape_of_no_picture_says_what_came_and_what_to_do(shape, options, wanted, fix):
    array = np.full(shape, 3, np.int16)
    got = f"got shape {shape}, dtype int16, values 3 to 3"
    text = message_of(ImageInputError, lambda: Image(array, **options))
    assert text == f"{wanted}, {got}; {fix}"


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((8, 9, 3), "this looks like (H, W, C): pass layout='HWC'"),
        ((2, 8, 9), PICK),
        ((5, 8, 9), PICK),
        ((2, 3, 8, 9), BATCH),
        ((), SINGLE),
    ],
)
def test_a_tensor_of_no_picture_says_so_with_its_own_dtype(shape, fix):
    tensor = torch.full(shape, 0.5, dtype=torch.bfloat16)
    got = f"got shape {shape}, dtype bfloat16, values 0.5 to 0.5"
    assert message_of(ImageInputError, lambda: Image(tensor)) == f"{WANTED_CHW}, {got}; {fix}"


def test_the_range_in_a_message_skips_nan():
    array = np.array([np.nan, -2.5, 1e9])
    assert "shape (3,), dtype float64, values -2.5 to 1e+09;" in message_of(
        ImageInputError, lambda: Image(array)
    )


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0,), (5, 0, 3), (0, 5, 7, 3)])
@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
def test_an_empty_array_is_an_error(shape, make):
    array = np.zeros(shape, np.float32)
    assert message_of(ImageInputError, lambda: Image(make(array))) == (
        "expected an array with at least one pixel, "
        f"got shape {shape}, dtype float32; check the slice that made it"
    )


@pytest.mark.parametrize("layout", ["NCHW", "hwc", "", 3])
def test_a_layout_outside_its_choices_is_an_option_error(layout):
    array = arange((4, 5, 3))
    assert message_of(OptionError, lambda: Image(array, layout=layout)) == (
        f"expected layout to be one of HW, HWC, CHW, got {layout!r}; "
        "leave layout out to follow the array library's convention"
    )


@pytest.mark.parametrize(
    ("shape", "width", "height"),
    [((1, 65501), 65501, 1), ((65501, 1), 1, 65501), ((70000, 1, 3), 1, 70000)],
)
def test_a_side_over_the_limit_names_both(shape, width, height):
    array = np.zeros(shape, np.uint8)
    assert message_of(DimensionError, lambda: Image(array)) == (
        "expected sides of at most MAX_DIMENSION = 65500 pixels, "
        f"got width {width} and height {height}; scale the image down or cut it into tiles"
    )


def test_a_side_of_the_limit_is_fine():
    assert Image(np.zeros((1, 65500), np.uint8)).width == 65500


def test_webp_has_a_limit_of_its_own():
    array = np.zeros((1, 16384), np.uint8)
    assert Image(array[:, :-1], file_type="webp").width == 16383
    assert message_of(ImageInputError, lambda: Image(array, file_type="webp")) == (
        "expected sides of at most 16383 pixels for webp, got width 16384 and height 1; "
        "take file_type='png' or scale the image down"
    )


def test_the_plan_asks_for_the_description_only_to_raise():
    def describe():
        raise AssertionError

    plan = plan_axes((8, 9, 3), layout=None, convention="HWC", describe=describe)
    assert plan == AxisPlan((8, 9, 3), (0, 1, 2))
