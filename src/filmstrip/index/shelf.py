"""The files behind an index: runs and shards on disk, and records read by offset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filmstrip.folder import RUN_FILE, RUNS_DIR
from filmstrip.record import (
    ImageRecord,
    Record,
    RecordDamagedError,
    RunInfo,
    decode_record,
    decode_run_info,
    encode_run_info,
)
from filmstrip.shard.read import Damage, Location, scan_shard
from filmstrip.shard.revisits import read_line

__all__ = ["ShardFile", "Shelf", "read_tail"]

_TAIL_BYTES = len(b'"crc32":"01234567"}')
"""How much of a record's end is kept, to know it again."""


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A shard as it is on disk now."""

    path: Path
    inode: int
    size_bytes: int
    mtime_ns: int


class Shelf:
    """The runs of a store as files."""

    def __init__(self, store_dir: Path) -> None:
        self.runs_dir = store_dir / RUNS_DIR

    def run_ids(self) -> list[str]:
        """Return the runs there are.

        Raises
        ------
        OSError
            The store is gone, or cannot be read.
        """
        return sorted(entry.name for entry in self.runs_dir.iterdir() if entry.is_dir())

    def info_bytes(self, run_id: str) -> bytes:
        """Return ``run.json``, or a bare one when it is missing or damaged."""
        run_dir = self.runs_dir / run_id
        try:
            text = (run_dir / RUN_FILE).read_bytes()
            decode_run_info(text)
        except (OSError, RecordDamagedError):
            return encode_run_info(_bare_info(run_dir))
        return text

    def shards(self, run_id: str) -> list[ShardFile]:
        """Return the shards of a run by name; those that vanish meanwhile are left out."""
        found = []
        for path in sorted((self.runs_dir / run_id).glob("*.tar")):
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append(ShardFile(path, stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return found

    def has_tail(self, path: Path, offset: int, tail: bytes) -> bool:
        """Return whether these bytes still end at this place of a shard."""
        return not tail or read_tail(path, offset) == tail

    def damaged_members(self, run_id: str, shard: str) -> dict[str, Location]:
        """Return where files stand in samples that are not whole; links elsewhere may name them."""
        found: dict[str, Location] = {}
        try:
            for damage in scan_shard(self.runs_dir / run_id / shard):
                if isinstance(damage, Damage):
                    for name, location in damage.locations.items():
                        found[f"{damage.sample}.{name}"] = location
        except OSError:
            pass  # the shard is gone, and its bytes with it
        return found

    def record(self, run_id: str, shard: str, offset: int, size_bytes: int) -> Record:
        """Return the record that stands at a place.

        Raises
        ------
        RecordDamagedError
            It does not, or the shard cannot be read.
        """
        try:
            with (self.runs_dir / run_id / shard).open("rb", buffering=0) as file:
                line = read_line(file, offset, size_bytes)
        except OSError as error:
            raise RecordDamagedError(f"the shard cannot be read: {error}") from error
        return decode_record(line)

    def images(self, places: Sequence[tuple[str, str, int, int]]) -> list[ImageRecord | None]:
        """Return the image records at some places; ``None`` where there is none.

        Parameters
        ----------
        places
            Run, shard, offset and size in bytes of each.
        """
        by_shard: dict[tuple[str, str], list[int]] = defaultdict(list)
        for i, place in enumerate(places):
            by_shard[place[:2]].append(i)
        found: list[ImageRecord | None] = [None] * len(places)
        for (run_id, shard), its_places in by_shard.items():
            with (
                suppress(OSError),
                (self.runs_dir / run_id / shard).open("rb", buffering=0) as file,
            ):
                for i in its_places:
                    found[i] = _image(file, *places[i][2:])
        return found


def _image(file: BinaryIO, offset: int, size_bytes: int) -> ImageRecord | None:
    try:
        record = decode_record(read_line(file, offset, size_bytes))
    except RecordDamagedError:
        return None
    return record if isinstance(record, ImageRecord) else None


def read_tail(path: Path, offset: int) -> bytes:
    """Return the end of the record that ends at an offset; nothing when it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(max(0, offset - _TAIL_BYTES))
            return file.read(_TAIL_BYTES)
    except OSError:
        return b""


def _bare_info(run_dir: Path) -> RunInfo:
    try:
        created = run_dir.stat().st_mtime
    except OSError:
        created = 0.0
    return RunInfo(id=run_dir.name, name=run_dir.name, project="uncategorized", created=created)
