"""Stores made of records alone: any runs, writers, sessions, steps, repeats and revisits."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from filmstrip.folder import prepare_store, write_run_info
from filmstrip.record import (
    BoxLayer,
    ClassLabel,
    ImageRecord,
    RunInfo,
    ScoreColumn,
    SourceInfo,
    ValuesRecord,
)
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender

WORDS = ["red", "car", "cart", "Straße", "夜", "a_b", "100%"]
CLASSES = ["cat", "Dog", "class_7"]
LABELS = [ClassLabel(id=1, name="cat"), ClassLabel(id=2, name="Dog")]
CAMERAS = ["front", "back", 3, True, None, ["front", "left"], 2.5]
KEYS = ["val", "train/x", "зима"]
LOSSES = [0.1, 0.5, -1.0, {"$float": "NaN"}, {"$float": "Infinity"}, "text", 3]


@dataclass(frozen=True)
class Sample:
    """One image to be stored."""

    run: int
    rank: int
    session: int
    key: str
    step: int
    msecs: int
    picture: int
    caption: str | None
    classes: list[int] = field(default_factory=list)
    score: float | str | None = None
    camera: Any = None
    group: int | str | None = None
    loss: Any = None


SAMPLES = st.builds(
    Sample,
    run=st.integers(0, 1),
    rank=st.integers(0, 1),
    session=st.integers(0, 1),
    key=st.sampled_from(KEYS),
    step=st.sampled_from([-3, 0, 1, 2, 7, 2**62]),
    msecs=st.integers(0, 5),
    picture=st.integers(0, 3),
    caption=st.none() | st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
    classes=st.lists(st.sampled_from([1, 2, 7]), max_size=2),
    score=st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0, "NaN", "Infinity"]),
    camera=st.sampled_from(CAMERAS),
    group=st.none() | st.sampled_from([7, "A", "a"]),
    loss=st.none() | st.sampled_from(LOSSES),
)


def make_store(folder: Path, samples: list[Sample]) -> Path:
    """Store the samples in this order, each with the writer that its rank and session name."""
    store = prepare_store(folder)
    for run in {sample.run for sample in samples}:
        run_dir = store / "runs" / f"run{run}"
        run_dir.mkdir(exist_ok=True)
        info = RunInfo(id=f"run{run}", name=f"name {run}", project=f"p{run}", created=float(run))
        write_run_info(run_dir, info)
    append(store, samples)
    return store


def append(store: Path, samples: list[Sample], writer: str = "w") -> None:
    """Append the samples in new shards, those of a writer that follow each other at once."""
    appenders: dict[tuple[int, int, int], ShardAppender] = {}
    counts: dict[Any, int] = defaultdict(int)
    for name, batch in groupby(samples, key=lambda s: (s.run, s.rank, s.session)):
        run, rank, session = name
        if name not in appenders:
            run_dir = store / "runs" / f"run{run}"
            appenders[name] = ShardAppender(run_dir, f"r{rank}-s{session}-{writer}")
        encoded: list[EncodedImage | ValuesRecord] = []
        for sample in batch:
            place = (*name, sample.key, sample.step)
            encoded += _encoded(sample, counts[place])
            counts[place] += 1
        appenders[name].append(encoded)
    for appender in appenders.values():
        appender.close()


def _encoded(sample: Sample, index: int) -> list[EncodedImage | ValuesRecord]:
    data = bytes([sample.picture]) * 10
    time = 1.7e9 + sample.msecs / 1000
    record = ImageRecord(
        run_id=f"run{sample.run}",
        key=sample.key,
        step=sample.step,
        index=index,
        time=time,
        session=sample.session,
        rank=sample.rank,
        width=8,
        height=8,
        mode="L",
        format="png",
        caption=sample.caption,
        grouping=sample.group,
        meta={} if sample.camera is None else {"camera": sample.camera},
        boxes=_boxes(sample),
        source=SourceInfo(kind="numpy"),
        members=[],
    )
    member = EncodedMember("png", data, hashlib.sha256(data).digest())
    batch: list[EncodedImage | ValuesRecord] = [EncodedImage(record, [member])]
    if sample.loss is not None:
        batch.append(
            ValuesRecord(
                run_id=record.run_id, step=sample.step, time=time, session=sample.session,
                rank=sample.rank, values={"loss": sample.loss},
            )
        )  # fmt: skip
    return batch


def _boxes(sample: Sample) -> list[BoxLayer]:
    count = len(sample.classes)
    if not count:
        return []
    scores = [ScoreColumn(name="p", values=[sample.score] + [None] * (count - 1))]
    return [
        BoxLayer(
            name="boxes",
            xyxy=[[0, 0, 4, 4]] * count,
            class_id=list(sample.classes),
            scores=scores if sample.score is not None else [],
            class_labels=LABELS,
        )
    ]
