from __future__ import annotations

import copy
import inspect
import io
import pickle
import traceback
import warnings

import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest
import torch

import filmstrip
from filmstrip.errors import (
    FilmstripWarning,
    OptionError,
)
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.classes import Classes
from filmstrip.media.image import Image
from filmstrip.media.masks import ImageMask
from filmstrip.record import SourceInfo

RNG = np.random.default_rng(0)
RGB = RNG.integers(2, 250, (6, 8, 3), dtype=np.uint8)
RGBA = RNG.integers(2, 250, (6, 8, 4), dtype=np.uint8)
GRAY = RGB[..., 0]
BOX = {"position": {"minX": 1, "maxX": 3, "minY": 2, "maxY": 5}, "domain": "pixel"}
IDS = np.arange(48).reshape(6, 8)


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def png_bytes():
    stream = io.BytesIO()
    PIL.Image.fromarray(RGB).save(stream, "PNG")
    return stream.getvalue()


def test_the_nine_arguments_of_the_seeds_come_first_and_ours_are_by_keyword_only():
    parameters = list(inspect.signature(Image).parameters.values())
    assert [(p.name, p.default) for p in parameters[1:9]] == [
        ("mode", None),
        ("caption", None),
        ("grouping", None),
        ("classes", None),
        ("boxes", None),
        ("masks", None),
        ("file_type", None),
        ("normalize", True),
    ]
    assert parameters[0].name == "data_or_path"
    assert {p.kind for p in parameters[:9]} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert {p.kind for p in parameters[9:]} == {inspect.Parameter.KEYWORD_ONLY}


def test_all_nine_arguments_may_be_positional():
    boxes, masks = {"a": {"box_data": [BOX]}}, {"b": {"mask_data": IDS}}
    image = Image(RGB, "L", "text", 3, [{"id": 1, "name": "x"}], boxes, masks, "jpg", False)
    assert (image.mode, image.caption, image.grouping, image.format) == ("L", "text", 3, "jpg")
    assert (image.classes.names, list(image.boxes), list(image.masks)) == ({1: "x"}, ["a"], ["b"])
    assert image.source.rule == "off"


@pytest.mark.parametrize("image", [Image, Image(GRAY)], ids=["class", "instance"])
def test_class_variables_are_those_of_the_seeds(image):
    assert (image.MAX_DIMENSION, image.MAX_ITEMS) == (65500, 108)
    assert image.artifact_type == "image-file"


def test_what_was_set_reads_back():
    meta = {"lr": 0.1, "nested": {"n": [1, (2, 3)]}, "bad": float("inf"), "path": np.float32(0.5)}
    image = Image(
        RGB,
        caption="a\nb ключ 🎞",
        grouping="left",
        classes=Classes([{"id": 1, "name": "x"}]),
        boxes={"pred": {"box_data": [BOX]}},
        masks={"truth": ImageMask({"mask_data": IDS})},
        file_type="webp",
        quality=80,
        lossless=False,
        meta=meta,
    )
    assert (image.width, image.height, image.mode, image.format) == (8, 6, "RGB", "webp")
    assert (image.caption, image.grouping) == ("a\nb ключ 🎞", "left")
    assert (image.file_type.name, image.quality, image.lossless) == ("webp", 80, False)
    assert image.classes.names == {1: "x"}
    assert image.boxes["pred"].xyxy.tolist() == [[1, 2, 3, 5]]
    assert np.array_equal(image.masks["truth"].array, IDS)
    assert image.meta == {
        "lr": 0.1,
        "nested": {"n": [1, [2, 3]]},
        "bad": float("inf"),
        "path": 0.5,
    }
    assert repr(image) == "Image(8 × 6 RGB, webp, caption='a\\nb ключ 🎞')"


def test_without_metadata_there_is_none():
    image = Image(GRAY)
    assert (image.caption, image.grouping, image.classes) == (None, None, None)
    assert (image.boxes, image.masks, image.meta) == ({}, {}, {})
    assert (image.quality, image.lossless, image.format) == (None, None, "png")
    assert repr(image) == "Image(8 × 6 L, png)"


@pytest.mark.parametrize("what", ["boxes", "masks", "meta"])
def test_changing_what_an_image_gives_out_changes_nothing(what):
    image = Image(
        RGB, boxes={"a": {"box_data": [BOX]}}, masks={"a": {"mask_data": IDS}}, meta={"a": {"b": 1}}
    )
    given_out = getattr(image, what)
    if what == "meta":
        given_out["a"]["b"] = 2
    given_out["new"] = given_out.pop("a")
    assert list(getattr(image, what)) == ["a"]
    assert image.meta == {"a": {"b": 1}}


def test_changing_the_pil_image_changes_nothing():
    image = Image(GRAY)
    picture = image.image
    picture.frombytes(bytes(48))
    picture.load()[0, 0] = 9
    assert np.array_equal(np.asarray(image.image), GRAY)


def changing_numpy():
    array = RGB.copy()
    return array, lambda: array.fill(0)


def changing_torch():
    tensor = torch.from_numpy(RGB.copy()).permute(2, 0, 1)
    return tensor, lambda: tensor.zero_()


def changing_pil():
    picture = PIL.Image.fromarray(RGB)
    return picture, lambda: picture.paste(0, (0, 0, 8, 6))


def changing_bytes():
    data = bytearray(png_bytes())
    return data, data.clear


@pytest.mark.parametrize(
    "make", [changing_numpy, changing_torch, changing_pil, changing_bytes], ids=lambda f: f.__name__
)
def test_changing_the_source_afterwards_changes_nothing(make):
    source, change = make()
    image = Image(source)
    change()
    assert np.array_equal(np.asarray(image.image), RGB)


def test_changing_masks_boxes_and_meta_afterwards_changes_nothing():
    ids, xyxy, meta = IDS.astype(np.uint8), np.array([[1.0, 2, 3, 5]]), {"a": [1]}
    boxes, masks = {"b": BoundingBoxes2D.from_arrays(xyxy)}, {"m": {"mask_data": ids}}
    image = Image(RGB, boxes=boxes, masks=masks, meta=meta)
    ids[:], xyxy[:] = 0, 0
    meta["a"].append(2)
    boxes.clear()
    masks.clear()
    assert np.array_equal(image.masks["m"].array, IDS)
    assert image.boxes["b"].xyxy.tolist() == [[1, 2, 3, 5]]
    assert image.meta == {"a": [1]}


@pytest.mark.parametrize(
    ("array", "file_type", "mode"),
    [
        (GRAY, None, "L"),
        (GRAY, "png", "L"),
        (GRAY, "jpg", "L"),
        (GRAY, "jpeg", "L"),
        (GRAY, "bmp", "L"),
        (GRAY, "webp", "RGB"),
        (RGB, None, "RGB"),
        (RGB, "jpg", "RGB"),
        (RGB, "webp", "RGB"),
        (RGB, "bmp", "RGB"),
        (RGBA, None, "RGBA"),
        (RGBA, "webp", "RGBA"),
    ],
)
def test_arrays_are_stored_in_a_mode_that_the_file_type_holds(array, file_type, mode):
    image = Image(array, file_type=file_type)
    assert (image.mode, image.format) == (mode, file_type or "png")
    assert np.array_equal(np.asarray(image.image.convert(PIL.Image.fromarray(array).mode)), array)


@pytest.mark.parametrize("file_type", ["jpg", "jpeg", "bmp"])
@pytest.mark.parametrize("make", [np.asarray, lambda x: torch.from_numpy(x).permute(2, 0, 1)])
def test_alpha_is_dropped_with_a_warning_where_the_file_type_has_none(file_type, make):
    with pytest.warns(FilmstripWarning) as caught:
        image = Image(make(RGBA), file_type=file_type)
    assert np.array_equal(image.content.pixels, RGBA[..., :3])
    assert [str(w.message) for w in caught] == [
        f"{file_type} holds no alpha: the alpha channel is dropped; use png or webp to keep it"
    ]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("image", [Image, Image(GRAY)], ids=["class", "instance"])
@pytest.mark.parametrize(
    ("data", "mode"),
    [
        (np.zeros((4, 5)), "L"),
        (np.zeros((4, 5, 1)), "L"),
        (np.zeros((4, 5, 3)), "RGB"),
        (np.zeros((4, 5, 4)), "RGBA"),
        (np.zeros((1, 4, 5, 3)), "RGB"),
        (torch.zeros(4, 5), "L"),
        (torch.zeros(1, 4, 5), "L"),
        (torch.zeros(3, 4, 5), "RGB"),
        (torch.zeros(4, 4, 5), "RGBA"),
        (jnp.zeros((4, 5, 3)), "RGB"),
    ],
)
def test_guess_mode_goes_by_dimensions_and_channels(image, data, mode):
    assert image.guess_mode(data) == mode
    assert image.guess_mode(data, "png") == mode
    assert image.guess_mode(data, file_type="webp") == mode


@pytest.mark.parametrize("file_type", ["jpg", "JPEG", "bmp"])
def test_guess_mode_warns_where_alpha_has_no_place(file_type):
    with pytest.warns(FilmstripWarning, match="holds no alpha"):
        assert Image.guess_mode(RGBA, file_type) == "RGB"
    assert Image.guess_mode(RGB, file_type) == "RGB"


@pytest.mark.parametrize("shape", [(4, 5, 2), (4, 5, 5), (5,), (2, 4, 5, 3), (0, 4)])
def test_guess_mode_of_no_picture_is_a_value_error(shape):
    with pytest.raises(ValueError, match=r"^expected .*, got shape .*; "):
        Image.guess_mode(np.zeros(shape))


def test_to_uint8_is_callable_on_class_and_instance():
    assert Image.to_uint8(np.array([0.5])).tolist() == [127]
    assert Image(GRAY).to_uint8(np.array([300])).tolist() == [255]


ALL_ARGUMENTS = (None, "key", 3)


@pytest.mark.parametrize("image", [Image, Image(GRAY)], ids=["class", "instance"])
def test_all_boxes_has_one_entry_an_image(image):
    boxed = Image(RGB, boxes={"pred": {"box_data": [{**BOX, "class_id": 2}]}})
    entry = {"pred": {"box_data": [{**BOX, "class_id": 2}], "class_labels": {2: "class_2"}}}
    assert image.all_boxes([boxed, Image(GRAY), boxed], *ALL_ARGUMENTS) == [entry, None, entry]
    assert image.all_boxes([Image(GRAY)], run=None, run_key="k", step="3") is False
    assert image.all_boxes([], *ALL_ARGUMENTS) is False


@pytest.mark.parametrize("image", [Image, Image(GRAY)], ids=["class", "instance"])
def test_all_masks_has_one_entry_an_image(image):
    masked = Image(RGB, masks={"m": {"mask_data": IDS % 2, "class_labels": {1: "road"}}})
    first, second = image.all_masks([masked, Image(GRAY)], *ALL_ARGUMENTS)
    assert second is None
    assert np.array_equal(first["m"]["mask_data"], IDS % 2)
    assert first["m"]["class_labels"] == {1: "road", 0: "class_0"}
    assert image.all_masks([Image(GRAY)], *ALL_ARGUMENTS) is False


@pytest.mark.parametrize("image", [Image, Image(GRAY)], ids=["class", "instance"])
def test_all_captions_has_one_entry_an_image(image):
    images = [Image(GRAY, caption="a"), Image(GRAY), Image(GRAY, caption="")]
    assert image.all_captions(images) == ["a", None, ""]
    assert image.all_captions([Image(GRAY)] * 3) is False
    assert image.all_captions([]) is False


def test_a_layer_without_boxes_is_an_entry_all_the_same():
    image = Image(RGB, boxes={"pred": {"box_data": []}})
    assert Image.all_boxes([image], *ALL_ARGUMENTS) == [
        {"pred": {"box_data": [], "class_labels": {}}}
    ]


def test_an_image_of_an_image_has_its_pixels_and_new_metadata():
    first = Image(
        RGB.astype(float) / 255,
        caption="first",
        grouping=1,
        classes=[{"id": 1, "name": "x"}],
        boxes={"pred": {"box_data": [BOX]}},
        masks={"m": {"mask_data": IDS}},
        meta={"a": 1},
    )
    second = Image(first, caption="second", boxes={"new": {"box_data": [BOX]}})
    assert np.array_equal(second.content.pixels, RGB)
    assert (second.caption, second.grouping, second.classes) == ("second", 1, first.classes)
    assert (list(second.boxes), second.masks, second.meta) == (["new"], {}, {})
    assert second.source == first.source
    assert Image(first).caption == "first"
    assert first.caption == "first"


def test_an_image_of_an_image_keeps_its_file_and_type():
    data = png_bytes()
    assert Image(Image(data)).content.data == data
    lossy = Image(RGB, file_type="jpg", quality=50)
    again = Image(lossy)
    assert (again.format, again.quality, again.mode) == ("jpg", 50, "RGB")


@pytest.mark.parametrize(
    ("options", "mode", "format"),
    [
        ({"file_type": "jpg"}, "RGB", "jpg"),
        ({"mode": "L"}, "L", "png"),
        ({"mode": "L", "file_type": "bmp"}, "L", "bmp"),
    ],
)
@pytest.mark.parametrize("make", [lambda: RGB, png_bytes], ids=["array", "file"])
def test_an_image_of_an_image_may_change_its_mode_and_type(make, options, mode, format):
    image = Image(Image(make()), **options)
    assert (image.mode, image.format) == (mode, format)
    picture = PIL.Image.fromarray(RGB).convert(mode)
    assert np.array_equal(image.content.pixels, np.asarray(picture))


@pytest.mark.parametrize("quality", [1, 100, np.int64(50)])
@pytest.mark.parametrize("file_type", ["jpg", "jpeg", "webp"])
def test_a_quality_is_kept(file_type, quality):
    image = Image(RGB, file_type=file_type, quality=quality)
    assert (image.quality, type(image.quality)) == (quality, int)


@pytest.mark.parametrize("quality", [0, 101, -1, 0.9, "90", True])
def test_a_quality_outside_1_to_100_is_an_option_error(quality):
    assert message_of(OptionError, lambda: Image(RGB, file_type="jpg", quality=quality)) == (
        f"expected quality from 1 to 100, got {quality!r}; leave it out for the default"
    )


@pytest.mark.parametrize("file_type", ["png", "bmp"])
def test_a_quality_of_a_lossless_type_is_an_option_error(file_type):
    assert message_of(OptionError, lambda: Image(RGB, file_type=file_type, quality=50)) == (
        f"expected quality only for jpg and webp, got file_type {file_type}; it is lossless anyway"
    )


@pytest.mark.parametrize(
    ("file_type", "lossless"),
    [("webp", True), ("webp", False), ("png", True), ("bmp", True), ("jpg", False)],
)
def test_lossless_is_kept_where_it_is_true(file_type, lossless):
    assert Image(RGB, file_type=file_type, lossless=lossless).lossless is lossless


@pytest.mark.parametrize(
    ("file_type", "lossless", "text"),
    [
        (
            "jpg",
            True,
            (
                "expected lossless=False for jpg, which knows no other, got True; "
                "take file_type='webp' or leave it out"
            ),
        ),
        (
            "png",
            False,
            (
                "expected lossless=True for png, which knows no other, got False; "
                "take file_type='webp' or leave it out"
            ),
        ),
        ("webp", 1, "expected lossless to be True or False, got 1; leave it out"),
    ],
)
def test_lossless_that_cannot_be_is_an_option_error(file_type, lossless, text):
    call = lambda: Image(RGB, file_type=file_type, lossless=lossless)  # noqa: E731
    assert message_of(OptionError, call) == text


def test_an_unknown_file_type_is_an_option_error():
    assert message_of(OptionError, lambda: Image(RGB, file_type="gif")) == (
        "expected file_type to be one of png, jpg, jpeg, webp, bmp, got 'gif'; leave it out for png"
    )


def calls_that_fail():
    return [
        lambda: Image(np.zeros((2, 3, 5))),
        lambda: Image("missing.png"),
        lambda: Image(b"no image"),
        lambda: Image(GRAY, boxes={"a": {"box_data": [{}]}}),
        lambda: Image(GRAY, masks={"a": {"mask_data": -GRAY.astype(int)}}),
        lambda: Image(GRAY, classes=[{}]),
        lambda: Image(GRAY, file_type="gif"),
        lambda: Image(GRAY, caption=5),
        lambda: Image.batch(GRAY),
    ]


@pytest.mark.parametrize("call", calls_that_fail())
def test_errors_are_raised_in_the_users_call_and_are_filmstrips_own(call):
    with pytest.raises(filmstrip.FilmstripError) as caught:
        call()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[1].filename == __file__
    assert "/filmstrip/" in frames[-1].filename
    assert isinstance(caught.value, (ValueError, TypeError, OSError))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Image(RGBA, file_type="jpg"),
        lambda: Image.batch(RGBA[None], "NHWC", file_type="jpg"),
        lambda: Image(Image(RGBA), file_type="jpg"),
        lambda: Image.guess_mode(RGBA, "jpg"),
        lambda: Image(PIL.Image.fromarray(RGBA), file_type="bmp"),
        lambda: Image(PIL.Image.new("F", (2, 2))),
    ],
)
def test_warnings_name_the_users_own_line(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    place = (__file__, call.__code__.co_firstlineno)
    assert [(w.filename, w.lineno, w.category) for w in caught] == [(*place, FilmstripWarning)]


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize("make", [lambda: RGB, png_bytes], ids=["array", "file"])
def test_an_image_can_be_copied_and_sent_to_another_process(again, make):
    image = Image(
        make(),
        caption="c",
        classes=[{"id": 1, "name": "x"}],
        boxes={"b": {"box_data": [BOX]}},
        masks={"m": {"mask_data": IDS}},
    )
    other = again(image)
    assert np.array_equal(np.asarray(other.image), RGB)
    assert (other.caption, other.classes, other.source) == ("c", image.classes, image.source)
    assert other.boxes["b"].to_dict() == image.boxes["b"].to_dict()
    assert np.array_equal(other.masks["m"].array, IDS)


def test_an_image_is_not_equal_to_another_of_the_same_pixels():
    assert Image(GRAY) != Image(GRAY)


def test_a_subclass_makes_batches_of_its_own():
    class Photo(Image):
        pass

    assert {type(photo) for photo in Photo.batch(np.zeros((2, 3, 6, 8)))} == {Photo}


def test_the_source_of_a_picture_without_a_rule_is_only_named():
    assert Image(PIL.Image.fromarray(RGB)).source == SourceInfo(
        kind="pil", dtype="RGB", shape=[6, 8]
    )
