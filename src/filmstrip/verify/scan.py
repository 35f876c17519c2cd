"""Scanning a shard for a check: torn ends are given time to grow, damages come with their cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from filmstrip.shard.read import Damage, DamageKind, ShardEnd, StoredSample, scan_shard

__all__ = ["BadHeader", "Found", "scan_with_causes"]

_MAX_SCANS = 4
"""How often the growing end of a running run is looked at before it counts as torn."""

Found: TypeAlias = StoredSample | Damage | ShardEnd


@dataclass(frozen=True, slots=True)
class BadHeader:
    """A damaged header, and the sample that lacks a member for it when its record is whole."""

    damage: Damage
    consequence: Damage | None


def scan_with_causes(shard: Path, *, is_growing: bool) -> Iterator[Found | BadHeader]:
    """Yield what `scan_shard` does, a damaged header and the sample it belongs to as one.

    Parameters
    ----------
    shard
        Path of the file.
    is_growing
        Whether a writer may be at work: then a torn end is read again when it has grown since.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    return _with_causes(_settled_scan(shard, is_growing=is_growing))


def _settled_scan(shard: Path, *, is_growing: bool) -> Iterator[Found]:
    """Yield what `scan_shard` does; a torn end that has grown since is read again."""
    start = 0
    for scans_left in reversed(range(_MAX_SCANS)):
        size_bytes = shard.stat().st_size
        torn: Damage | None = None
        for found in scan_shard(shard, start=start):
            is_torn = isinstance(found, Damage) and found.kind is DamageKind.TORN
            if isinstance(found, Damage) and is_torn and is_growing and scans_left:
                torn = found
            else:
                yield found
        if torn is None:
            return
        if shard.stat().st_size == size_bytes:
            yield torn
            return
        start = torn.offset


def _with_causes(found: Iterable[Found]) -> Iterator[Found | BadHeader]:
    """Yield what was found, a damaged header together with the sample that lacks its member."""
    header: Damage | None = None
    for item in found:
        if isinstance(item, Damage) and item.kind is DamageKind.MISSING and header is not None:
            yield BadHeader(header, item)
            header = None
            continue
        if header is not None:
            yield BadHeader(header, None)
            header = None
        if isinstance(item, Damage) and item.kind is DamageKind.HEADER:
            header = item
        else:
            yield item
    if header is not None:
        yield BadHeader(header, None)
