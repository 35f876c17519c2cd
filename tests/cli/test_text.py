"""Text for a terminal."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filmstrip.cli.text import safe_text, shortened, size_text


@given(st.text())
@example("\x1b[31m")
@example("\x9b31m\x7f\u202e\u2066")
def test_safe_text_holds_nothing_that_a_terminal_acts_on(text):
    assert all(c.isprintable() or c in "\u200c\u200d" for c in safe_text(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_words_numbers_and_signs_of_every_script_stay_as_they_are(text):
    assert safe_text(text) == text


@pytest.mark.parametrize("text", ["ключ", "می‌خواهم", "👩‍🚀", "a b", "C:\\new"])
def test_text_that_only_looks_odd_stays_as_it_is(text):
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (3 * 10**9, "3.0 GB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_a_size_has_two_or_three_digits_and_the_unit_that_fits(size_bytes, text):
    assert size_text(size_bytes) == text


@given(st.text(), st.integers(1, 20))
def test_shortened_text_is_never_longer_than_its_limit(text, limit):
    assert len(shortened(text, limit)) <= limit
