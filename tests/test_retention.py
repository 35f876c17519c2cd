"""Policies: what they keep, what they never let go, and what is no policy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.errors import OptionError
from filmstrip.retention import (
    Keep,
    KeepAll,
    KeepBest,
    KeepEvery,
    KeepLast,
    parse_keep,
    parse_policy,
)

STEPS = st.sets(st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 30), max_size=20)
NUMBERS = st.integers(-3, 3) | st.floats() | st.none() | st.text(max_size=3) | st.booleans()
VALUES = st.dictionaries(st.integers(-5, 30), NUMBERS, max_size=20)
POLICIES = st.one_of(
    st.just(KeepAll()),
    st.builds(KeepLast, st.integers(1, 8)),
    st.builds(KeepEvery, st.integers(1, 8)),
    st.builds(KeepBest, st.sampled_from(["loss", "a:b"]), st.integers(1, 8), st.booleans()),
)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("all", KeepAll()),
        ("last:20", KeepLast(20)),
        ("every:10", KeepEvery(10)),
        ("best:loss:5", KeepBest("loss", 5)),
        ("best:loss:5:min", KeepBest("loss", 5)),
        ("best:acc:5:max", KeepBest("acc", 5, is_max=True)),
        ("best:val/a:b:5", KeepBest("val/a:b", 5)),
        ("best:5:5", KeepBest("5", 5)),
        ("best:max:1:max", KeepBest("max", 1, is_max=True)),
    ],
)
def test_a_policy_is_what_was_written(text, policy):
    assert parse_policy(text) == policy


@given(POLICIES)
def test_a_policy_is_written_as_it_is_read(policy):
    assert parse_policy(str(policy)) == policy


@pytest.mark.parametrize(
    "text",
    [
        *("", "ALL", "all:1", "last", "last:", "last:0", "last:-1", "last:1.5", "last:1:2"),
        *(
            "last:²",
            "last:99999999999999999999",
            "every:0",
            "every",
            "every:x",
            "best",
            "best:loss",
        ),
        *("best::5", "best:loss:0", "best:loss:5:best", "best:5:max", "newest:3"),
        *(" last:3", None, 20, ["last:20"]),
    ],
)
def test_what_is_no_policy_is_refused(text):
    with pytest.raises(OptionError) as caught:
        parse_policy(text)
    assert str(caught.value) == (
        'expected a policy: "all", "last:20", "every:10", "best:loss:5" or "best:acc:5:max", '
        f"got {text!r}; numbers are 1 or more, and best takes a metric, a number, "
        "and min (default) or max"
    )


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (
            7,
            (
                "expected keep as a policy or a mapping of key patterns to policies, got 7; "
                'pass keep="last:20" or keep={"val/*": "last:20"}'
            ),
        ),
        (
            {"": "all"},
            (
                "expected keep's patterns of keys as texts that are not empty, got ''; "
                'write "*" for every key'
            ),
        ),
    ],
)
def test_what_says_no_policies_is_refused(keep, message):
    with pytest.raises(OptionError) as caught:
        parse_keep(keep)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("policy", "steps", "kept"),
    [
        ("all", [3, 1], [1, 3]),
        ("last:2", [], []),
        ("last:2", [5], [5]),
        ("last:2", [9, -4, 10, 3], [9, 10]),
        ("every:10", [-10, -3, 0, 9, 10, 11], [-10, 0, 10, 11]),
        ("every:10", [1, 2, 3], [3]),
        ("every:1", [1, 2], [1, 2]),
        ("best:loss:1", [], []),
        ("best:loss:2", [0, 1, 2, 3, 4], [1, 3]),
        ("best:loss:2:max", [0, 1, 2, 3, 4], [0, 4]),
        ("best:loss:9", [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
        ("best:loss:1", [2, 5, 7], [7]),
        ("best:loss:1", [1, 9], [1, 9]),
        ("best:never:2", [0, 1, 2, 3], [2, 3]),
    ],
)
def test_the_steps_that_stay(policy, steps, kept):
    values = {0: 5, 1: 0.25, 2: math.nan, 3: 0.5, 4: math.inf, 7: "text"}
    found = parse_policy(policy).kept_steps(steps, {} if "never" in policy else values)
    assert sorted(found) == kept


def test_of_equally_good_steps_the_higher_one_stays():
    assert KeepBest("loss", 1).kept_steps([1, 2, 3], {1: 0.5, 2: 0.5, 3: 0.7}) == {2}


def test_the_newest_images_wait_for_their_metric_and_lose_when_it_is_bad():
    policy = KeepBest("loss", 1)
    values = {0: 0.1}
    assert policy.kept_steps([0, 1], values) == {0, 1}
    assert policy.kept_steps([0, 1], values | {1: math.nan}) == {0}
    assert policy.kept_steps([0, 1], values | {1: 0.05}) == {1}


@given(POLICIES, STEPS, VALUES)
def test_a_policy_keeps_some_of_what_is_there(policy, steps, values):
    kept = policy.kept_steps(steps, values)
    assert kept <= steps
    assert bool(kept) == bool(steps)


@given(POLICIES, STEPS, VALUES, st.data())
def test_what_stays_stays_again_when_some_of_the_others_are_gone(policy, steps, values, data):
    kept = policy.kept_steps(steps, values)
    others = sorted(steps - kept)
    left = data.draw(st.sets(st.sampled_from(others)) if others else st.just(set()))
    assert policy.kept_steps(kept | left, values) == kept


@given(STEPS, VALUES, st.integers(1, 8), st.booleans())
def test_no_step_that_goes_is_better_than_one_that_stays(steps, values, count, is_max):
    kept = KeepBest("m", count, is_max).kept_steps(steps, values)
    last = max(steps, default=None)
    ranked = sorted(
        (step for step in steps if is_number(values.get(step))),
        key=lambda step: (-values[step] if is_max else values[step], -step),
    )
    assert set(ranked[:count]) <= kept
    assert {step for step in kept if step != last and is_number(values.get(step))} <= set(
        ranked[:count]
    )


def is_number(value: object) -> bool:
    return type(value) in (int, float) and value == value


def test_the_first_pattern_that_fits_a_key_counts_and_slashes_are_characters():
    keep = parse_keep({"val/*": "last:2", "*cat*": "every:5"})
    assert keep.policy("val/a/cats") == KeepLast(2)
    assert keep.policy("train/cats") == KeepEvery(5)
    assert keep.policy("Val/x") == KeepAll()
    assert keep.metrics == frozenset()


def test_what_is_to_go_is_named_by_key_and_step():
    keep = parse_keep({"a": "last:1", "b": "best:loss:1", "c": "best:acc:1:max"})
    steps = {"a": [1, 2], "b": [1, 2], "c": [1, 2], "d": [1, 2]}
    values = {"loss": {1: 0.5, 2: 0.7}, "acc": {1: 0.5, 2: 0.7}}
    assert keep.metrics == {"loss", "acc"}
    assert keep.going(steps, values) == {("a", 1), ("b", 2), ("c", 1)}
    assert keep.going(steps) == {("a", 1), ("b", 1), ("c", 1)}
    assert parse_keep("last:1").going({"a": [2, 1], "b": [7]}) == {("a", 1)}
    assert Keep(()).going(steps) == frozenset()
