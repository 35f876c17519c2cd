"""A search finds what looking at every image finds, in the order asked for, page by page."""

from __future__ import annotations

import math
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.index.stores import SAMPLES, Sample, make_store

import filmstrip
from filmstrip.errors import QueryError
from filmstrip.index import Index, Page, parse_query
from filmstrip.index import plan as plan_module
from filmstrip.index import search as search_module
from filmstrip.index.facts import folded_words


def pages(index: Index, query: str, **options: Any) -> list[Page]:
    """Follow the cursors to the end."""
    found = [index.images(parse_query(query), **options)]
    while found[-1].cursor is not None:
        found.append(index.images(parse_query(query), cursor=found[-1].cursor, **options))
    return found


class Seen:
    """What a person sees of one image, without the index."""

    def __init__(self, image: filmstrip.LoggedImage, loss: Any) -> None:
        self.image, self.loss = image, loss
        self.words = folded_words(image.caption or "")
        camera = image.meta.get("camera", [])
        self.cameras = camera if isinstance(camera, list) else [camera]

    def has_caption(self, text: str) -> bool:
        wanted = folded_words(text)
        n = len(wanted)
        return any(
            self.words[i : i + n - 1] == wanted[:-1]
            and self.words[i + n - 1].startswith(wanted[-1])
            for i in range(len(self.words) - n + 1)
        )

    @property
    def classes(self) -> set[str]:
        layers = self.image.record.boxes
        names = {1: "cat", 2: "dog", 7: "class_7"}
        return {names[i] for layer in layers for i in layer.class_id if i is not None}

    @property
    def score(self) -> float:
        columns = [c for layer in self.image.record.boxes for c in layer.scores]
        values = [float(v) for c in columns for v in c.values if v is not None]
        return max((v for v in values if not math.isnan(v)), default=math.nan)

    @property
    def number(self) -> float:
        is_number = isinstance(self.loss, (int, float))
        return float(self.loss) if is_number else math.nan

    @property
    def speed(self) -> float:
        numbers = [v for v in self.cameras if isinstance(v, (int, float)) and v is not True]
        return min(map(float, numbers), default=math.nan)

    @property
    def camera_text(self) -> set[str]:
        return {
            "true" if v is True else v.casefold()
            for v in self.cameras
            if v is True or isinstance(v, str)
        }


TERMS = {
    "run:run0": lambda s: s.image.run_id == "run0",
    'run:"name 1"': lambda s: s.image.run_id == "run1",
    "run:run0,run1": lambda s: True,
    "run:nobody": lambda s: False,
    "project:p1": lambda s: s.image.run_id == "run1",
    "key:val": lambda s: s.image.key == "val",
    'key:"зима",train/x': lambda s: s.image.key in ("зима", "train/x"),
    "step:0..2": lambda s: 0 <= s.image.step <= 2,
    "step<0": lambda s: s.image.step < 0,
    "step:4611686018427387904": lambda s: s.image.step == 2**62,
    "index:0": lambda s: s.image.index == 0,
    "index>0": lambda s: s.image.index > 0,
    "time<=1700000000.002": lambda s: s.image.time <= 1700000000.002,
    "time:1700000000.001..1700000000.004": lambda s: 1.7e9 + 0.001 <= s.image.time <= 1.7e9 + 0.004,
    "red": lambda s: s.has_caption("red"),
    "car": lambda s: s.has_caption("car"),
    "cart": lambda s: s.has_caption("cart"),
    'caption:"RED car"': lambda s: s.has_caption("red car"),
    "caption:strasse,夜": lambda s: s.has_caption("strasse") or s.has_caption("夜"),
    "a_b": lambda s: s.has_caption("a_b"),
    "axb": lambda s: False,
    '"100%"': lambda s: s.has_caption("100"),
    "class:CAT": lambda s: "cat" in s.classes,
    "class:dog,class_7": lambda s: bool({"dog", "class_7"} & s.classes),
    "score:p>0.25": lambda s: s.score > 0.25,
    "score:p:0..0.5": lambda s: 0 <= s.score <= 0.5,
    "score:q>0": lambda s: False,
    "meta.camera=FRONT": lambda s: "front" in s.camera_text,
    "meta.camera=left,true": lambda s: bool({"left", "true"} & s.camera_text),
    "meta.camera>=2.5": lambda s: s.speed >= 2.5,
    "meta.camera=3": lambda s: s.speed == 3,
    'meta.camera="3"': lambda s: False,
    "meta.speed>0": lambda s: False,
    "loss<0.5": lambda s: s.number < 0.5,
    "loss:0.5": lambda s: s.number == 0.5,
    "loss>1000": lambda s: s.number > 1000,
    "acc>0": lambda s: False,
    "group:7": lambda s: s.image.grouping == 7,
    "group:A": lambda s: s.image.grouping in ("A", "a"),
    "has:boxes": lambda s: bool(s.classes),
    "has:caption,masks": lambda s: bool(s.image.caption),
    "has:flagged": lambda s: False,
}

ABSENT = (1,)


def number_or_absent(value: float):
    return ABSENT if math.isnan(value) else (0, value)


SORTS = {
    "sort:step": lambda s: (0, s.image.step),
    "sort:time": lambda s: (0, int(s.image.time * 65536)),
    "sort:loss": lambda s: number_or_absent(s.number),
    "sort:score:p": lambda s: number_or_absent(s.score),
    "sort:meta.camera": None,  # texts and numbers mixed: checked as a set
    "sort:caption": lambda s: (0, " ".join(s.words)) if s.words else ABSENT,
    "sort:group": lambda s: (
        ABSENT if s.image.grouping is None else (0, str(s.image.grouping).casefold())
    ),
}


def seen_of(store: Path) -> list[Seen]:
    found = []
    for run in filmstrip.open(store).runs():
        losses = {v.step: v.values.get("loss") for v in run.values()}
        images = [image for key in run.keys() for image in run.images(key)]  # noqa: SIM118
        found += [Seen(image, losses.get(image.step)) for image in images]
    return found


def identity(record):
    return (record.run_id, record.key, record.step, record.session, record.rank, record.index)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    samples=st.lists(SAMPLES, min_size=1, max_size=25),
    terms=st.lists(st.tuples(st.sampled_from([*TERMS]), st.booleans()), max_size=3),
    sort=st.none() | st.tuples(st.sampled_from([*SORTS]), st.booleans()),
    limit=st.integers(1, 4),
    way=st.sampled_from([(1000, 128), (2, 2), (0, 1)]),
)
@example(
    [Sample(0, 0, 0, "val", 0, 0, 0, "x", loss=0.1)] * 3, [("loss<0.5", False)], None, 1, (0, 1)
)
def test_a_search_finds_what_looking_at_every_image_finds(
    database_url, monkeypatch, samples, terms, sort, limit, way
):
    max_gathered, window = way
    monkeypatch.setattr(plan_module, "MAX_GATHERED", max_gathered)
    monkeypatch.setattr(search_module, "_FIRST_WINDOW", window)
    store = make_store(Path(tempfile.mkdtemp(prefix="store-", dir=".")), samples)
    index = Index.open(store, database_url)
    query = " ".join("-" * is_negated + term for term, is_negated in terms)
    if sort is not None:
        query += " " + sort[0].replace("sort:", "sort:-" if sort[1] else "sort:")
    try:
        index.rebuild()
        found = pages(index, query, limit=limit)
    finally:
        index.close()
    seen = [s for s in seen_of(store) if all(TERMS[t](s) != negated for t, negated in terms)]
    items = [item for page in found for item in page.items]
    by_identity = {identity(s.image.record): s for s in seen}
    assert sorted(identity(i.record) for i in items) == sorted(by_identity)
    if sort is None or SORTS[sort[0]] is not None:
        check_order([by_identity[identity(item.record)] for item in items], sort)
    assert all(len(page.items) <= limit for page in found)
    assert found[-1].total == len(seen)
    assert found[-1].is_total_exact
    assert all(
        page.total == len(seen) if page.is_total_exact else page.total <= len(seen)
        for page in found
    )


def check_order(seen: list[Seen], sort: tuple[str, bool] | None) -> None:
    value, is_descending = (SORTS[sort[0]], sort[1]) if sort else (SORTS["sort:time"], True)
    values = [value(s) for s in seen]
    present = [v for v in values if v != ABSENT]
    assert present == sorted(present, reverse=is_descending)
    assert values == present + [ABSENT] * (len(values) - len(present))  # those without come last


def test_a_page_ends_when_its_time_is_over_and_the_cursor_goes_on(open_index, monkeypatch):
    monkeypatch.setattr(plan_module, "MAX_GATHERED", 0)
    monkeypatch.setattr(search_module, "_FIRST_WINDOW", 2)
    samples = [
        Sample(0, 0, 0, "val", step, step % 6, 0, "needle" if step == 0 else "hay")
        for step in range(20)
    ]
    index = open_index(make_store(Path("store"), samples))
    index.refresh()
    found = pages(index, "-hay", limit=2, budget_secs=0)
    assert len(found) > 5
    assert [item.step for page in found for item in page.items] == [0]
    assert not any(page.is_total_exact for page in found[:-1])
    assert (found[-1].total, found[-1].is_total_exact) == (1, True)


@pytest.mark.parametrize("cursor", ["", "x", "é", "lACRzw", "k5KRAMI", "a" * 1000])
def test_a_cursor_that_is_none_is_refused(open_index, cursor):
    index = open_index(make_store(Path("store"), [Sample(0, 0, 0, "val", 0, 0, 0, None)] * 3))
    index.refresh()
    with pytest.raises(QueryError, match="expected the cursor of a page of this query, got"):
        index.images(parse_query(""), cursor=cursor)


@pytest.mark.parametrize("max_gathered", [0, 1000])
def test_a_cursor_of_another_query_is_refused_or_harmless(open_index, monkeypatch, max_gathered):
    monkeypatch.setattr(plan_module, "MAX_GATHERED", max_gathered)
    samples = [Sample(0, 0, 0, "val", s, s, 0, "red", [1], 0.5, "front", 7, 0.1) for s in range(5)]
    index = open_index(make_store(Path("store"), samples))
    index.refresh()
    queries = ["", *SORTS, "sort:-loss", "car", "red sort:caption"]
    cursors = [index.images(parse_query(q), limit=1).cursor for q in queries]
    for query in queries:
        for cursor in filter(None, cursors):
            with suppress(QueryError):
                page = index.images(parse_query(query), cursor=cursor)
                assert len(page.items) <= len(samples)
