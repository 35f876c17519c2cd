"""The query language: what each term means, and one line with the place of what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.errors import QueryError
from filmstrip.index.query import (
    FIELDS,
    Condition,
    ImageQuery,
    Sort,
    Span,
    parse_query,
    partial_term,
)


def only(text: str) -> Condition:
    (condition,) = parse_query(text).conditions
    return condition


def at_most(high: float, **options) -> Span:
    return Span(high=high, **options)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("run:abc", Condition(field="run", texts=("abc",))),
        ("run:a:b", Condition(field="run", texts=("a:b",))),
        ("run=abc", Condition(field="run", texts=("abc",))),
        ("key:val/x", Condition(field="key", texts=("val/x",))),
        ("key:a,b", Condition(field="key", texts=("a", "b"))),
        ('key:"a,b c"', Condition(field="key", texts=("a,b c",))),
        ('key:""', Condition(field="key", texts=("",))),
        ("step:10..200", Condition(field="step", span=Span(low=10, high=200))),
        ("step:10..", Condition(field="step", span=Span(low=10))),
        ("step:..5", Condition(field="step", span=Span(high=5))),
        ("step:-5..-1", Condition(field="step", span=Span(low=-5, high=-1))),
        ("step:7", Condition(field="step", span=Span(low=7, high=7))),
        ("index<=3", Condition(field="index", span=at_most(3))),
        ("time>2026-11-24", Condition(field="time", span=Span(low=1795478400, is_low_open=True))),
        (
            "time:2026-11-24T00:00..2026-11-25",
            Condition(field="time", span=Span(low=1795478400, high=1795564800)),
        ),
        ("time<5.5", Condition(field="time", span=at_most(5.5, is_high_open=True))),
        ('caption:"red car"', Condition(field="caption", texts=("red car",))),
        ("red", Condition(field="caption", texts=("red",))),
        ('"red car"', Condition(field="caption", texts=("red car",))),
        ('"say \\"hi\\""', Condition(field="caption", texts=('say "hi"',))),
        ("-dog", Condition(field="caption", texts=("dog",), is_negated=True)),
        ("class:cat", Condition(field="class", texts=("cat",))),
        ("-class:dog", Condition(field="class", texts=("dog",), is_negated=True)),
        (
            "score:confidence>0.5",
            Condition(field="score", name="confidence", span=Span(low=0.5, is_low_open=True)),
        ),
        (
            'score:"my score":0.1..0.2',
            Condition(field="score", name="my score", span=Span(low=0.1, high=0.2)),
        ),
        ("meta.camera=front", Condition(field="meta", name="camera", texts=("front",))),
        ("meta.a.b:x,y", Condition(field="meta", name="a.b", texts=("x", "y"))),
        ("meta.n=3", Condition(field="meta", name="n", span=Span(low=3, high=3))),
        ('meta.n="3"', Condition(field="meta", name="n", texts=("3",))),
        ("meta.n>=-1e3", Condition(field="meta", name="n", span=Span(low=-1000))),
        ("loss<0.3", Condition(field="number", name="loss", span=at_most(0.3, is_high_open=True))),
        ("loss/train:0..1", Condition(field="number", name="loss/train", span=Span(low=0, high=1))),
        ('"my loss"=2', Condition(field="number", name="my loss", span=Span(low=2, high=2))),
        ("has:boxes,masks", Condition(field="has", texts=("boxes", "masks"))),
        ("group:7", Condition(field="group", texts=("7",))),
        ("project:p", Condition(field="project", texts=("p",))),
        ("tag:best", Condition(field="tag", texts=("best",))),
    ],
)  # fmt: skip
def test_a_term_means(text, condition):
    assert only(text) == condition


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("sort:step", Sort(field="step")),
        ("sort:-step", Sort(field="step", is_descending=True)),
        ("sort:loss", Sort(field="number", name="loss")),
        ('sort:-"my loss"', Sort(field="number", name="my loss", is_descending=True)),
        ("sort:score:p", Sort(field="score", name="p")),
        ("sort:-meta.a.b", Sort(field="meta", name="a.b", is_descending=True)),
        ("sort:caption", Sort(field="caption")),
    ],
)
def test_a_sort_means(text, sort):
    assert parse_query(f"red {text} blue").sort == sort


def test_terms_stand_in_any_order_and_spaces_do_not_matter():
    assert parse_query("  a \t b\n") == ImageQuery(
        conditions=(
            Condition(field="caption", texts=("a",)),
            Condition(field="caption", texts=("b",)),
        )
    )
    assert parse_query("") == parse_query("   ") == ImageQuery()


NUMBER = "a number or a range"
SORT_FIX = "write sort:-step or sort:loss"


@pytest.mark.parametrize(
    ("text", "expected", "got", "place", "fix"),
    [
        ("red step:abc", NUMBER, "'abc'", 10, "write step:10..200"),
        ("step>1..2", NUMBER, "'1..2'", 6, "write step:10..200"),
        ("step:", NUMBER, "nothing", 6, "write step:10..200"),
        ("step:1x", NUMBER, "'1x'", 6, "write step:10..200"),
        ("score:p", NUMBER, "nothing", 8, "write score:confidence>0.5"),
        ("meta.x>y", NUMBER, "'y'", 8, 'write meta.speed>3, or meta.camera="front"'),
        ("loss:nan", NUMBER, "'nan'", 6, f"fields are {', '.join(FIELDS)}; quote other words"),
        ("sort:a sort:b", "one sort: at most", "'sort:b'", 8, "drop the others"),
        ("sort:", "a field to sort by", "'sort:'", 1, SORT_FIX),
        ("sort:class", "a field to sort by", "'sort:class'", 1, SORT_FIX),
        ("class<3", "class:", "'class<3'", 1, "class is a class that a box of it has"),
        ("class:", "a value for class", "nothing", 7, 'quote an empty one: ""'),
        ("has:cats", "has: boxes, masks, caption, flagged", "'cats'", 5, "use one of these"),
        (":x", "a field or a word", "':x'", 1, "put quotes around signs"),
        ("a,b", "a space between terms", "',b'", 2, "put quotes around signs"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_place(text, expected, got, place, fix):
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    assert str(caught.value) == f"expected {expected}, got {got} at character {place}; {fix}"
    assert caught.value.position == place - 1


@given(st.text() | st.text(st.sampled_from('ab:"\\,<>=-. 1'), max_size=12))
def test_any_text_is_read_or_refused_on_one_line(text):
    place, said = 0, ""
    try:
        parse_query(text)
    except QueryError as error:
        place, said = error.position, str(error)
    assert 0 <= place <= len(text)
    assert said.isprintable()


@given(st.text(st.sampled_from('ab:"\\,<>=-. 1'), max_size=12), st.integers(0, 12))
def test_a_term_is_found_around_every_place(text, at):
    term = partial_term(text, min(at, len(text)))
    assert 0 <= term.start <= min(at, len(text)) <= term.end <= len(text)


@pytest.mark.parametrize("value", ["a", "a b", 'say "hi"', "back\\slash", "a:b", "-x", "é 夜", ","])
def test_any_value_can_be_quoted(value):
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    assert only(f'key:"{escaped}"').texts == (value,)


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (Span(), [0.0, float("inf")], [float("nan")]),
        (Span(low=1, high=2), [1, 1.5, 2], [0.9, 2.1]),
        (Span(low=1, high=2, is_low_open=True, is_high_open=True), [1.5], [1, 2]),
    ],
)
def test_a_span_holds_what_is_inside(span, inside, outside):
    assert all(span.holds(value) for value in inside)
    assert not any(span.holds(value) for value in outside)
