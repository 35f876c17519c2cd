from __future__ import annotations

import datetime as dt
import enum
import fractions
import math
import pathlib
import subprocess
import sys

import jax.numpy as jnp
import msgspec
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.freeform import (
    FreeformError,
    from_json_value,
    scalar_value,
    text_value,
    to_json_value,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT
)
KEYS = TEXT.filter(lambda name: name != "$float")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


class Color(str, enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Plain(enum.Enum):
    HALF = 0.5


def through_json(value):
    return from_json_value(msgspec.json.decode(msgspec.json.encode(to_json_value(value))))


@given(VALUES)
def test_what_goes_in_comes_out(value):
    assert through_json(value) == value


@pytest.mark.parametrize("value", [math.inf, -math.inf, {"$f": [math.inf]}, "NaN", "Infinity"])
def test_infinity_comes_back_and_text_stays_text(value):
    assert through_json(value) == value


def test_nan_comes_back():
    assert math.isnan(through_json({"a": [math.nan]})["a"][0])


def test_minus_zero_comes_back():
    assert math.copysign(1, through_json(-0.0)) == -1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(2.5), 2.5),
        (torch.tensor(0.5), 0.5),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (torch.tensor(True), True),
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (jnp.array(0.5), 0.5),
        (jnp.bfloat16(0.5), 0.5),
        (Color.RED, "red"),
        (Size.BIG, 3),
        (Plain.HALF, 0.5),
        (None, None),
        (True, True),
    ],
)
def test_numbers_of_every_library_become_pythons_own(value, expected):
    found = scalar_value(value)
    assert (found, type(found)) == (expected, type(expected))
    again = through_json({"x": value})["x"]
    assert (again, type(again)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "number", "listed"),
    [
        (np.array([3]), 3, [3]),
        (np.array([[True]]), True, [[True]]),
        (torch.tensor([[4]]), 4, [[4]]),
    ],
)
def test_an_array_of_one_is_a_number_where_a_number_is_logged(value, number, listed):
    assert scalar_value(value) == number
    assert to_json_value(value) == listed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("cab"), ["a", "b", "c"]),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.array([], int), []),
        (torch.tensor([[1, 2]]), [[1, 2]]),
        (jnp.array([1.5, 2.5], jnp.bfloat16), [1.5, 2.5]),
        (pd.Series([1, 2]), [1, 2]),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        ({1: "a", None: "b", 2.5: "c"}, {"1": "a", "None": "b", "2.5": "c"}),
        ({"a": np.array([math.nan, 1.0])}, {"a": [{"$float": "NaN"}, 1.0]}),
    ],
)
def test_collections_become_lists_and_dicts(value, expected):
    assert to_json_value(value) == expected


@pytest.mark.parametrize(
    ("value", "got", "where"),
    [
        (object(), "object", ""),
        (b"raw", "bytes", ""),
        (1j, "complex", ""),
        (np.complex64(1), "numpy.complex64 of shape ()", ""),
        (fractions.Fraction(1, 2), "fractions.Fraction", ""),
        (dt.datetime(2020, 1, 1), "datetime.datetime", ""),
        (np.datetime64("2020-01-01"), "numpy.datetime64 of shape ()", ""),
        (2**64, "an integer of more than 64 bits", ""),
        (-(2**63) - 1, "an integer of more than 64 bits", ""),
        ("\ud800", "text with a lone surrogate, which UTF-8 cannot hold", ""),
        ({"a": [1, {"b": object()}]}, "object", "a/1/b"),
        ([[object()]], "object", "0/0"),
        ({"$float": 1}, "the reserved name '$float'", ""),
        ({"a": {"$float": "NaN"}}, "the reserved name '$float'", "a"),
        ({"\ud800": 1}, "text with a lone surrogate, which UTF-8 cannot hold", ""),
        ({1: "a", "1": "b"}, "two keys that are both '1' as text", ""),
        (np.array([1j, 2]), "complex", "0"),
        (lambda: None, "function", ""),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_path(value, got, where):
    with pytest.raises(FreeformError) as caught:
        to_json_value(value)
    assert (caught.value.got, caught.value.where, str(caught.value)) == (got, where, got)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (np.zeros(3), "numpy.ndarray of shape (3,)"),
        (torch.zeros(2, 2), "torch.Tensor of shape (2, 2)"),
        (np.zeros((0, 1)), "numpy.ndarray of shape (0, 1)"),
        ([1], "list"),
        ({"a": 1}, "dict"),
    ],
)
def test_what_is_no_scalar_is_named_with_its_shape(value, got):
    with pytest.raises(FreeformError, match=r".") as caught:
        scalar_value(value)
    assert caught.value.got == got


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: {"a": x}, lambda x: (x,)])
@pytest.mark.parametrize(("depth", "is_fine"), [(63, True), (64, True), (65, False), (5000, False)])
def test_nesting_ends_at_64_levels(wrap, depth, is_fine):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    if is_fine:
        assert to_json_value(value)
    else:
        with pytest.raises(FreeformError, match="more than 64 levels of nesting"):
            to_json_value(value)


def test_a_list_that_holds_itself_is_too_deep():
    value = []
    value.append(value)
    with pytest.raises(FreeformError, match="more than 64 levels of nesting"):
        to_json_value(value)


def test_a_set_has_the_same_order_in_every_process():
    code = (
        "from filmstrip.freeform import to_json_value; print(to_json_value(set('abcdefghijklm')))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert outputs == {f"{list('abcdefghijklm')}\n"}


@pytest.mark.parametrize("value", [5, None, b"a", ["a"]])
def test_text_is_text_only(value):
    with pytest.raises(FreeformError):
        text_value(value)


@given(VALUES)
def test_the_json_form_shares_nothing_with_the_value(value):
    before = repr(value)
    made = to_json_value(value)
    if isinstance(made, dict):
        made["new"] = 1
    if isinstance(made, list):
        made.append(1)
    assert repr(value) == before
