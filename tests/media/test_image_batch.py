from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from filmstrip.errors import ImageInputError, ImageTypeError, OptionError
from filmstrip.media.image import Image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(2, 250, (6, 8), dtype=np.uint8)
BOX = {"position": {"minX": 1, "maxX": 3, "minY": 2, "maxY": 5}, "domain": "pixel"}
IDS = np.arange(48).reshape(6, 8)


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(("layout", "axes"), [("NCHW", (0, 3, 1, 2)), ("NHWC", (0, 1, 2, 3))])
@pytest.mark.parametrize(
    ("make", "kind"), [(np.asarray, "numpy"), (torch.from_numpy, "torch"), (jnp.asarray, "array")]
)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_batch_is_n_images(layout, axes, make, kind, n):
    batch = RNG.integers(2, 250, (n, 6, 8, 3), dtype=np.uint8)
    images = Image.batch(make(np.ascontiguousarray(batch.transpose(axes))), layout)
    assert len(images) == n
    assert all(np.array_equal(i.content.pixels, row) for i, row in zip(images, batch, strict=True))
    assert {(i.source.kind, i.source.dtype) for i in images} <= {(kind, "uint8")}


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy])
def test_a_batch_of_gray_images_needs_no_channel(make):
    batch = RNG.integers(2, 250, (2, 6, 8), dtype=np.uint8)
    images = Image.batch(make(batch), layout="NHW")
    assert np.array_equal([i.content.pixels for i in images], batch)
    images = Image.batch(make(batch[:, None]))
    assert np.array_equal([i.content.pixels for i in images], batch)


def test_a_batch_is_channels_first_whatever_the_sizes():
    images = Image.batch(np.zeros((2, 3, 8, 3)))
    assert [(i.mode, i.height, i.width) for i in images] == [("RGB", 8, 3)] * 2


def test_each_image_of_a_batch_follows_the_rule_by_itself_unless_a_range_is_given():
    batch = torch.tensor([[[[0.5]]], [[[100.0]]]])
    assert [i.content.pixels.item() for i in Image.batch(batch)] == [127, 100]
    ranged = Image.batch(batch, value_range=(0, 200))
    assert [i.content.pixels.item() for i in ranged] == [0, 127]
    assert [i.source.rule for i in ranged] == ["range", "range"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_floats_of_a_batch_are_as_those_of_an_image(dtype):
    batch = torch.rand(2, 3, 6, 8, requires_grad=True).to(getattr(torch, dtype))
    images = Image.batch(batch)
    assert all(
        np.array_equal(i.content.pixels, Image(x).content.pixels)
        for i, x in zip(images, batch, strict=True)
    )
    assert [i.source for i in images] == [Image(x).source for x in batch]


def test_the_columns_of_a_batch_go_to_their_images():
    images = Image.batch(
        np.zeros((2, 6, 8, 3), np.uint8),
        "NHWC",
        ["a", None],
        boxes=[None, {"pred": {"box_data": [BOX]}}],
        masks=[{"m": {"mask_data": IDS}}, None],
        meta=[{"i": 0}, {"i": 1}],
        file_type="jpg",
        grouping=7,
    )
    assert [i.caption for i in images] == ["a", None]
    assert [list(i.boxes) for i in images] == [[], ["pred"]]
    assert [list(i.masks) for i in images] == [["m"], []]
    assert [i.meta for i in images] == [{"i": 0}, {"i": 1}]
    assert {(i.format, i.grouping) for i in images} == {("jpg", 7)}


@pytest.mark.parametrize("n", [0, 2])
@pytest.mark.parametrize(
    ("columns", "name", "got"),
    [
        ({"captions": ["a"]}, "caption", "1"),
        ({"captions": "ab"}, "caption", "str"),
        ({"captions": (c for c in "ab")}, "caption", "generator"),
        ({"boxes": {"a": 1, "b": 2}}, "boxes", "dict"),
        ({"masks": [None] * 3}, "masks", "3"),
        ({"meta": {"a": 1}}, "meta", "dict"),
    ],
)
def test_a_column_that_is_not_one_entry_an_image_is_an_option_error(n, columns, name, got):
    batch = np.zeros((n, 3, 6, 8), np.uint8)
    assert message_of(OptionError, lambda: Image.batch(batch, **columns)) == (
        f"expected one {name} for each of {n} images, got {got}; "
        "pass a list with None where an image has none"
    )


@pytest.mark.parametrize(
    ("shape", "layout", "text"),
    [
        (
            (3, 6, 8),
            "NCHW",
            (
                "expected a batch of shape (N, C, H, W), got shape (3, 6, 8), dtype uint8, "
                "values 0 to 0; name its axes with layout=, or log one picture with Image(x)"
            ),
        ),
        (
            (2, 6, 8, 3),
            "NCHW",
            (
                "expected a picture of shape (H, W) or (C, H, W) with C of 1, 3 or 4, got shape "
                "(6, 8, 3), dtype uint8, values 0 to 0; this looks like (N, H, W, C): pass "
                "layout='NHWC'"
            ),
        ),
        (
            (2, 3, 6, 8),
            "NHWC",
            (
                "expected a picture of shape (H, W) or (H, W, C) with C of 1, 3 or 4, got shape "
                "(3, 6, 8), dtype uint8, values 0 to 0; this looks like (N, C, H, W): pass "
                "layout='NCHW'"
            ),
        ),
        (
            (2, 0, 6, 8),
            "NCHW",
            (
                "expected an array with at least one pixel, got shape (0, 6, 8), dtype uint8; "
                "check the slice that made it"
            ),
        ),
    ],
)
def test_a_batch_of_another_shape_says_what_to_do(shape, layout, text):
    batch = np.zeros(shape, np.uint8)
    assert message_of(ImageInputError, lambda: Image.batch(batch, layout)) == text


@pytest.mark.parametrize("layout", ["CHW", "nchw", None])
def test_a_batch_layout_outside_its_choices_is_an_option_error(layout):
    assert message_of(OptionError, lambda: Image.batch(np.zeros((2, 3, 6, 8)), layout)) == (
        f"expected layout to be NCHW, NHWC or NHW, got {layout!r}; name the axes of x"
    )


def test_a_list_is_no_batch():
    with pytest.raises(ImageTypeError, match="got list; convert it to a numpy array first"):
        Image.batch([GRAY, GRAY])
