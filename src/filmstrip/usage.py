"""What takes how much in a store, to the byte: read from the shards, every file counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from filmstrip.folder import RUNS_DIR
from filmstrip.record import ImageRecord
from filmstrip.shard.read import ShardEnd, StoredSample, scan_shard
from filmstrip.shard.tar import END_OF_ARCHIVE

__all__ = ["KeyUsage", "OnBytes", "RunUsage", "StoreUsage", "measure_run", "measure_store"]

OnBytes: TypeAlias = Callable[[int, int], None]
"""Called as ``on_bytes(done, total)`` while shards are read; both count bytes."""


@dataclass(slots=True, kw_only=True)
class KeyUsage:
    """What the images of a key take, superseded ones too."""

    key: str
    images: int = 0
    picture_bytes: int = 0
    """Of pictures that are stored with these images."""
    mask_bytes: int = 0
    record_bytes: int = 0
    header_bytes: int = 0
    """Of tar headers, and what fills up tar's blocks."""
    shared_bytes: int = 0
    """Of pictures and masks that are stored with an earlier image: they are counted there."""
    size_bytes: int = 0
    """All but the shared ones."""


@dataclass(slots=True, kw_only=True)
class RunUsage:
    """What a run takes; `size_bytes` is the size of all its files."""

    run_id: str
    keys: list[KeyUsage] = field(default_factory=list)
    """Largest first."""
    values: int = 0
    """How many records of numbers and texts there are."""
    values_bytes: int = 0
    ends_bytes: int = 0
    """Of the marks that end an archive."""
    unreadable_bytes: int = 0
    """Damaged or unfinished parts of shards."""
    spool_bytes: int = 0
    """Images that wait to be encoded, and room for more."""
    other_bytes: int = 0
    """The run's description, and whatever else is in its folder."""
    size_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class StoreUsage:
    """What a store takes; `size_bytes` is the size of all its files."""

    path: str
    runs: list[RunUsage]
    """Largest first."""
    other_bytes: int
    """The index, and whatever else is in the store's folder outside its runs."""
    size_bytes: int


def measure_store(path: Path, *, on_bytes: OnBytes | None = None) -> StoreUsage:
    """Return what each run and key of a store takes.

    Parameters
    ----------
    path
        The store's folder.
    on_bytes
        See `OnBytes`.

    Raises
    ------
    OSError
        A file cannot be read.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="r1") as run:
    ...         for step in range(3):
    ...             run.log({"x": filmstrip.Image(np.eye(8))}, step=step)
    ...     usage = measure_store(Path(folder))
    ...     files = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    >>> key = usage.runs[0].keys[0]
    >>> key.images, key.shared_bytes == 2 * key.picture_bytes, usage.size_bytes == files
    (3, True, True)
    """
    runs_dir = path / RUNS_DIR
    run_dirs = sorted(entry for entry in runs_dir.iterdir() if entry.is_dir())
    total, done = sum(_shard_bytes(run_dir) for run_dir in run_dirs), 0
    runs = []
    for run_dir in run_dirs:
        runs.append(measure_run(run_dir, on_bytes=_within(on_bytes, done, total)))
        done += _shard_bytes(run_dir)
    runs.sort(key=lambda run: (-run.size_bytes, run.run_id))
    other_bytes = sum(
        size_bytes
        for file, size_bytes in _files(path)
        if not _is_in_run(file.relative_to(path).parts)
    )
    size_bytes = other_bytes + sum(run.size_bytes for run in runs)
    return StoreUsage(path=str(path), runs=runs, other_bytes=other_bytes, size_bytes=size_bytes)


def measure_run(run_dir: Path, *, on_bytes: OnBytes | None = None) -> RunUsage:
    """Return what each key of a run takes.

    Parameters
    ----------
    run_dir
        The run's folder.
    on_bytes
        See `OnBytes`.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    usage = RunUsage(run_id=run_dir.name)
    keys: dict[str, KeyUsage] = {}
    total, done = _shard_bytes(run_dir), 0
    for file, size_bytes in _files(run_dir):
        usage.size_bytes += size_bytes
        if file.suffix == ".tar" and file.parent == run_dir:
            for offset in _measure_shard(file, size_bytes, usage, keys):
                if on_bytes is not None:
                    on_bytes(done + offset, total)
            done += size_bytes
        elif file.suffix == ".spool":
            usage.spool_bytes += size_bytes
        else:
            usage.other_bytes += size_bytes
    usage.keys = sorted(keys.values(), key=lambda key: (-key.size_bytes, key.key))
    return usage


def _measure_shard(
    shard: Path, size_bytes: int, usage: RunUsage, keys: dict[str, KeyUsage]
) -> Iterator[int]:
    """Add what stands in a shard; yield the byte offset up to which that is done."""
    left_bytes = size_bytes
    for found in scan_shard(shard):
        if isinstance(found, StoredSample) and found.end_offset <= size_bytes:
            left_bytes -= found.size_bytes
            if isinstance(found.record, ImageRecord):
                key = keys.setdefault(found.record.key, KeyUsage(key=found.record.key))
                _add_image(key, found, found.record)
            else:
                usage.values += 1
                usage.values_bytes += found.size_bytes
            yield found.end_offset
        elif isinstance(found, ShardEnd):
            ends_bytes = min(left_bytes, len(END_OF_ARCHIVE))
            usage.ends_bytes += ends_bytes
            left_bytes -= ends_bytes
    usage.unreadable_bytes += left_bytes


def _add_image(key: KeyUsage, sample: StoredSample, record: ImageRecord) -> None:
    masks = {layer.member for layer in record.masks}
    key.images += 1
    key.size_bytes += sample.size_bytes
    key.record_bytes += sample.line_bytes
    rest_bytes = sample.size_bytes - sample.line_bytes
    for member in record.members:
        if member.name not in sample.locations:
            key.shared_bytes += member.size_bytes
            continue
        rest_bytes -= member.size_bytes
        if member.name in masks:
            key.mask_bytes += member.size_bytes
        else:
            key.picture_bytes += member.size_bytes
    key.header_bytes += rest_bytes


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield every file and its size in bytes; what is deleted meanwhile is left out."""
    for path in sorted(folder.rglob("*")):
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        if not path.is_dir():
            yield path, stat.st_size


def _is_in_run(parts: tuple[str, ...]) -> bool:
    """Return whether a file of the store, by the parts of its path there, belongs to a run."""
    return len(parts) > 2 and parts[0] == RUNS_DIR


def _shard_bytes(run_dir: Path) -> int:
    return sum(size for file, size in _files(run_dir) if file.suffix == ".tar")


def _within(on_bytes: OnBytes | None, before: int, total: int) -> OnBytes | None:
    return None if on_bytes is None else lambda done, _: on_bytes(before + done, total)
