"""Where a writer's shards end: what is in them, and a torn tail cut off.

Only who holds the writer's lock may do this.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from filmstrip.record import ImageRecord
from filmstrip.shard.read import Damage, DamageKind, ShardEnd, StoredSample, scan_shard
from filmstrip.shard.tar import END_OF_ARCHIVE

__all__ = ["ShardsEnd", "mend_shards"]


@dataclass(frozen=True, slots=True)
class ShardsEnd:
    """Where a writer goes on."""

    next_seq: int
    """Sequence number of the first record that is not in the shards."""
    next_shard: int
    """Number of the shard to write next."""
    sealed: dict[str, int]
    """Size in bytes of each shard, all sealed now."""
    is_image: dict[int, bool]
    """For each sequence number in the newest shard whether an image has it."""


def mend_shards(run_dir: Path, writer: str) -> ShardsEnd:
    """Cut off what a kill left behind the last whole sample, seal the shard, and say what is there.

    Raises
    ------
    OSError
        A shard cannot be read or written.
    """
    shards = sorted(run_dir.glob(f"{writer}-*.tar"))
    is_image: dict[int, bool] = {}
    for shard in reversed(shards):
        is_image = _mended(shard)
        if is_image:
            break
    number = int(shards[-1].stem.rpartition("-")[2]) + 1 if shards else 0
    sizes = {one.name: one.stat().st_size for one in shards}
    return ShardsEnd(max(is_image, default=0) + 1, number, sizes, is_image)


def _mended(shard: Path) -> dict[int, bool]:
    """Seal a shard if it is not, and return its sequence numbers: whether each is an image's."""
    is_image: dict[int, bool] = {}
    end = 0
    found: StoredSample | Damage | ShardEnd | None = None
    for found in scan_shard(shard):
        if isinstance(found, StoredSample):
            is_image[found.record.seq] = isinstance(found.record, ImageRecord)
            end = found.end_offset
    is_torn = isinstance(found, Damage) and found.kind is DamageKind.TORN
    is_open = found is None or isinstance(found, StoredSample)
    if is_torn or is_open or _ends_inside_its_end(shard, found):
        with shard.open("r+b") as file:
            file.truncate(end if not isinstance(found, ShardEnd) else found.offset)
            file.seek(0, os.SEEK_END)
            file.write(END_OF_ARCHIVE)
    return is_image


def _ends_inside_its_end(shard: Path, found: StoredSample | Damage | ShardEnd | None) -> bool:
    if not isinstance(found, ShardEnd):
        return False
    return shard.stat().st_size != found.offset + len(END_OF_ARCHIVE)
