"""Completion offers what the store holds, spelled so that it can be read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.index.stores import Sample, make_store

from filmstrip.errors import QueryError
from filmstrip.index import parse_query


@pytest.fixture
def index(open_index):
    samples = [
        Sample(0, 0, 0, "val", 0, 0, 0, "red car", [1, 2], 0.5, "front", "A", 0.1),
        Sample(1, 0, 0, 'odd "key" :', 0, 0, 0, "red cart", [7], 0.5, 2.5, 7, 0.1),
    ]
    index = open_index(make_store(Path("store"), samples))
    index.refresh()
    return index


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("cl", ["class:"]),
        ("-cl", ["-class:"]),
        ("red ke", ["key:"]),
        ("los", ["loss<"]),
        ("sc", ["score:", "score:p>"]),
        ("meta", ["meta.camera="]),
        ("ca", ["caption:", "car", "cart"]),
        ("run:", ["run:run0", "run:run1"]),
        ("run:run0,", ["run:run0,run0", "run:run0,run1"]),
        ("project:p1", ["project:p1"]),
        ("key:", ['key:"odd \\"key\\" :"', "key:val"]),
        ("key:V", ["key:val"]),
        ("class:", ["class:cat", "class:class_7", "class:dog"]),
        ("-class:D", ["-class:dog"]),
        ("score:", ["score:p>"]),
        ("meta.camera=", ["meta.camera=front"]),
        ("meta.none=", []),
        ("group:", ["group:7", "group:a"]),
        ("has:b", ["has:boxes"]),
        ("sort:l", ["sort:loss"]),
        ("sort:-m", ["sort:-meta.camera"]),
        ("caption:r", ["caption:red"]),
        ("zzz", []),
        ("step:", []),
    ],
)
def test_completion_offers(index, text, offered):
    assert [suggestion.text for suggestion in index.suggestions(text)] == offered


def test_the_empty_bar_offers_the_fields(index):
    assert [s.text for s in index.suggestions("")][:3] == ["run:", "project:", "tag:"]


def test_a_suggestion_says_which_characters_it_replaces(index):
    (suggestion,) = index.suggestions("red cl sort:loss", 6)
    assert (suggestion.start, suggestion.end) == (4, 6)


def test_no_more_are_offered_than_asked(index):
    assert len(index.suggestions("", limit=2)) == 2


@pytest.mark.parametrize("text", ["ca", "key:", "class:", "run:", "group:", "sort:", "has:"])
def test_what_is_offered_can_be_read(index, text):
    for suggestion in index.suggestions(text):
        if not suggestion.text.endswith((":", "<", ">", "=")):
            parse_query(suggestion.text)
        else:
            with pytest.raises(QueryError):
                parse_query(suggestion.text)
