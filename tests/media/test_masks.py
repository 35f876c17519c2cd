from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from filmstrip.codec import decode_mask, encode_mask
from filmstrip.errors import ImageFileError, ImageNotFoundError, MaskError, OptionError
from filmstrip.media.image import Image
from filmstrip.media.masks import MAX_MASK_ID, ImageMask

PICTURE = np.zeros((6, 8, 3), np.uint8)
IDS = np.arange(48).reshape(6, 8)


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def mask_of(data, **rest):
    return ImageMask({"mask_data": data, **rest})


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [
        (0, "uint8"),
        (255, "uint8"),
        (256, "uint16"),
        (65535, "uint16"),
        (65536, "uint32"),
        (MAX_MASK_ID, "uint32"),
    ],
)
@pytest.mark.parametrize("source", ["uint32", "int64", "uint64", "float64"])
def test_ids_are_kept_exactly_in_the_smallest_storage(largest, dtype, source):
    mask = mask_of(np.array([[0, largest]]).astype(source))
    assert (mask.array.dtype, mask.array.tolist()) == (dtype, [[0, largest]])


@settings(deadline=None)
@given(
    nps.arrays(
        "int64",
        nps.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.integers(0, MAX_MASK_ID),
    )
)
def test_every_id_comes_back_from_storage(ids):
    stored = decode_mask(encode_mask(mask_of(ids).array))
    assert np.array_equal(stored, ids)


@pytest.mark.parametrize(
    "make",
    [
        lambda ids: ids.tolist(),
        lambda ids: ids.astype(np.float32),
        lambda ids: ids.astype(np.float16),
        lambda ids: ids.astype(">i4"),
        lambda ids: np.asfortranarray(ids),
        lambda ids: ids[None],
        lambda ids: ids[..., None],
        lambda ids: torch.from_numpy(ids),
        lambda ids: torch.from_numpy(ids)[None],
        lambda ids: torch.from_numpy(ids).float().requires_grad_(),
        lambda ids: torch.from_numpy(ids).bfloat16(),
        lambda ids: jnp.asarray(ids),
        lambda ids: PIL.Image.fromarray(ids.astype(np.uint8)),
    ],
)
def test_ids_of_every_library_are_read(make):
    mask = mask_of(make(IDS))
    assert np.array_equal(mask.array, IDS)
    assert (mask.array.dtype, mask.array.flags.c_contiguous) == (np.uint8, True)


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, torch.from_numpy])
def test_booleans_are_0_and_1(make):
    mask = mask_of(make(IDS > 20))
    assert np.array_equal(mask.array, IDS > 20)
    assert (mask.array.dtype, mask.array.flags.c_contiguous) == (np.uint8, True)


def test_a_mask_is_a_copy_that_cannot_be_written():
    ids = IDS.astype(np.uint8)
    mask = mask_of(ids)
    ids[:] = 0
    assert np.array_equal(mask.array, IDS)
    with pytest.raises(ValueError, match="read-only"):
        mask.array[0, 0] = 1


WHOLE = "expected mask ids that are whole numbers from 0 to 4294967295 in layer 'truth'"
MAP = "map ignore labels such as -1 to an id of their own, and scores to ids with argmax"


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (np.array([[-1, 3]]), "shape (1, 2), dtype int64, values -1 to 3"),
        (np.array([[0.5, 3]]), "shape (1, 2), dtype float64, values 0.5 to 3"),
        (np.array([[-1.0, 3]]), "shape (1, 2), dtype float64, values -1 to 3"),
        (np.array([[np.nan, 3]]), "shape (1, 2), dtype float64, values 3 to 3"),
        (np.array([[np.inf, 3]]), "shape (1, 2), dtype float64, values 3 to inf"),
        (np.array([[2**32, 3]]), "shape (1, 2), dtype int64, values 3 to 4.29497e+09"),
        (np.array([[2.0**40, 3]]), "shape (1, 2), dtype float64, values 3 to 1.09951e+12"),
        (
            np.array([[2**32, 3]], np.float32),
            "shape (1, 2), dtype float32, values 3 to 4.29497e+09",
        ),
        (torch.tensor([[-1, 255]]), "shape (1, 2), dtype int64, values -1 to 255"),
    ],
)
def test_ids_that_cannot_be_kept_are_an_error(data, got):
    text = message_of(MaskError, lambda: Image(PICTURE, masks={"truth": {"mask_data": data}}))
    assert text == f"{WHOLE}, got {got}; {MAP}"


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (np.zeros((2, 3, 4)), "shape (2, 3, 4), dtype float64, values 0 to 0"),
        (np.zeros(5, int), "shape (5,), dtype int64, values 0 to 0"),
        (np.zeros((0, 5), int), "shape (0, 5), dtype int64"),
        (3, "shape (), dtype int64, values 3 to 3"),
    ],
)
def test_a_mask_of_another_shape_is_an_error(data, got):
    assert message_of(MaskError, lambda: mask_of(data)) == (
        f"expected mask_data of shape (H, W), got {got}; "
        "give one id a pixel, such as scores.argmax(axis)"
    )


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ([[1, 2], [3]], "list"),
        ("mask.png", "str"),
        (None, "NoneType"),
        (np.array([["a"]]), "ndarray"),
        (np.zeros((2, 2), complex), "ndarray"),
        (torch.empty(2, 2, device="meta"), "Tensor"),
    ],
)
def test_mask_data_that_holds_no_integers_is_an_error(data, kind):
    assert message_of(MaskError, lambda: mask_of(data)) == (
        f"expected mask_data of integers, got {kind}; pass an (H, W) integer array"
    )


@pytest.mark.parametrize(("val", "kind"), [({}, "dict"), (IDS, "ndarray"), (None, "NoneType")])
def test_a_mask_without_ids_is_an_error(val, kind):
    assert message_of(MaskError, lambda: ImageMask(val, "truth")) == (
        "expected {'mask_data': ids} or {'path': file} in layer 'truth', "
        f"got {kind}; put the ids under 'mask_data'"
    )


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "1"])
def test_a_mask_is_read_from_a_file(tmp_path, mode):
    path = tmp_path / "mask.png"
    ids = IDS % 2 if mode == "1" else IDS * 300 if mode == "I;16" else IDS
    dtype = {"I;16": np.uint16, "1": bool}.get(mode, np.uint8)
    picture = PIL.Image.fromarray(ids.astype(dtype))
    if mode == "P":
        picture.putpalette([gray for gray in range(256) for _ in "RGB"])
    picture.save(path)
    mask = ImageMask({"path": str(path), "class_labels": {3: "road"}})
    assert np.array_equal(mask.array, ids)
    assert np.array_equal(ImageMask({"path": path}).array, ids)
    assert mask.name_of(3) == "road"


def test_a_mask_file_in_colour_is_an_error(tmp_path):
    path = tmp_path / "mask.png"
    PIL.Image.fromarray(PICTURE).save(path)
    assert message_of(MaskError, lambda: ImageMask({"path": path}, "truth")) == (
        "expected a mask file of one integer a pixel in layer 'truth', "
        f"got mode RGB: {path}; save the ids as a greyscale or palette PNG"
    )


def test_a_mask_file_that_is_missing_or_none_is_an_error(tmp_path):
    with pytest.raises(ImageNotFoundError):
        ImageMask({"path": tmp_path / "missing.png"})
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(ImageFileError):
        ImageMask({"path": tmp_path / "words.png"})
    assert message_of(MaskError, lambda: ImageMask({"path": None}, "truth")) == (
        "expected the path of a mask file in layer 'truth', got NoneType; "
        "pass text or a Path, or the ids under 'mask_data'"
    )


@pytest.mark.parametrize("shape", [(6, 8), (3, 4), (12, 16)])
def test_a_mask_of_the_same_aspect_fits(shape):
    image = Image(PICTURE, masks={"truth": {"mask_data": np.ones(shape, int)}})
    assert image.masks["truth"].array.shape == shape


@pytest.mark.parametrize(
    ("picture", "mask"),
    [((100, 99), (50, 50)), ((375, 500), (47, 63)), ((1, 9), (1, 9)), ((1000, 3), (500, 2))],
)
def test_a_smaller_mask_may_be_off_by_the_rounding_of_a_pixel(picture, mask):
    image = Image(np.zeros(picture, np.uint8), masks={"m": {"mask_data": np.zeros(mask, int)}})
    assert image.masks["m"].array.shape == mask


@pytest.mark.parametrize("shape", [(8, 6), (6, 7), (5, 8), (48, 1), (12, 14)])
def test_a_mask_of_another_aspect_is_an_error(shape):
    data = {"mask_data": np.zeros(shape, int)}
    assert message_of(MaskError, lambda: Image(PICTURE, masks={"truth": data})) == (
        "expected a mask with the aspect ratio of its image, 6 high and 8 wide, "
        f"got {shape[0]} high and {shape[1]} wide; resize or crop the mask as the image was"
    )


def test_missing_names_are_class_and_id():
    mask = mask_of(np.array([[0, 7], [300, 0]]), class_labels={7: "road", 9: "sky"})
    assert mask.class_labels == {7: "road", 9: "sky", 0: "class_0", 300: "class_300"}
    assert [label.id for label in mask.labels] == [7, 9]
    assert mask.name_of(12) == "class_12"


def test_a_mask_object_is_taken_too_and_named_by_the_image():
    mask = mask_of(IDS, class_labels={1: "own"})
    image = Image(PICTURE, classes=[{"id": 2, "name": "two"}], masks={"m": mask})
    assert image.masks["m"].name_of(2) == "two"
    assert mask.name_of(2) == "class_2"
    assert np.array_equal(image.masks["m"].array, IDS)


def test_a_mask_shows_its_size_and_storage():
    assert repr(mask_of(IDS)) == "ImageMask(6 × 8, uint8)"


@pytest.mark.parametrize("masks", [IDS, [IDS], "mask"])
def test_masks_without_a_layer_are_an_option_error(masks):
    assert message_of(OptionError, lambda: Image(PICTURE, masks=masks)) == (
        f"expected masks as {{layer: masks}}, got {type(masks).__name__}; "
        "write masks={'predictions': ...}"
    )
