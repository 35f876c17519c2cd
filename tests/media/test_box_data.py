"""What is said of boxes that cannot be understood; `test_boxes` has those that can."""

from __future__ import annotations

import numpy as np
import pytest

from filmstrip.errors import BoxesError, OptionError
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.image import Image

PICTURE = np.zeros((100, 200, 3), np.uint8)


def corners(x1, y1, x2, y2):
    return {"minX": x1, "minY": y1, "maxX": x2, "maxY": y2}


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


GOOD = corners(0, 0, 1, 1)
WHOLE = "give one of the two forms whole"
FORMS = "with a position of minX, maxX, minY, maxY or of middle, width, height"


@pytest.mark.parametrize(
    ("row", "expected", "got", "fix"),
    [
        ({}, f"box 1 in layer 'a' {FORMS}", "None", WHOLE),
        ({"position": None}, f"box 1 in layer 'a' {FORMS}", "None", WHOLE),
        ({"position": [0, 0, 1, 1]}, f"box 1 in layer 'a' {FORMS}", "[0, 0, 1, 1]", WHOLE),
        ({"position": {}}, f"box 1 in layer 'a' {FORMS}", "{}", WHOLE),
        (
            {"position": {"minX": 0, "maxX": 1}},
            f"box 1 in layer 'a' {FORMS}",
            "only ['maxX', 'minX']",
            WHOLE,
        ),
        (
            {"position": {"middle": [1, 2], "width": 3}},
            f"box 1 in layer 'a' {FORMS}",
            "only ['middle', 'width']",
            WHOLE,
        ),
        (
            {"position": {**GOOD, "minX": "3"}},
            "minX of box 1 in layer 'a' to be a number",
            "'3'",
            "pass float(value)",
        ),
        (
            {"position": {**GOOD, "minX": None}},
            "minX of box 1 in layer 'a' to be a number",
            "None",
            "pass float(value)",
        ),
        (
            {"position": {**GOOD, "minX": True}},
            "minX of box 1 in layer 'a' to be a number",
            "True",
            "pass float(value)",
        ),
        (
            {"position": {**GOOD, "maxY": np.zeros(2)}},
            "maxY of box 1 in layer 'a' to be a number",
            "ndarray of shape (2,)",
            "pass float(value)",
        ),
        (
            {"position": {**GOOD, "maxY": 1j}},
            "maxY of box 1 in layer 'a' to be a number",
            "1j",
            "pass float(value)",
        ),
        (
            {"position": {**GOOD, "maxY": 10**400}},
            "maxY of box 1 in layer 'a' to be a number",
            str(10**400),
            "pass float(value)",
        ),
        (
            {"position": {"middle": [1, 2, 3], "width": 1, "height": 1}},
            "middle of box 1 in layer 'a' as [x, y]",
            "[1, 2, 3]",
            "give two numbers",
        ),
        (
            {"position": {"middle": "12", "width": 1, "height": 1}},
            "middle of box 1 in layer 'a' as [x, y]",
            "'12'",
            "give two numbers",
        ),
        (
            {"position": {"middle": 7, "width": 1, "height": 1}},
            "middle of box 1 in layer 'a' as [x, y]",
            "7",
            "give two numbers",
        ),
        (
            {"position": GOOD, "domain": "pixels"},
            "box 1 in layer 'a' with domain 'pixel', or none for fractions of the image",
            "'pixels'",
            "write domain='pixel' or leave it out",
        ),
        (
            {"position": GOOD, "class_id": "3"},
            "class_id of box 1 in layer 'a' to be an integer",
            "'3'",
            "pass int(class_id)",
        ),
        (
            {"position": GOOD, "class_id": 3.5},
            "class_id of box 1 in layer 'a' to be an integer",
            "3.5",
            "pass int(class_id)",
        ),
        (
            {"position": GOOD, "class_id": 2**63},
            "class_id of box 1 in layer 'a' to be an integer of 64 bits",
            str(2**63),
            "renumber the classes",
        ),
        (
            {"position": GOOD, "scores": [0.5]},
            "scores of box 1 in layer 'a' as {name: number}",
            "list",
            "pass a dict",
        ),
        (
            {"position": GOOD, "scores": {"p": "high"}},
            "score 'p' of box 1 in layer 'a' to be a number",
            "'high'",
            "pass float(value)",
        ),
        (
            {"position": GOOD, "scores": {5: 0.5}},
            "the name of a score of box 1 in layer 'a' as text",
            "5",
            "pass it as str",
        ),
        (
            {"position": GOOD, "box_caption": 5},
            "box_caption of box 1 in layer 'a' as text",
            "5",
            "pass it as str",
        ),
        (
            {"position": GOOD, "box_caption": "\ud800"},
            "box_caption of box 1 in layer 'a' as text",
            "'\\ud800'",
            "pass it as str",
        ),
        ("box", "box 1 in layer 'a' as a dict", "str", "give it a 'position'"),
        (None, "box 1 in layer 'a' as a dict", "NoneType", "give it a 'position'"),
    ],
)
def test_a_bad_entry_is_named_with_its_place_and_layer(row, expected, got, fix):
    rows = {"box_data": [{"position": GOOD}, row]}
    text = message_of(BoxesError, lambda: Image(PICTURE, boxes={"a": rows}))
    assert text == f"expected {expected}, got {got}; {fix}"


@pytest.mark.parametrize(
    ("val", "expected", "got", "fix"),
    [
        (
            {"boxes": []},
            "{'box_data': [...]} in layer 'a'",
            "dict",
            "put the list of boxes under 'box_data', or use BoundingBoxes2D.from_arrays",
        ),
        (
            np.zeros((2, 4)),
            "{'box_data': [...]} in layer 'a'",
            "ndarray of shape (2, 4)",
            "put the list of boxes under 'box_data', or use BoundingBoxes2D.from_arrays",
        ),
        ({"box_data": {}}, "box_data as a list in layer 'a'", "dict", "pass a list of dicts"),
        ({"box_data": "ab"}, "box_data as a list in layer 'a'", "str", "pass a list of dicts"),
        ({"box_data": None}, "box_data as a list in layer 'a'", "NoneType", "pass a list of dicts"),
        (
            {"box_data": np.zeros((1, 4))},
            "box_data as a list in layer 'a'",
            "ndarray of shape (1, 4)",
            "pass a list of dicts",
        ),
    ],
)
def test_a_layer_that_holds_no_boxes_is_named(val, expected, got, fix):
    text = message_of(BoxesError, lambda: Image(PICTURE, boxes={"a": val}))
    assert text == f"expected {expected}, got {got}; {fix}"


TWO = [[0, 0, 1, 1], [1, 1, 2, 2]]
ROWS = "give one row of four numbers a box, and name their order with format="
NAME_THEM = "name them: {'score': numbers}"
NUMBERS = "give lists of numbers of equal length"
EQUAL = "give lists of equal length"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (
            {"boxes": [[1, 2, 3]]},
            f"expected boxes of shape (n, 4), got shape (1, 3); {ROWS}",
        ),
        (
            {"boxes": [1, 2, 3, 4]},
            f"expected boxes of shape (n, 4), got shape (4,); {ROWS}",
        ),
        (
            {"boxes": [[1, 2, 3, 4], [5, 6]]},
            f"expected boxes of shape (n, 4) as numbers, got list; {NUMBERS}",
        ),
        (
            {"boxes": [["1", "2", "3", "4"]]},
            f"expected boxes of shape (n, 4) as numbers, got list; {NUMBERS}",
        ),
        (
            {"boxes": None},
            f"expected boxes of shape (n, 4) as numbers, got NoneType; {NUMBERS}",
        ),
        (
            {"boxes": np.zeros((1, 4), complex)},
            f"expected boxes of shape (n, 4) as numbers, got ndarray of shape (1, 4); {NUMBERS}",
        ),
        (
            {"boxes": TWO, "format": "yxyx"},
            "expected format to be one of xyxy, xywh, cxcywh, got 'yxyx'; pick one of them",
        ),
        (
            {"boxes": TWO, "format": None},
            "expected format to be one of xyxy, xywh, cxcywh, got None; pick one of them",
        ),
        (
            {"boxes": TWO, "domain": "pixels"},
            "expected domain to be one of pixel, fraction, got 'pixels'; pick one of them",
        ),
        (
            {"boxes": TWO, "class_id": [1]},
            f"expected one class_id for each of 2 boxes, got 1; {EQUAL}",
        ),
        (
            {"boxes": TWO, "class_id": [1, 2, 3]},
            f"expected one class_id for each of 2 boxes, got 3; {EQUAL}",
        ),
        (
            {"boxes": TWO, "class_id": [1, 2.5]},
            "expected class_id to be an integer, got 2.5; pass int(class_id)",
        ),
        (
            {"boxes": TWO, "class_id": [True, False]},
            "expected class_id to be an integer, got True; pass int(class_id)",
        ),
        (
            {"boxes": TWO, "class_id": ["a", "b"]},
            f"expected class_id of shape (n,) as numbers, got list; {NUMBERS}",
        ),
        (
            {"boxes": TWO * 2, "class_id": [[1, 2], [3, 4]]},
            "expected class_id of shape (n,), got shape (2, 2); pass one number a box",
        ),
        (
            {"boxes": TWO, "scores": {"p": [0.5]}},
            f"expected one score 'p' for each of 2 boxes, got 1; {EQUAL}",
        ),
        (
            {"boxes": [], "scores": {"p": [0.5]}},
            f"expected one score 'p' for each of 0 boxes, got 1; {EQUAL}",
        ),
        (
            {"boxes": TWO, "scores": [0.5, 0.6]},
            "expected scores as {name: numbers}, got list; name them: {'score': numbers}",
        ),
        (
            {"boxes": TWO, "scores": np.array([0.5, 0.6])},
            f"expected scores as {{name: numbers}}, got ndarray of shape (2,); {NAME_THEM}",
        ),
        (
            {"boxes": TWO, "scores": {3: [0.5, 0.6]}},
            "expected the name of a score as text, got 3; pass it as str",
        ),
        (
            {"boxes": TWO, "captions": ["a"]},
            f"expected one caption for each of 2 boxes, got 1; {EQUAL}",
        ),
        (
            {"boxes": TWO, "captions": "ab"},
            "expected captions as a list of text or None, got str; pass one text a box",
        ),
        (
            {"boxes": TWO, "captions": (c for c in "ab")},
            "expected captions as a list of text or None, got generator; pass one text a box",
        ),
        (
            {"boxes": TWO, "captions": ["a", 5]},
            "expected a caption as text, got 5; pass it as str",
        ),
    ],
)
def test_arrays_that_make_no_boxes_say_why(args, text):
    assert message_of(BoxesError, lambda: BoundingBoxes2D.from_arrays(**args)) == text


@pytest.mark.parametrize("boxes", [[], "boxes", BoundingBoxes2D.from_arrays([])])
def test_boxes_without_a_layer_are_an_option_error(boxes):
    assert message_of(OptionError, lambda: Image(PICTURE, boxes=boxes)) == (
        f"expected boxes as {{layer: boxes}}, got {type(boxes).__name__}; "
        "write boxes={'predictions': ...}"
    )


@pytest.mark.parametrize(("name", "got"), [(5, "5"), (None, "None"), ("\ud800", "'\\ud800'")])
def test_the_name_of_a_layer_is_text(name, got):
    assert message_of(OptionError, lambda: Image(PICTURE, boxes={name: {"box_data": []}})) == (
        f"expected boxes as {{layer: boxes}} with layers named by text, got {got}; "
        "write boxes={'predictions': ...}"
    )
