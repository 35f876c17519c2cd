from __future__ import annotations

import enum

import numpy as np
import pytest

from filmstrip import Image
from filmstrip.draft import flatten
from filmstrip.errors import LogKeyError, LogValueError

IMAGE = Image(np.eye(2))


class Phase(str, enum.Enum):
    TRAIN = "train"


def test_nested_dicts_are_joined_with_slashes():
    flat = flatten({"val": {"pred": IMAGE, "loss": {"l1": 0.5}}, "step time": 1})
    assert flat.images == {"val/pred": [IMAGE]}
    assert flat.values == {"val/loss/l1": 0.5, "step time": 1}


def test_a_key_that_is_reached_in_two_ways_has_the_images_of_both():
    other = Image(np.eye(3))
    assert flatten({"a": {"b": IMAGE}, "a/b": [other]}).images == {"a/b": [IMAGE, other]}


@pytest.mark.parametrize("images", [[IMAGE, IMAGE], (IMAGE, IMAGE), [IMAGE], []])
def test_a_list_or_tuple_of_images_is_one_key_s_images(images):
    assert flatten({"x": images}).images == {"x": list(images)}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        (True, True),
        (None, None),
        ("", ""),
        ("NaN", "NaN"),
        (0.1, 0.1),
        (float("nan"), {"$float": "NaN"}),
        (float("-inf"), {"$float": "-Infinity"}),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.array(3), 3),
        (np.array([3.5]), 3.5),
        (np.str_("a"), "a"),
        (Phase.TRAIN, "train"),
    ],
)
def test_a_number_or_text_is_kept_as_json_holds_it(value, kept):
    (found,) = flatten({"x": value}).values.values()
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(("given", "kept"), [(0.25, 0.25), ([2.5], 2.5)])
def test_a_tensor_of_one_number_is_that_number(given, kept):
    import torch

    assert flatten({"x": torch.tensor(given, requires_grad=True)}).values == {"x": kept}


@pytest.mark.parametrize("key", [np.str_("train"), Phase.TRAIN])
def test_a_key_of_a_kind_of_text_is_kept_as_text(key):
    (found,) = flatten({key: 1}).values
    assert (found, type(found)) == ("train", str)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"": 1}, "expected a key that is text and not empty, got ''; name the value"),
        ({"a": {"": 1}}, "expected a key that is text and not empty, got ''; name the value"),
        ({3: 1}, "expected a key that is text and not empty, got int 3; name the value"),
        ({None: 1}, "expected a key that is text and not empty, got NoneType None; name the value"),
        (
            {"\ud800": 1},
            "expected a key that UTF-8 can hold, got '\\ud800'; drop the lone surrogate in it",
        ),
    ],
)
def test_a_key_that_is_empty_or_no_text_is_an_error(data, message):
    with pytest.raises(LogKeyError) as caught:
        flatten(data)
    assert str(caught.value) == message
    assert isinstance(caught.value, (TypeError, ValueError))


WANTED = "expected an image, a list of images, a number or text for key 'a/x', got "
FIX = "; wrap pictures and arrays in Image(...), and turn the rest into numbers or text"


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (object(), "object"),
        (b"png", "bytes"),
        (np.zeros((4, 4)), "numpy.ndarray of shape (4, 4)"),
        ([IMAGE, 3], "list of Image, int"),
        ([1, 2], "list of int"),
        ((IMAGE, None), "tuple of Image, NoneType"),
        (2**64, "an integer of more than 64 bits"),
        (1j, "complex"),
        (print, "builtin_function_or_method"),
    ],
)
def test_a_value_that_cannot_be_stored_is_a_type_error_with_key_and_type(value, got):
    with pytest.raises(LogValueError) as caught:
        flatten({"a": {"x": value}})
    assert str(caught.value) == f"{WANTED}{got}{FIX}"
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("data", [None, [("a", 1)], "a", 3, IMAGE])
def test_data_that_is_no_dict_is_a_type_error(data):
    with pytest.raises(LogValueError) as caught:
        flatten(data)
    assert str(caught.value) == (
        f'expected a dict of key: value, got {type(data).__name__}; write log({{"name": value}})'
    )
