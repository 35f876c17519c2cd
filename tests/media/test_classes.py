from __future__ import annotations

import numpy as np
import pytest
import torch

from filmstrip.errors import ClassesError
from filmstrip.media.classes import Classes, labels_from_mapping, merged_labels
from filmstrip.media.image import Image
from filmstrip.record import ClassLabel

OWN_ID = "give each class an id of its own"
PAIR = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog", "color": "#AA3300"}]


def message_of(call):
    with pytest.raises(ClassesError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_classes_are_a_sequence_of_labels():
    classes = Classes(PAIR)
    labels = [ClassLabel(id=1, name="cat"), ClassLabel(id=2, name="dog", color="#aa3300")]
    assert (list(classes), classes.labels, len(classes)) == (labels, labels, 2)
    assert (classes[0], classes[-1], classes.names) == (labels[0], labels[1], {1: "cat", 2: "dog"})
    assert repr(classes) == "Classes({1: 'cat', 2: 'dog'})"


@pytest.mark.parametrize("make", [list, tuple, Classes, lambda pair: Classes(Classes(pair))])
def test_image_takes_classes_in_each_form(make):
    assert Image(np.eye(2), classes=make(PAIR)).classes == Classes(PAIR)


def test_equal_classes_are_equal_and_hash_alike():
    assert Classes(PAIR) == Classes(tuple(PAIR))
    assert hash(Classes(PAIR)) == hash(Classes(PAIR))
    assert Classes(PAIR) != Classes(PAIR[:1])
    assert Classes(PAIR) != PAIR
    assert Classes([]).names == {}


@pytest.mark.parametrize("id_", [np.int64(7), np.uint8(7), torch.tensor(7), 7])
def test_ids_of_every_library_are_plain_integers(id_):
    label = Classes([{"id": id_, "name": np.str_("x")}])[0]
    assert (type(label.id), label.id, type(label.name)) == (int, 7, str)


@pytest.mark.parametrize(
    ("class_set", "text"),
    [
        (
            [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}],
            f"expected each class id once, got id 1 for both 'a' and 'b'; {OWN_ID}",
        ),
        (
            {1: "cat"},
            "expected a list of {'id': int, 'name': str}, got dict; wrap the classes in a list",
        ),
        (
            "cat",
            "expected a list of {'id': int, 'name': str}, got str; wrap the classes in a list",
        ),
        (
            ["cat"],
            "expected each class as {'id': int, 'name': str}, got 'cat'; give both id and name",
        ),
        (
            [{"id": 1}],
            "expected each class as {'id': int, 'name': str}, got {'id': 1}; give both id and name",
        ),
        (
            [{"id": "1", "name": "a"}],
            "expected a class id that is an integer, got '1'; pass int(id)",
        ),
        (
            [{"id": 1.0, "name": "a"}],
            "expected a class id that is an integer, got 1.0; pass int(id)",
        ),
        (
            [{"id": 2**63, "name": "a"}],
            "expected a class id of 64 bits, got 9223372036854775808; renumber the classes",
        ),
        ([{"id": 1, "name": 5}], "expected a class name that is text, got 5; pass str(name)"),
        (
            [{"id": 1, "name": "\ud800"}],
            "expected a class name that is text, got '\\ud800'; pass str(name)",
        ),
        (
            [{"id": 1, "name": "a", "color": "red"}],
            "expected the colour of class 'a' as '#rrggbb', got 'red'; write six hex digits",
        ),
        (
            [{"id": 1, "name": "a", "color": (1, 2, 3)}],
            "expected the colour of class 'a' as '#rrggbb', got (1, 2, 3); write six hex digits",
        ),
    ],
)
def test_a_class_list_that_is_none_says_why(class_set, text):
    assert message_of(lambda: Classes(class_set)) == text
    assert message_of(lambda: Image(np.eye(2), classes=class_set)) == text


def test_class_labels_are_a_mapping():
    assert labels_from_mapping(None) == []
    assert labels_from_mapping({np.int64(3): "c"}) == [ClassLabel(id=3, name="c")]
    assert message_of(lambda: labels_from_mapping(["cat"])) == (
        "expected class_labels as {id: name}, got list; "
        "pass a dict such as {0: 'background', 1: 'cat'}"
    )
    assert message_of(lambda: labels_from_mapping({"1": "cat"})) == (
        "expected a class id that is an integer, got '1'; pass int(id)"
    )


def test_a_layer_keeps_its_own_names_and_takes_the_rest_from_the_image():
    own = [ClassLabel(id=2, name="wolf"), ClassLabel(id=9, name="owl", color="#010203")]
    assert merged_labels(own, Classes(PAIR)) == [
        ClassLabel(id=2, name="wolf"),
        ClassLabel(id=9, name="owl", color="#010203"),
        ClassLabel(id=1, name="cat"),
    ]


def test_a_colour_follows_id_and_name_together():
    classes = Classes(PAIR)
    assert merged_labels([ClassLabel(id=2, name="dog")], classes)[0].color == "#aa3300"
    assert merged_labels([ClassLabel(id=2, name="wolf")], classes)[0].color == ""
    own = [ClassLabel(id=2, name="dog", color="#000000")]
    assert merged_labels(own, classes)[0].color == "#000000"
    assert merged_labels(own, None) == own


def test_two_layers_may_use_one_id_for_two_names():
    box = {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1}, "class_id": 1}
    image = Image(
        np.eye(2),
        classes=PAIR,
        boxes={
            "a": {"box_data": [box], "class_labels": {1: "car"}},
            "b": {"box_data": [box]},
        },
        masks={"c": {"mask_data": np.ones((2, 2), int), "class_labels": {1: "road"}}},
    )
    assert image.boxes["a"].name_of(1) == "car"
    assert image.boxes["b"].name_of(1) == "cat"
    assert image.masks["c"].name_of(1) == "road"
    assert image.masks["c"].name_of(2) == "dog"
    assert image.boxes["a"].name_of(5) == "class_5"
