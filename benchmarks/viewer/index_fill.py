"""How many images a second the index takes in, from shards of rich records."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from filmstrip.folder import prepare_store, write_run_info
from filmstrip.index import Index
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

NUM_RUNS = 5
WORDS = tuple("red blue car cat dog tree house sky person on the a with under night day".split())  # noqa: SIM905
LABELS = [ClassLabel(id=i, name=name) for i, name in enumerate(WORDS[2:9])]


@dataclass(frozen=True)
class FillTiming:
    """How long filling took; the processor time includes that of the process that reads ahead."""

    num_images: int
    wall_secs: float
    cpu_secs: float

    @property
    def per_sec(self) -> float:
        return self.num_images / self.wall_secs

    @property
    def per_cpu_sec(self) -> float:
        return self.num_images / self.cpu_secs


def make_store(folder: Path, num_images: int, *, size_bytes: int) -> Path:
    """Write shards of images of five words, three boxes and two fields of meta, ten a step."""
    store, rng = prepare_store(folder), random.Random(1)
    for run in range(NUM_RUNS):
        run_dir = store / "runs" / f"run{run}"
        run_dir.mkdir()
        info = RunInfo(id=run_dir.name, name=run_dir.name, project="p", created=1.7e9)
        write_run_info(run_dir, info)
        appender = ShardAppender(run_dir, "r0-s0-fill")
        for step in range(num_images // NUM_RUNS // 10):
            appender.append(_step(rng, run_dir.name, step, size_bytes))
        appender.close()
    return store


def time_filling(store: Path, url: str | None = None) -> FillTiming:
    """Fill an empty index."""
    index = Index.open(store, url)
    wall, cpu = time.perf_counter(), _cpu_secs()
    num_images = index.refresh().num_images
    timing = FillTiming(num_images, time.perf_counter() - wall, _cpu_secs() - cpu)
    index.close()
    return timing


def _cpu_secs() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _step(
    rng: random.Random, run_id: str, step: int, size_bytes: int
) -> list[EncodedImage | ValuesRecord]:
    now = 1.7e9 + step / 10
    values = {"loss": rng.random(), "accuracy": rng.random()}
    batch: list[EncodedImage | ValuesRecord] = [
        ValuesRecord(run_id=run_id, step=step, time=now, values=values)
    ]
    for i in range(10):
        layer = BoxLayer(
            name="predictions",
            xyxy=[[rng.random() * 200, rng.random() * 200, 300.5, 400.25] for _ in range(3)],
            class_id=[rng.randrange(7) for _ in range(3)],
            scores=[ScoreColumn(name="confidence", values=[rng.random() for _ in range(3)])],
            class_labels=LABELS,
        )
        record = ImageRecord(
            run_id=run_id, key="val" if i < 5 else "train/examples", step=step, index=i % 5,
            time=now, width=512, height=512, mode="RGB", format="png",
            caption=" ".join(rng.choices(WORDS, k=5)), boxes=[layer],
            meta={"camera": rng.choice(["front", "back"]), "speed": rng.random()},
            source=SourceInfo(kind="numpy", dtype="uint8", shape=[512, 512, 3]), members=[],
        )  # fmt: skip
        data = os.urandom(size_bytes)
        batch.append(EncodedImage(record, [EncodedMember("png", data, os.urandom(32))]))
    return batch
