"""Parameters: what is taken, and each way of refusing."""

from __future__ import annotations

import pytest

from filmstrip.server.errors import BadRequestError
from filmstrip.server.queries import (
    CompleteQuery,
    DigestPath,
    LatestQuery,
    PixelsQuery,
    ThumbnailPath,
    ValuesQuery,
    parse_parameters,
)

DIGEST = "0123456789abcdef" * 4


def test_lists_are_given_by_naming_them_again():
    parsed = parse_parameters(
        [("run", "a"), ("key", "v/ü"), ("run", "b"), ("at", "1e2")], LatestQuery
    )
    assert (parsed.run, parsed.key, parsed.at, parsed.axis) == (["a", "b"], ["v/ü"], 100.0, "step")


def test_numbers_are_read_from_text():
    assert parse_parameters([("digest", DIGEST), ("size", "64")], ThumbnailPath).size == 64


@pytest.mark.parametrize(
    ("pairs", "kind", "message"),
    [
        ([], ValuesQuery, "Object missing required field `run`"),
        ([("run", "a")], ValuesQuery, "Object missing required field `step`"),
        (
            [("run", "a"), ("run", "b"), ("step", "1")],
            ValuesQuery,
            "expected 'run' once, got it twice",
        ),
        ([("run", "a"), ("step", "x")], ValuesQuery, "Expected `int`, got `str` in `step`"),
        (
            [("run", "a"), ("step", str(2**63))],
            ValuesQuery,
            "Expected `int` <= 9223372036854775807 in `step`",
        ),
        ([("rum", "a")], ValuesQuery, "Object contains unknown field `rum`"),
        (
            [("q", "a"), ("at", "null")],
            CompleteQuery,
            "expected a finite number in `at`, got 'null'",
        ),
        (
            [("key", "a"), ("run", "a"), ("at", "nan")],
            LatestQuery,
            "expected a finite number in `at`, got 'nan'",
        ),
        (
            [("key", "a"), ("run", "a"), ("limit", "0")],
            LatestQuery,
            "Expected `int` >= 1 in `limit`",
        ),
        ([("x", "0"), ("y", "0"), ("width", "65")], PixelsQuery, "Expected `int` <= 64 in `width`"),
        ([("digest", DIGEST), ("size", "65")], ThumbnailPath, "Invalid enum value 65 in `size`"),
        (
            [("digest", "../../etc/passwd")],
            DigestPath,
            "Expected `str` of length >= 64 in `digest`",
        ),
        ([("digest", DIGEST + "\n")], DigestPath, "Expected `str` of length <= 64 in `digest`"),
        (
            [("digest", DIGEST.upper())],
            DigestPath,
            "Expected `str` matching regex '^[0-9a-f]{64}$' in `digest`",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(pairs, kind, message):
    with pytest.raises(BadRequestError) as refused:
        parse_parameters(pairs, kind)
    assert (str(refused.value), refused.value.status) == (message, 400)
