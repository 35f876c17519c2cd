"""Ranges and conditional requests, against a plain reading of RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.server.ranges import ByteRange, Delivery, delivery_for

ETAG = '"ab12"'
WHOLE = ByteRange(Delivery.WHOLE, 0, 10)


def delivered(**headers: str) -> ByteRange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return delivery_for(named, etag=ETAG, size_bytes=10)


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 6),
        ("bytes=2-", 2, 10),
        ("bytes=2-99", 2, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-99", 0, 10),
        ("bytes= 2 - 5 ", 2, 6),
    ],
)
def test_one_range_is_answered_with_that_part(header, start, stop):
    assert delivered(range=header) == ByteRange(Delivery.PART, start, stop)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_outside_is_unsatisfiable(header):
    assert delivered(range=header).delivery is Delivery.UNSATISFIABLE


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "rows=0-1",
     "bytes=٣-٤", f"bytes=0-{'9' * 5000}"],
)  # fmt: skip
def test_what_is_no_single_range_is_answered_with_the_whole(header):
    assert delivered(range=header) == WHOLE


@pytest.mark.parametrize("header", [ETAG, "W/" + ETAG, f'"x", {ETAG}', "*"])
def test_bytes_that_the_browser_has_are_not_sent_again(header):
    assert delivered(if_none_match=header, range="bytes=0-1").delivery is Delivery.NOT_MODIFIED


@pytest.mark.parametrize("header", ['"x"', "ab12", ""])
def test_other_bytes_are_sent(header):
    assert delivered(if_none_match=header) == WHOLE


@pytest.mark.parametrize(
    ("header", "is_part"), [(ETAG, True), ('"x"', False), ("W/" + ETAG, False)]
)
def test_a_part_is_sent_only_of_the_bytes_that_if_range_names(header, is_part):
    found = delivered(if_range=header, range="bytes=0-1")
    assert (found.delivery is Delivery.PART) == is_part


@given(st.binary(max_size=50), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 60)))
def test_a_part_is_the_slice_that_python_makes(data, first, last):
    header = f"bytes={first}-{'' if last is None else last}"
    found = delivery_for({"range": header}, etag=ETAG, size_bytes=len(data))
    expected = data[first : None if last is None else last + 1]
    if found.delivery is Delivery.PART:
        assert data[found.start : found.stop] == expected != b""
    elif found.delivery is Delivery.WHOLE:
        assert last is not None
        assert last < first
    else:
        assert expected == b""
        assert first >= len(data)


@given(st.text(max_size=40), st.integers(0, 100))
def test_no_header_gives_bytes_outside(text, size_bytes):
    found = delivery_for({"range": "bytes=" + text}, etag=ETAG, size_bytes=size_bytes)
    assert 0 <= found.start <= found.stop <= size_bytes
