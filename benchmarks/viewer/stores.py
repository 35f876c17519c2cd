"""The stores that the viewer is measured on, each made once and kept.

`archive` has 100,000 pictures of 512×512 in five runs of 500 steps, forty a step. Each run has
1,000 files of its own; the other pictures are these again, as when a script logs the same
validation images at every step. The files are the benchmark's 200 photos, losslessly encoded as
filmstrip does it, each with a number in a text chunk: other bytes, so that no cache knows them,
without the hour that encoding 5,000 more photos takes.
"""

import hashlib
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from filmstrip.codec.png import encode_png
from filmstrip.folder import prepare_store, write_run_info, write_writer_info
from filmstrip.record import ImageRecord, RunInfo, SourceInfo, ValuesRecord, WriterInfo
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender

PER_STEP: Final = 40
KEY: Final = "photos"
LARGE_SIDE: Final = 4096
PHOTO_SIDE: Final = 512
_START_SECS: Final = 1_700_000_000.0
_END_CHUNK_BYTES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """What a store holds.

    Attributes
    ----------
    name : str
        Its folder below the benchmark's work folder.
    runs, steps : int
        There are `PER_STEP` pictures in each step of each run.
    files_per_run : int
        Different files of a run, each stored once.
    side : int
        Pixels along each side.
    """

    name: str
    runs: int
    steps: int
    files_per_run: int
    side: int

    @property
    def num_images(self) -> int:
        return self.runs * self.steps * PER_STEP


ARCHIVE: Final = StorePlan(name="archive", runs=5, steps=500, files_per_run=1000, side=PHOTO_SIDE)
SMALL_ARCHIVE: Final = StorePlan(
    name="archive-small", runs=2, steps=50, files_per_run=400, side=PHOTO_SIDE
)
LARGE: Final = StorePlan(name="large", runs=1, steps=1, files_per_run=PER_STEP, side=LARGE_SIDE)
SMALL_LARGE: Final = StorePlan(
    name="large-small", runs=1, steps=1, files_per_run=PER_STEP, side=1024
)


def make_missing(
    plan: StorePlan, work: Path, arrays: dict[str, Path], announce: Callable[[str], None]
) -> Path:
    """Write the store unless it is there, and return its folder."""
    folder = work / "viewer" / plan.name
    if folder.exists():
        return folder
    announce(f"making {plan.num_images:,} pictures of {plan.side}×{plan.side} in {plan.name}")
    unfinished = folder.with_name(f"{plan.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    files = _encoded(plan.side, arrays)
    store = prepare_store(unfinished)
    for run in range(plan.runs):
        _write_run(store, plan, run, files)
    unfinished.rename(folder)
    return folder


def run_name(run: int) -> str:
    """Return the id of a run, which is its name too."""
    return f"run{run}"


def _encoded(side: int, arrays: dict[str, Path]) -> list[bytes]:
    """Return every source picture as a PNG file."""
    pixels = np.load(arrays["photos" if side == PHOTO_SIDE else "large"], mmap_mode="r")
    return [encode_png(np.ascontiguousarray(each[:side, :side])) for each in pixels]


def _write_run(store: Path, plan: StorePlan, run: int, files: Sequence[bytes]) -> None:
    run_dir = store / "runs" / run_name(run)
    run_dir.mkdir()
    appender = ShardAppender(run_dir, "r0-s0-bench")
    for batch in _batches(plan, run, files):
        appender.append(batch)
    appender.close()
    created = _START_SECS + run * 86_400
    write_writer_info(
        run_dir,
        WriterInfo(
            name="r0-s0-bench",
            started=created,
            finished=created + plan.steps,
            state="finished",
            shards=appender.sealed,
        ),
    )
    write_run_info(
        run_dir,
        RunInfo(
            id=run_dir.name,
            name=run_dir.name,
            project="bench",
            created=created,
            finished=created + plan.steps,
            state="finished",
        ),
    )


def _batches(
    plan: StorePlan, run: int, files: Sequence[bytes]
) -> Iterator[list[EncodedImage | ValuesRecord]]:
    """Give the batch of each step: its pictures, then its loss."""
    members = _members(plan, run, files)
    for step in range(plan.steps):
        time = _START_SECS + run * 86_400 + step
        images: list[EncodedImage | ValuesRecord] = [
            EncodedImage(
                _record(plan, run, step, index, time),
                [members[(step * PER_STEP + index) % len(members)]],
            )
            for index in range(PER_STEP)
        ]
        loss = ValuesRecord(
            run_id=run_name(run), step=step, time=time, values={"loss": 1 / (step + 1)}
        )
        yield [*images, loss]


def _members(plan: StorePlan, run: int, files: Sequence[bytes]) -> list[EncodedMember]:
    first = run * plan.files_per_run
    numbered = (
        _numbered(files[number % len(files)], number)
        for number in range(first, first + plan.files_per_run)
    )
    return [EncodedMember("png", data, hashlib.sha256(data).digest()) for data in numbered]


def _numbered(png: bytes, number: int) -> bytes:
    """Put a number into a text chunk before the last chunk (PNG 3rd edition, 11.3.3.2)."""
    chunk = b"tEXtComment\0" + b"%d" % number
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:-_END_CHUNK_BYTES] + framed + png[-_END_CHUNK_BYTES:]


def _record(plan: StorePlan, run: int, step: int, index: int, time: float) -> ImageRecord:
    return ImageRecord(
        run_id=run_name(run),
        key=KEY,
        step=step,
        index=index,
        time=time,
        width=plan.side,
        height=plan.side,
        mode="RGB",
        format="png",
        caption=f"photo {index} of step {step}",
        meta={"camera": f"cam{index % 4}"},
        source=SourceInfo(kind="numpy", dtype="uint8", shape=[plan.side, plan.side, 3]),
        members=[],
    )
