"""Runs to export, small and real: logged through the public API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import filmstrip
from filmstrip.shard.read import StoredSample, scan_shard

HOSTILE_KEYS = (
    "../../etc/passwd",
    "a/b",
    "ключ",
    "k" * 300,
    "line\nbreak",
    "nul\0key",
    "con",
    "Plain",
    "plain",
    "/etc/passwd",
    "..",
)
NUM_STEPS = 2


def annotated_image(seed: int, *, width: int = 12, height: int = 8, **options) -> filmstrip.Image:
    """Return a picture of its own colours with a layer of boxes and one of masks."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((height, width), np.uint8)
    ids[2:5, 1:7] = 1
    ids[5:, 8:] = 3
    boxes = filmstrip.BoundingBoxes2D.from_arrays(
        [[1, 2, 7, 5], [8, 5, 12, 8]],
        class_id=[1, 3],
        scores={"confidence": [0.75, 0.5]},
        class_labels={1: "cat", 3: "dog"},
    )
    return filmstrip.Image(
        rng.integers(0, 256, (height, width, 3), np.uint8),
        boxes={"found": boxes},
        masks={"truth": {"mask_data": ids, "class_labels": {1: "cat", 3: "dog"}}},
        **options,
    )


@pytest.fixture
def log_run(tmp_path) -> Callable[..., filmstrip.StoredRun]:
    """Log ``{step: {key: images}}`` and return the run as it is read back."""

    def log(data) -> filmstrip.StoredRun:
        store = tmp_path / "store"
        with filmstrip.init(dir=store, id="r1") as run:
            for step, values in data.items():
                run.log(values, step=step)
        return filmstrip.open(store).run("r1")

    return log


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory) -> filmstrip.StoredRun:
    """A run with one picture a step under each of `HOSTILE_KEYS`."""
    store = tmp_path_factory.mktemp("hostile")
    with filmstrip.init(dir=store, id="r1") as run:
        for step in range(NUM_STEPS):
            seeds = enumerate(HOSTILE_KEYS)
            run.log({key: annotated_image(100 * step + i) for i, key in seeds}, step=step)
    return filmstrip.open(store).run("r1")


@pytest.fixture
def faces_run(log_run) -> filmstrip.StoredRun:
    """A run with three steps of two pictures under one key."""
    return log_run(
        {
            step: {
                "faces": [
                    annotated_image(2 * step + index, caption=f"{step}, {index}")
                    for index in range(2)
                ]
            }
            for step in (0, 10, 20)
        }
    )


def flip_a_byte(run: filmstrip.StoredRun, *, key: str, step: int, member: str = "png") -> None:
    """Damage the stored bytes of the first picture of a step, which has to be stored in full."""
    for shard in sorted(Path(run.dir).glob("*.tar")):
        for found in scan_shard(shard):
            is_it = isinstance(found, StoredSample) and (
                getattr(found.record, "key", None) == key and found.record.step == step
            )
            if is_it:
                location = found.locations[member]
                place = location.offset + location.size_bytes // 2
                with shard.open("r+b") as file:
                    file.seek(place)
                    byte = file.read(1)[0]
                    file.seek(place)
                    file.write(bytes([byte ^ 0xFF]))
                return
    raise LookupError(key)


@pytest.fixture
def damaged_run(faces_run) -> filmstrip.StoredRun:
    """The run of `faces_run` in which the first picture of step 10 has a flipped byte."""
    flip_a_byte(faces_run, key="faces", step=10)
    return filmstrip.open(faces_run.dir.parent.parent).run(faces_run.id)


@pytest.fixture
def damage() -> Callable[..., None]:
    return flip_a_byte


@pytest.fixture
def make_image() -> Callable[..., filmstrip.Image]:
    return annotated_image


@pytest.fixture
def hostile_keys() -> tuple[str, ...]:
    return HOSTILE_KEYS
