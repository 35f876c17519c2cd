"""What the processes under test log: every pixel follows from who logged it, when and where."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import filmstrip
from filmstrip.record import ImageRecord, ValuesRecord
from filmstrip.verify import verify_store

SIZES = {"small": (12, 9), "middle": (96, 128), "tile": (160, 160), "large": (500, 500)}
"""(height, width) of the pictures, by load."""

_SHARED_EVERY = 5
"""Every so many steps all pictures are the same one again; but for the first, which has a mask of
its own, they bring no file then."""

_KEPT_FILES = ("run.json", "r*-s*.json", "r*-s*.tar")


@cache
def _noise(load: str) -> npt.NDArray[np.uint8]:
    shape = (*SIZES[load], 3)
    return np.random.default_rng(len(load)).integers(0, 256, shape, dtype=np.uint8)


def pixels(load: str, process: int, step: int, index: int) -> npt.NDArray[np.uint8]:
    """Return the picture that a process logs as the so-manyeth of a step."""
    if step % _SHARED_EVERY == 0:
        return _noise(load)
    made = _noise(load) ^ np.uint8((7 * process + 3 * step + index) % 255 + 1)
    name = np.frombuffer(b"%4d%8d%4d" % (process, step, index), np.uint8)
    made.reshape(-1)[: len(name)] = name
    return made


def ids(load: str, process: int, step: int) -> npt.NDArray[np.uint16]:
    """Return the mask that lies over each picture of a step."""
    height, width = SIZES[load]
    return (np.arange(height * width, dtype=np.uint16) + process + step).reshape(height, width)


def log_step(run: filmstrip.Run, load: str, process: int, step: int, num_images: int = 3) -> None:
    """Log a step: a number, and so many pictures, the first of them with a mask."""
    run.log(step_data(load, process, step, num_images), step=step)


def step_data(load: str, process: int, step: int, num_images: int = 3) -> dict[str, Any]:
    """Return what a process logs at a step; each call makes new images."""
    images = [
        filmstrip.Image(
            pixels(load, process, step, index),
            caption=f"{process}/{step}/{index}",
            masks={"m": {"mask_data": ids(load, process, step)}} if index == 0 else None,
        )
        for index in range(num_images)
    ]
    return {f"x{process}": images, f"loss{process}": step + 0.5}


@dataclass(frozen=True)
class Found:
    """What a run's shards hold of one process."""

    steps: dict[int, int]
    """How many pictures each step has."""
    values: list[int]
    """Steps whose number is there."""


def read_back(run_dir: Path, load: str) -> dict[int, Found]:
    """Return what each process has stored; fails when something is altered, doubled, or misplaced.

    Checks the views and the shards behind them: order is that of ``log()`` in every writer's.
    """
    run = filmstrip.open(run_dir.parents[1]).run(run_dir.name)
    assert run.damages() == []
    found: dict[int, Found] = defaultdict(lambda: Found({}, []))
    seen: Counter[tuple[object, ...]] = Counter()
    by_writer: dict[str, list[int]] = defaultdict(list)
    for shard, samples in sorted(run.samples_by_shard().items()):
        writer = shard.name.rpartition("-")[0]
        for record in (sample.record for sample in samples):
            by_writer[writer].append(record.seq)
            if isinstance(record, ImageRecord):
                seen["image", record.caption] += 1
            elif isinstance(record, ValuesRecord):
                ((key, value),) = record.values.items()
                assert value == record.step + 0.5
                seen["value", key, record.step] += 1
                found[int(key.removeprefix("loss"))].values.append(record.step)
    assert not [name for name, count in seen.items() if count > 1]
    for writer, seqs in by_writer.items():
        assert seqs == sorted(set(seqs)), f"{writer} is not in order"
    for key in run.keys():  # noqa: SIM118
        process = int(key.removeprefix("x"))
        for image in run.images(key):
            assert image.caption == f"{process}/{image.step}/{image.index}"
            wanted = pixels(load, process, image.step, image.index)
            np.testing.assert_array_equal(image.array(), wanted)
            if image.index == 0:
                mask = image.masks["m"].array
                np.testing.assert_array_equal(mask, ids(load, process, image.step))
            steps = found[process].steps
            assert image.index == steps.get(image.step, 0)
            steps[image.step] = image.index + 1
    return dict(found)


def check_whole(found: Found, num_acknowledged: int, num_images: int = 3) -> None:
    """Fail unless every step whose ``log()`` had returned is whole, and at most one more begun."""
    whole = list(range(num_acknowledged))
    assert found.values in (whole, [*whole, num_acknowledged])
    assert [found.steps.get(step) for step in whole] == [num_images] * num_acknowledged
    assert set(found.steps) <= {*whole, num_acknowledged}


def check_tidy(run_dir: Path) -> None:
    """Fail unless the store is well, and nothing but shards and descriptions is left of the run."""
    assert verify_store(filmstrip.open(run_dir.parents[1])).problems == ()
    left = [p.name for p in run_dir.iterdir() if not any(p.match(kept) for kept in _KEPT_FILES)]
    assert left == []
