from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.shard.names import mask_member, sample_path, slug_from_text, values_path

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
META = re.compile(r"__[^/]*__($|/)")
"""What WebDataset readers skip as metadata."""


@pytest.mark.parametrize("text", ["examples", "val_images", "x", "0", "a" * 32])
def test_a_short_plain_name_stays_as_it_is(text):
    assert slug_from_text(text) == text


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("a/b", "a-b"),
        ("Val Images", "Val-Images"),
        ("Examples", "Examples"),
        ("ключ", "key"),
        ("🖼", "key"),
        ("", "key"),
        (".", "key"),
        ("..", "key"),
        ("a\0b", "a-b"),
        ("line\nline", "line-line"),
        ("con", "con"),
        ("lpt9", "lpt9"),
        ("__x__", "x"),
        ("a" * 33, "a" * 24),
    ],
)
def test_another_name_keeps_what_is_readable_of_it_and_gets_a_hash(text, readable):
    assert re.fullmatch(f"{readable}-[0-9a-f]{{10}}", slug_from_text(text))


@given(KEYS)
def test_a_slug_is_a_short_file_name_that_no_reader_skips(text):
    slug = slug_from_text(text)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,34}", slug)
    assert not META.match(f"{slug}/0-0.png")


@given(KEYS, KEYS)
def test_two_texts_have_two_slugs_even_where_case_does_not_count(one, other):
    same = slug_from_text(one).lower() == slug_from_text(other).lower()
    assert same == (one == other)


@given(st.from_regex(r"[A-Za-z0-9_]{1,32}", fullmatch=True))
def test_swapping_the_case_of_a_plain_name_gives_another_slug_even_where_case_does_not_count(text):
    swapped = text.swapcase()
    same = slug_from_text(text).lower() == slug_from_text(swapped).lower()
    assert same == (text == swapped)


@given(KEYS, st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**9), KEYS)
def test_a_sample_s_members_have_names_that_a_tar_header_can_hold(key, step, index, layer):
    folder, name = f"{sample_path(key, step, index)}.{mask_member(layer)}".split("/")
    assert len(folder) <= 155
    assert len(name) <= 100


def test_records_of_values_are_named_as_webdataset_readers_name_metadata():
    assert META.match(values_path(-3, 17))
