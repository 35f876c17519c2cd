"""Reading a run's shards while they grow, and when they are replaced.

A shard is read once and then only as far as it has grown. One that was rewritten without some of
its images is another file under the same name: it is read anew.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filmstrip.record import ImageRecord, Member
from filmstrip.shard.names import Place
from filmstrip.shard.read import Damage, Location, StoredSample, scan_shard

__all__ = ["ShardsReader"]


@dataclass(slots=True)
class _Shard:
    """What has been read of one shard."""

    path: Path
    stat: os.stat_result
    """As it was before the last pass."""
    samples: list[StoredSample] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)

    def read(self, start: int) -> None:
        self.damages = [damage for damage in self.damages if damage.offset < start]
        for found in scan_shard(self.path, start=start):
            if isinstance(found, Damage):
                self.damages.append(found)
            elif isinstance(found, StoredSample):
                self.samples.append(found)

    def is_grown(self, stat: os.stat_result) -> bool:
        """Return whether this is the file that was read before, with more at its end."""
        if not os.path.samestat(stat, self.stat):
            return False
        # A deleted file's inode number may be given to a new one: look at what was read last.
        if not self.samples:
            return True
        last = self.samples[-1]
        return next(scan_shard(self.path, start=last.offset), None) == last


class ShardsReader:
    """What stands in a run's shards; `refresh` brings it up to date.

    Parameters
    ----------
    run_dir
        The run's folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._shards: dict[Path, _Shard] = {}
        self._by_place: dict[Place, Location] = {}
        self._by_digest: dict[str, list[Location]] | None = None

    def __reduce__(self) -> tuple[type[ShardsReader], tuple[Path]]:
        return ShardsReader, (self.run_dir,)  # an image may be sent to another process, its run not

    def refresh(self) -> None:
        """Read what is new; forget what is gone.

        Raises
        ------
        OSError
            A shard cannot be read.
        """
        before = list(self._shards.values())
        paths = sorted(self.run_dir.glob("*.tar"))
        self._shards = {path: self._refreshed(path) for path in paths}
        kept = {id(shard) for shard in self._shards.values()}
        if not all(id(shard) in kept for shard in before):
            self._by_place = {}
            for shard in self._shards.values():
                self._note_places(shard.path.name, shard.samples, shard.damages)

    def samples(self) -> list[StoredSample]:
        """Return every whole sample, shard by shard."""
        return [sample for shard in self._shards.values() for sample in shard.samples]

    def samples_by_shard(self) -> dict[Path, list[StoredSample]]:
        """Return every whole sample of each shard, empty shards too, by name of the shard."""
        return {path: list(shard.samples) for path, shard in self._shards.items()}

    def damages(self) -> list[Damage]:
        """Return the places that were skipped because they are not whole."""
        return [damage for shard in self._shards.values() for damage in shard.damages]

    def locate(self, sample: StoredSample) -> dict[str, Location]:
        """Return where each member's bytes are; members without bytes anywhere are left out."""
        record = sample.record
        members = record.members if isinstance(record, ImageRecord) else ()
        located = {
            member.name: sample.locations.get(member.name) or self._link_target(member)
            for member in members
        }
        return {name: location for name, location in located.items() if location is not None}

    def copies(self, member: Member) -> list[Location]:
        """Return every place of these bytes, after a look at what has changed.

        Raises
        ------
        OSError
            A shard cannot be read.
        """
        self.refresh()
        return self._copies(member)

    def _refreshed(self, path: Path) -> _Shard:
        stat = path.stat()
        shard = self._shards.get(path)
        if shard is not None and _identity(stat) == _identity(shard.stat):
            return shard
        if shard is None or not shard.is_grown(stat):
            shard = _Shard(path, stat)
        num_known = len(shard.samples)
        shard.stat = stat
        shard.read(shard.samples[-1].end_offset if shard.samples else 0)
        self._note_places(path.name, shard.samples[num_known:], shard.damages)
        self._by_digest = None
        return shard

    def _note_places(
        self, shard: str, samples: Sequence[StoredSample], damages: Sequence[Damage]
    ) -> None:
        """Note where bytes stand that links may name; also those of samples that are not whole."""
        named = [(sample.path, sample.locations) for sample in samples]
        for path, locations in named + [(damage.sample, damage.locations) for damage in damages]:
            for member, location in locations.items():
                self._by_place[Place(shard, f"{path}.{member}")] = location

    def _link_target(self, member: Member) -> Location | None:
        """Return where the bytes of a link are.

        While a run is pruned, what a link names may be a link itself for a moment, or until the
        next prune when that one was killed: then the bytes are known by their digest.
        """
        target = self._by_place.get(Place(member.link_shard, member.link))
        return target or next(iter(self._copies(member)), None)

    def _copies(self, member: Member) -> list[Location]:
        if self._by_digest is None:
            self._by_digest = defaultdict(list)
            for sample in self.samples():
                record = sample.record
                for each in record.members if isinstance(record, ImageRecord) else ():
                    if (location := sample.locations.get(each.name)) is not None:
                        self._by_digest[each.sha256].append(location)
        return self._by_digest.get(member.sha256, [])


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
