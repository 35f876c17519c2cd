"""Reading back: a store, its runs, and the images in them.

A run is what its shards say. They are scanned once and then only as far as they have grown, so a
run that is being written can be read at any time.
"""

from __future__ import annotations

import builtins
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from filmstrip.errors import DamagedError, KeyNotFoundError, RunNotFoundError
from filmstrip.folder import RUNS_DIR, default_store_dir, find_store, read_run_info
from filmstrip.freeform import from_json_value
from filmstrip.record import (
    ClassLabel,
    ImageRecord,
    Member,
    RecordDamagedError,
    RunInfo,
    SourceInfo,
    ValuesRecord,
)
from filmstrip.shard.read import Damage, Location, StoredSample, read_member, scan_shard

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.media.classes import Classes
    from filmstrip.media.masks import ImageMask

__all__ = ["LoggedImage", "LoggedValues", "Store", "StoredRun", "open"]


def open(path: str | os.PathLike[str] | None = None) -> Store:  # noqa: A001  # filmstrip.open is the API
    """Return the store at a path, by default ``FILMSTRIP_DIR`` or ``.filmstrip``.

    Raises
    ------
    StoreNotFoundError
        There is nothing at this path.
    StoreError
        There is something, but no store.
    """
    return Store(find_store(default_store_dir() if path is None else Path(path)))


class Store:
    """A folder of runs; `filmstrip.open` returns it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self) -> list[StoredRun]:
        """Return the runs, oldest first."""
        found = [StoredRun(d) for d in sorted((self.path / RUNS_DIR).iterdir()) if d.is_dir()]
        return sorted(found, key=lambda run: (run.info.created, run.id))

    def run(self, run_id: str) -> StoredRun:
        """Return one run.

        Raises
        ------
        RunNotFoundError
            The store has no run of this id.
        """
        names = sorted(d.name for d in (self.path / RUNS_DIR).iterdir() if d.is_dir())
        if run_id not in names:
            raise RunNotFoundError(run_id, known=names)
        return StoredRun(self.path / RUNS_DIR / run_id)

    def remove(self, run_id: str) -> None:
        """Delete a run and all it holds.

        Raises
        ------
        RunNotFoundError
            The store has no run of this id.
        OSError
            A file cannot be deleted.
        """
        shutil.rmtree(self.run(run_id).dir)

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"


@dataclass(slots=True)
class _Shards:
    """What has been read of a run's shards so far."""

    ends: dict[Path, int] = field(default_factory=dict)
    samples: list[StoredSample] = field(default_factory=list)
    damages: dict[Path, list[Damage]] = field(default_factory=dict)
    first_copies: dict[str, Location] = field(default_factory=dict)
    """Where the bytes of each digest are stored."""

    def refresh(self, run_dir: Path) -> None:
        for shard in sorted(run_dir.glob("*.tar")):
            start = self.ends.get(shard, 0)
            if shard.stat().st_size > start:
                self._read(shard, start)

    def _read(self, shard: Path, start: int) -> None:
        self.damages[shard] = []
        for found in scan_shard(shard, start=start):
            if isinstance(found, Damage):
                self.damages[shard].append(found)
            elif isinstance(found, StoredSample):
                self.samples.append(found)
                self.ends[shard] = found.end_offset
                if isinstance(found.record, ImageRecord):
                    self._note_copies(found.record.members, found)

    def _note_copies(self, members: Iterable[Member], sample: StoredSample) -> None:
        for member in members:
            location = sample.locations.get(member.name)
            if location is not None:
                self.first_copies.setdefault(member.sha256, location)


class StoredRun:
    """A run in a store."""

    def __init__(self, run_dir: Path) -> None:
        self.dir = run_dir
        self._shards = _Shards()

    @property
    def id(self) -> str:
        """Name of the run in the store."""
        return self.dir.name

    @property
    def info(self) -> RunInfo:
        """Name, project, config, state, …; a bare one when ``run.json`` is missing or damaged."""
        try:
            return read_run_info(self.dir)
        except (OSError, RecordDamagedError):
            created = self.dir.stat().st_mtime
            return RunInfo(id=self.id, name=self.id, project="uncategorized", created=created)

    @property
    def config(self) -> dict[str, Any]:
        """The hyperparameters, as they were given."""
        config: dict[str, Any] = from_json_value(self.info.config)
        return config

    @property
    def size_bytes(self) -> int:
        """Size of the run's files."""
        return sum(file.stat().st_size for file in self.dir.iterdir() if file.is_file())

    def keys(self) -> list[str]:
        """Return the keys that have images, in the order they were first logged."""
        return list(dict.fromkeys(record.key for record, _ in self._image_samples()))

    def steps(self, key: str) -> list[int]:
        """Return the steps at which a key has images, in ascending order.

        Raises
        ------
        KeyNotFoundError
            The run has no images under this key.
        """
        found = sorted({record.step for record, _ in self._image_samples() if record.key == key})
        if not found:
            raise KeyNotFoundError(key, known=self.keys())
        return found

    def images(self, key: str, steps: int | Iterable[int] | None = None) -> list[LoggedImage]:
        """Return the images of a key, by step and then in the order they were logged.

        Parameters
        ----------
        key
            As it was logged.
        steps
            Only these; a step without images gives none. All by default.

        Raises
        ------
        KeyNotFoundError
            The run has no images under this key.
        """
        wanted = None if steps is None else {steps} if isinstance(steps, int) else set(steps)
        found = [pair for pair in self._image_samples() if pair[0].key == key]
        if not found:
            raise KeyNotFoundError(key, known=self.keys())
        newest: dict[int, int] = {}
        for record, _ in found:
            newest[record.step] = max(newest.get(record.step, 0), record.session)
        shown = [
            pair
            for pair in found
            if pair[0].session == newest[pair[0].step]
            and (wanted is None or pair[0].step in wanted)
        ]
        shown.sort(key=lambda pair: (pair[0].step, pair[0].rank, pair[0].time, pair[0].index))
        images: list[LoggedImage] = []
        for place, (record, sample) in enumerate(shown):
            is_same_step = place > 0 and shown[place - 1][0].step == record.step
            index = images[-1].index + 1 if is_same_step else 0
            images.append(LoggedImage(record, index, self._locate(record, sample), self.dir))
        return images

    def values(self) -> list[LoggedValues]:
        """Return the numbers and texts, one entry a step, in ascending order.

        Of a key logged again at a step, the value logged last counts.
        """
        by_step: dict[int, LoggedValues] = {}
        records = [s.record for s in self._samples() if isinstance(s.record, ValuesRecord)]
        for record in sorted(
            records, key=lambda record: (record.step, record.session, record.time)
        ):
            values = from_json_value(record.values)
            merged = by_step.setdefault(record.step, LoggedValues(record.step, record.time, {}))
            merged.values.update(values)
        return list(by_step.values())

    def damages(self) -> list[Damage]:
        """Return the places in the shards that were skipped because they are not whole."""
        self._shards.refresh(self.dir)
        return [damage for found in self._shards.damages.values() for damage in found]

    def _samples(self) -> list[StoredSample]:
        self._shards.refresh(self.dir)
        return self._shards.samples

    def _image_samples(self) -> list[tuple[ImageRecord, StoredSample]]:
        return [(s.record, s) for s in self._samples() if isinstance(s.record, ImageRecord)]

    def _locate(self, record: ImageRecord, sample: StoredSample) -> dict[str, Location]:
        """Return where each member's bytes are; members without bytes anywhere are left out."""
        copies = self._shards.first_copies
        located = {
            m.name: sample.locations.get(m.name) or copies.get(m.sha256) for m in record.members
        }
        return {name: location for name, location in located.items() if location is not None}

    def __repr__(self) -> str:
        return f"StoredRun({self.id!r})"


@dataclass(frozen=True, slots=True)
class LoggedValues:
    """Numbers and texts of one step."""

    step: int
    time: float
    """When the step's first value was logged, in seconds since 1970 UTC."""
    values: dict[str, bool | int | float | str | None]


class LoggedImage:
    """An image as it was logged; its bytes are read when they are asked for, and checked."""

    __slots__ = ("_index", "_locations", "_record", "_run_dir")

    def __init__(
        self, record: ImageRecord, index: int, locations: dict[str, Location], run_dir: Path
    ) -> None:
        self._record, self._index = record, index
        self._locations, self._run_dir = locations, run_dir

    @property
    def record(self) -> ImageRecord:
        """All that is stored beside the pixels."""
        return self._record

    @property
    def run_id(self) -> str:
        """The run that the image was logged in."""
        return self._record.run_id

    @property
    def key(self) -> str:
        """The key that it was logged under."""
        return self._record.key

    @property
    def step(self) -> int:
        """The step that it was logged at."""
        return self._record.step

    @property
    def index(self) -> int:
        """Place among the images of its key and step, from 0."""
        return self._index

    @property
    def rank(self) -> int:
        """The process that logged it, of several that log to one run."""
        return self._record.rank

    @property
    def time(self) -> float:
        """When it was logged, in seconds since 1970 UTC."""
        return self._record.time

    @property
    def width(self) -> int:
        """Width in pixels, as displayed."""
        return self._record.width

    @property
    def height(self) -> int:
        """Height in pixels, as displayed."""
        return self._record.height

    @property
    def mode(self) -> str:
        """PIL mode of what is stored."""
        return self._record.mode

    @property
    def format(self) -> str:
        """File type of what is stored."""
        return self._record.format

    @property
    def caption(self) -> str | None:
        """Text shown with the image."""
        return self._record.caption

    @property
    def grouping(self) -> int | str | None:
        """Label of the group that it is shown with."""
        return self._record.grouping

    @property
    def meta(self) -> dict[str, Any]:
        """What was given as ``meta``."""
        meta: dict[str, Any] = from_json_value(self._record.meta)
        return meta

    @property
    def source(self) -> SourceInfo:
        """What ``Image`` was given, and what the pixel rule made of it."""
        return self._record.source

    @property
    def size_bytes(self) -> int:
        """Size of the stored picture."""
        return self._picture.size_bytes

    @property
    def digest(self) -> str:
        """sha256 of the stored picture, in hex."""
        return self._picture.sha256

    @property
    def classes(self) -> Classes | None:
        """Names of class ids, when the image was given some."""
        from filmstrip.media.classes import Classes

        return Classes(self._record.classes) if self._record.classes else None

    @property
    def boxes(self) -> dict[str, BoundingBoxes2D]:
        """Boxes by layer, in pixels."""
        from filmstrip.media.boxes import BoundingBoxes2D

        return {layer.name: BoundingBoxes2D.from_layer(layer) for layer in self._record.boxes}

    @property
    def masks(self) -> dict[str, ImageMask]:
        """Masks by layer; reads and decodes them.

        Raises
        ------
        DamagedError
            The bytes of a mask are not those that were written.
        """
        return {
            layer.name: self._mask(layer.member, layer.class_labels) for layer in self._record.masks
        }

    def bytes(self) -> builtins.bytes:
        """Return the stored file.

        Raises
        ------
        DamagedError
            The bytes are not those that were written.
        """
        return self._read(self._picture)

    def pil(self) -> PILImage:
        """Return the picture as displayed: EXIF orientation applied.

        Raises
        ------
        DamagedError
            The bytes are not those that were written.
        """
        from filmstrip.media.files import open_encoded

        return open_encoded(self.bytes())[1]

    def array(self) -> npt.NDArray[Any]:
        """Return the pixels: (H, W) or (H, W, C); uint8, uint16 of 16-bit pictures, bool of ``1``.

        Raises
        ------
        DamagedError
            The bytes are not those that were written.
        """
        import numpy as np

        return np.array(self.pil())

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON holds it, for printing."""
        record: dict[str, Any] = msgspec.to_builtins(self._record)
        return record

    @property
    def _picture(self) -> Member:
        return self._record.members[0]

    def _mask(self, member_name: str, labels: list[ClassLabel]) -> ImageMask:
        from filmstrip.codec.masks import decode_mask
        from filmstrip.media.masks import ImageMask

        member = next(m for m in self._record.members if m.name == member_name)
        return ImageMask.from_ids(decode_mask(self._read(member)), labels)

    def _read(self, member: Member) -> builtins.bytes:
        location = self._locations.get(member.name)
        if location is None:
            shard = self._run_dir / (member.link_shard or "?")
            raise DamagedError(
                f"no whole copy of {member.link or member.name!r}", shard=shard, offset=0
            )
        return read_member(location, member)

    def __repr__(self) -> str:
        return (
            f"LoggedImage({self.key!r}, step {self.step}, index {self.index}, "
            f"{self.width} × {self.height} {self.format})"
        )
