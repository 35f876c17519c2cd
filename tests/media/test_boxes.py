from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from filmstrip.draft import image_record
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.image import Image
from filmstrip.record import ClassLabel, decode_record, encode_record

WIDTH, HEIGHT = 200, 100
PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
FORMATS = ["xyxy", "xywh", "cxcywh"]
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
SIDE = st.floats(-1e6, 1e6)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]))
INT64 = st.integers(-(2**63), 2**63 - 1)


def corners(x1, y1, x2, y2):
    return {"minX": x1, "minY": y1, "maxX": x2, "maxY": y2}


def from_rows(rows, **rest):
    return BoundingBoxes2D({"box_data": rows, **rest})


def stored_again(boxes):
    """The boxes of an image as its record gives them back."""
    image = Image(PICTURE, boxes={"layer": boxes})
    place = {"run_id": "r", "key": "k", "step": 0, "index": 0, "time": 0.0, "session": 0}
    record = decode_record(encode_record(image_record(image, **place)))
    (layer,) = record.boxes
    assert layer.name == "layer"
    return BoundingBoxes2D.from_layer(layer)


def box_arrays(elements=ANY_FLOAT, max_boxes=6):
    shapes = st.integers(0, max_boxes).map(lambda n: (n, 4))
    return shapes.flatmap(lambda shape: nps.arrays("float64", shape, elements=elements))


def columns(n):
    """Everything that from_arrays takes for n boxes."""
    scores = nps.arrays("float64", n, elements=ANY_FLOAT)
    return st.fixed_dictionaries(
        {
            "class_id": st.none() | st.lists(INT64, min_size=n, max_size=n),
            "scores": st.none() | st.dictionaries(st.sampled_from(["p", "iou", "à"]), scores),
            "captions": st.none() | st.lists(TEXTS, min_size=n, max_size=n),
        }
    )


def test_corners_are_fractions_of_the_image_unless_the_domain_says_pixels():
    rows = [
        {"position": corners(0.1, 0.2, 0.5, 1.0)},
        {"position": corners(10, 20, 50, 90), "domain": "pixel"},
        {"position": corners(0.1, 0.2, 0.5, 1.0), "domain": "fraction"},
        {"position": corners(0.1, 0.2, 0.5, 1.0), "domain": None},
    ]
    image = Image(PICTURE, boxes={"a": {"box_data": rows}})
    fraction = [20, 20, 100, 100]
    assert image.boxes["a"].xyxy.tolist() == [fraction, [10, 20, 50, 90], fraction, fraction]


@pytest.mark.parametrize(
    ("middle", "width", "height", "domain", "xyxy"),
    [
        ([0.5, 0.5], 0.2, 0.4, None, [80, 30, 120, 70]),
        ((50, 40), 20, 10, "pixel", [40, 35, 60, 45]),
        (np.array([50, 40]), np.float32(20), np.int64(10), "pixel", [40, 35, 60, 45]),
        (torch.tensor([50.0, 40.0]), torch.tensor(20), 10, "pixel", [40, 35, 60, 45]),
        (jnp.array([50, 40]), jnp.array(20), 10, "pixel", [40, 35, 60, 45]),
    ],
)
def test_middle_width_and_height_are_a_position_too(middle, width, height, domain, xyxy):
    position = {"middle": middle, "width": width, "height": height}
    image = Image(PICTURE, boxes={"a": {"box_data": [{"position": position, "domain": domain}]}})
    assert image.boxes["a"].xyxy.tolist() == [xyxy]


def test_predictions_that_require_grad_are_read_without_a_warning():
    position = {"middle": torch.rand(2, requires_grad=True), "width": 1, "height": 1}
    score = torch.tensor(0.5, requires_grad=True)
    boxes = from_rows([{"position": position, "scores": {"p": score}}])
    assert boxes.scores["p"].tolist() == [0.5]


def test_everything_of_an_entry_reads_back():
    rows = [
        {
            "position": corners(0, 0, 1, 1),
            "class_id": np.int64(3),
            "scores": {"p": 0.5, "iou": 1},
            "box_caption": "one",
        },
        {"position": corners(0, 0, 1, 1)},
        {"position": corners(0, 0, 1, 1), "class_id": 0, "scores": {"iou": -1}},
    ]
    boxes = from_rows(rows, class_labels={3: "cat"})
    assert len(boxes) == 3
    assert boxes.class_id.tolist() == [3, -1, 0]
    assert boxes.captions == ["one", None, None]
    assert list(boxes.scores) == ["p", "iou"]
    assert np.array_equal(boxes.scores["p"], [0.5, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(boxes.scores["iou"], [1, np.nan, -1], equal_nan=True)
    assert boxes.class_labels == {3: "cat", 0: "class_0"}
    assert (boxes.name_of(3), boxes.name_of(77)) == ("cat", "class_77")
    assert repr(boxes) == "BoundingBoxes2D(3 boxes, scores ['p', 'iou'])"


@pytest.mark.parametrize("empty", [{"box_data": []}, BoundingBoxes2D.from_arrays([])])
def test_no_boxes_are_boxes_too(empty):
    image = Image(PICTURE, boxes={"a": empty})
    boxes = image.boxes["a"]
    assert (len(boxes), boxes.xyxy.shape, boxes.captions, boxes.scores) == (0, (0, 4), None, {})
    assert boxes.is_invalid().tolist() == []
    assert len(stored_again(empty)) == 0


def test_without_classes_and_captions_there_are_none():
    boxes = from_rows([{"position": corners(0, 0, 1, 1)}])
    assert (boxes.class_id, boxes.captions) == (None, None)
    assert (boxes.scores, boxes.class_labels) == ({}, {})


@pytest.mark.parametrize(
    ("format", "row"),
    [("xyxy", [10, 20, 50, 80]), ("xywh", [10, 20, 40, 60]), ("cxcywh", [30, 50, 40, 60])],
)
@pytest.mark.parametrize(
    "make",
    [
        list,
        lambda rows: np.array(rows, np.uint8),
        lambda rows: np.array(rows, ">i4"),
        lambda rows: np.array(rows, np.float16),
        lambda rows: torch.tensor(rows).float().requires_grad_(),
        lambda rows: torch.tensor(rows).bfloat16(),
        lambda rows: jnp.array(rows),
        lambda rows: [torch.tensor(row).float().requires_grad_() for row in rows],
        lambda rows: [[torch.tensor(x) for x in row] for row in rows],
        lambda rows: tuple(map(tuple, rows)),
    ],
)
@pytest.mark.parametrize("n", [1, 3])
def test_arrays_of_every_library_and_format_become_xyxy(format, row, make, n):
    boxes = BoundingBoxes2D.from_arrays(make([row] * n), format)
    assert boxes.xyxy.tolist() == [[10, 20, 50, 80]] * n
    assert boxes.xyxy.dtype == np.float64


@pytest.mark.parametrize("format", FORMATS)
def test_fractions_are_of_width_and_height(format):
    row = {"xyxy": [0.1, 0.2, 0.3, 0.6], "xywh": [0.1, 0.2, 0.2, 0.4]}.get(
        format, [0.2, 0.4, 0.2, 0.4]
    )
    boxes = BoundingBoxes2D.from_arrays([row], format, "fraction")
    assert np.allclose(boxes.in_pixels(WIDTH, HEIGHT).xyxy, [[20, 20, 60, 60]])
    assert np.allclose(boxes.in_pixels(10, 1000).xyxy, [[1, 200, 3, 600]])


def test_pixels_are_pixels_of_any_image():
    boxes = BoundingBoxes2D.from_arrays([[1, 2, 3, 4]])
    bound = boxes.in_pixels(WIDTH, HEIGHT)
    assert bound.xyxy.tolist() == bound.in_pixels(7, 9).xyxy.tolist() == [[1, 2, 3, 4]]


@settings(deadline=None)
@given(box_arrays(), st.sampled_from(FORMATS), st.sampled_from(["pixel", "fraction"]), st.data())
def test_boxes_follow_their_rows_in_every_format(array, format, domain, data):
    n = len(array)
    order = data.draw(st.permutations(range(n)))
    given_ = data.draw(columns(n))

    def made(rows):
        return BoundingBoxes2D.from_arrays(
            array[rows],
            format,
            domain,
            class_id=given_["class_id"] and [given_["class_id"][i] for i in rows],
            scores={name: col[rows] for name, col in (given_["scores"] or {}).items()},
            captions=given_["captions"] and [given_["captions"][i] for i in rows],
        ).in_pixels(WIDTH, HEIGHT)

    straight, moved = made(list(range(n))), made(list(order))
    assert np.array_equal(moved.xyxy, straight.xyxy[list(order)], equal_nan=True)
    rows = straight.to_dict()["box_data"]
    assert str(moved.to_dict()["box_data"]) == str([rows[i] for i in order])  # NaN differs from NaN


@settings(deadline=None)
@given(box_arrays(SIDE))
def test_the_formats_agree_box_by_box(array):
    x1, y1, x2, y2 = array.T
    sized = np.stack([x1, y1, x2 - x1, y2 - y1], axis=1)
    centred = np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], axis=1)
    plain = BoundingBoxes2D.from_arrays(array).xyxy
    assert np.array_equal(plain, array)
    assert np.allclose(BoundingBoxes2D.from_arrays(sized, "xywh").xyxy, array, atol=1e-6)
    assert np.allclose(BoundingBoxes2D.from_arrays(centred, "cxcywh").xyxy, array, atol=1e-6)


@settings(deadline=None)
@given(box_arrays(SIDE), st.data())
def test_dicts_and_arrays_give_the_same_boxes(array, data):
    given_ = data.draw(columns(len(array)))
    of_arrays = BoundingBoxes2D.from_arrays(array, domain="fraction", **given_)
    rows = [
        {
            "position": corners(*row),
            "class_id": given_["class_id"] and given_["class_id"][i],
            "scores": {name: col[i] for name, col in (given_["scores"] or {}).items()},
            "box_caption": given_["captions"] and given_["captions"][i],
        }
        for i, row in enumerate(array.tolist())
    ]
    of_dicts = from_rows(rows)
    assert np.array_equal(of_arrays.in_pixels(3, 5).xyxy, of_dicts.in_pixels(3, 5).xyxy)
    assert str(of_arrays.to_dict()) == str(of_dicts.to_dict())


@settings(deadline=None)
@given(box_arrays(), st.data())
def test_boxes_come_back_from_their_record_bit_for_bit(array, data):
    given_ = data.draw(columns(len(array)))
    boxes = BoundingBoxes2D.from_arrays(array, **given_, class_labels={1: "one"})
    again = stored_again(boxes)
    real = ~np.isnan(array)
    assert again.xyxy[real].tobytes() == array[real].tobytes()
    assert np.isnan(again.xyxy[~real]).all()
    assert str(again.to_dict()) == str(boxes.to_dict())
    assert again.scores.keys() == boxes.scores.keys()
    assert all(
        np.array_equal(again.scores[name], boxes.scores[name], equal_nan=True)
        for name in boxes.scores
    )
    assert again.captions == boxes.captions
    assert again.labels == [ClassLabel(id=1, name="one")]


def test_colours_come_back_from_the_record():
    boxes = BoundingBoxes2D.from_arrays([[0, 0, 1, 1]], class_id=[2], class_labels={2: "dog"})
    image = Image(
        PICTURE, classes=[{"id": 2, "name": "dog", "color": "#aa3300"}], boxes={"layer": boxes}
    )
    again = BoundingBoxes2D.from_layer(image.boxes["layer"].to_layer("layer"))
    assert again.labels == [ClassLabel(id=2, name="dog", color="#aa3300")]
    relogged = Image(PICTURE, classes=[{"id": 7, "name": "owl"}], boxes={"layer": again})
    assert relogged.boxes["layer"].labels[0].color == "#aa3300"


def test_boxes_outside_inverted_or_not_finite_are_kept_and_flagged():
    rows = [
        [-50, -50, 500, 500],
        [10, 10, 10, 10],
        [50, 10, 40, 20],
        [10, 20, 20, 10],
        [math.nan, 0, 1, 1],
        [0, 0, math.inf, 1],
    ]
    boxes = BoundingBoxes2D.from_arrays(rows)
    assert np.array_equal(boxes.xyxy, rows, equal_nan=True)
    assert boxes.is_invalid().tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("domain", ["pixel", "fraction"])
def test_the_widest_numbers_give_no_numpy_warning(format, domain):
    ends = [math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 0.0, -0.0]
    rows = [[a, b, c, d] for a in ends for b in ends for c in ends for d in (1e308, math.inf)]
    boxes = BoundingBoxes2D.from_arrays(rows, format, domain)
    image = Image(PICTURE, boxes={"layer": boxes})
    assert len(stored_again(image.boxes["layer"])) == len(rows)


def test_boxes_are_copies_that_cannot_be_written():
    array, scores = np.array([[1.0, 2, 3, 4]]), np.array([0.5])
    boxes = BoundingBoxes2D.from_arrays(array, scores={"p": scores})
    array[:], scores[:] = 0, 0
    boxes.scores["p"][:] = 9
    assert (boxes.xyxy.tolist(), boxes.scores["p"].tolist()) == ([[1, 2, 3, 4]], [0.5])
    with pytest.raises(ValueError, match="read-only"):
        boxes.xyxy[0, 0] = 5


def test_a_row_that_changes_afterwards_changes_nothing():
    row = {"position": corners(0.0, 0.0, 1.0, 1.0), "scores": {"p": 1.0}}
    boxes = from_rows([row])
    row["position"]["minX"], row["scores"]["p"] = 5, 5
    assert (boxes.xyxy[0, 0], boxes.scores["p"][0]) == (0, 1)


def test_to_dict_is_what_the_constructor_takes():
    boxes = BoundingBoxes2D.from_arrays(
        [[1, 2, 3, 4], [5, 6, 7, 8]],
        class_id=[1, 2],
        scores={"p": [0.5, np.nan]},
        captions=["a", None],
        class_labels={1: "one"},
    )
    first, second = boxes.to_dict()["box_data"]
    assert first == {
        "position": corners(1, 2, 3, 4),
        "domain": "pixel",
        "class_id": 1,
        "scores": {"p": 0.5},
        "box_caption": "a",
    }
    assert second == {"position": corners(5, 6, 7, 8), "domain": "pixel", "class_id": 2}
    assert boxes.to_dict()["class_labels"] == {1: "one", 2: "class_2"}
    assert str(BoundingBoxes2D(boxes.to_dict()).to_dict()) == str(boxes.to_dict())
