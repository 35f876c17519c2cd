from __future__ import annotations

import enum

import numpy as np
import pytest
import torch

from filmstrip.errors import LogValueError
from filmstrip.media.image import Image

GRAY = np.full((2, 3), 7, np.uint8)


class Split(str, enum.Enum):
    TRAIN = "train"


class Group(enum.IntEnum):
    LEFT = 4


def message_of(call):
    with pytest.raises(LogValueError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("caption", "stored"),
    [
        ("", ""),
        ("a\tb\n", "a\tb\n"),
        ("\0", "\0"),
        ("🎞 ключ", "🎞 ключ"),
        (np.str_("cat"), "cat"),
        (Split.TRAIN, "train"),
        (None, None),
    ],
)
def test_a_caption_is_plain_text(caption, stored):
    found = Image(GRAY, caption=caption).caption
    assert (found, type(found)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        (5, "expected caption as text, got 5; pass str(caption)"),
        (b"cat", "expected caption as text, got b'cat'; pass str(caption)"),
        (["cat"], "expected caption as text, got ['cat']; pass str(caption)"),
        (
            "\ud800",
            (
                "expected caption as text, got text with a lone surrogate, which UTF-8 cannot "
                "hold; encode it as UTF-8 first"
            ),
        ),
    ],
)
def test_a_caption_that_is_no_text_is_an_error(caption, text):
    assert message_of(lambda: Image(GRAY, caption=caption)) == text


@pytest.mark.parametrize(
    ("grouping", "stored"),
    [
        (0, 0),
        (-3, -3),
        ("left", "left"),
        (np.int64(5), 5),
        (torch.tensor(6), 6),
        (Group.LEFT, 4),
        (Split.TRAIN, "train"),
        (np.str_("a"), "a"),
        (2**64 - 1, 2**64 - 1),
    ],
)
def test_a_grouping_is_a_plain_integer_or_text(grouping, stored):
    found = Image(GRAY, grouping=grouping).grouping
    assert (found, type(found)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("grouping", "got"),
    [
        (1.5, "float"),
        (True, "bool"),
        ([1], "list"),
        ({"a": 1}, "dict"),
        (2**64, "an integer of more than 64 bits"),
        ("\ud800", "text with a lone surrogate, which UTF-8 cannot hold"),
        (object(), "object"),
        (np.zeros(3), "ndarray"),
    ],
)
def test_a_grouping_of_another_kind_is_an_error(grouping, got):
    assert message_of(lambda: Image(GRAY, grouping=grouping)) == (
        f"expected grouping as an integer or text, got {got}; pass a label"
    )


@pytest.mark.parametrize(
    ("meta", "text"),
    [
        ([1], "expected meta as a dict, got list; pass {name: value}"),
        (
            {"a": {"b": [1, object()]}},
            (
                "expected meta that JSON holds, got object at 'a/b/1'; "
                "pass numbers, text, lists, dicts"
            ),
        ),
        (
            {"a": 1j},
            "expected meta that JSON holds, got complex at 'a'; pass numbers, text, lists, dicts",
        ),
        (
            {"x": b"raw"},
            "expected meta that JSON holds, got bytes at 'x'; pass numbers, text, lists, dicts",
        ),
    ],
)
def test_meta_that_json_cannot_hold_is_an_error(meta, text):
    assert message_of(lambda: Image(GRAY, meta=meta)) == text


def test_meta_that_holds_itself_is_an_error():
    meta = {}
    meta["a"] = meta
    assert "got more than 64 levels of nesting at 'a/a/" in message_of(
        lambda: Image(GRAY, meta=meta)
    )
