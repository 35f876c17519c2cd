"""What becomes of each shard of a writer when some of its images go: a plan, nothing is written.

A dropped image may own bytes that later ones link to. The first image that stays gets them, and
later ones link to it, as if the dropped image had never been logged. Links point backwards, so
when shards are replaced from the last to the first, at each instant every link ends at bytes,
perhaps by way of another link: what it names has the bytes already, or links to where they still
are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from filmstrip.record import ImageRecord, Member
from filmstrip.shard.names import Place
from filmstrip.shard.read import Location, StoredSample
from filmstrip.shard.tar import MAX_PATH_BYTES

__all__ = [
    "IsWhole",
    "KeptSample",
    "MemberChange",
    "ShardContents",
    "ShardPlan",
    "link_places",
    "plan_shards",
]

IsWhole: TypeAlias = Callable[[Location, Member], bool]
"""Whether the bytes at a place are those of a member."""


@dataclass(frozen=True, slots=True)
class ShardContents:
    """A shard as it is."""

    path: Path
    size_bytes: int
    samples: Sequence[StoredSample]
    reason_to_leave: str = ""
    """Why it must stay as it is; empty when it may be rewritten."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What a member becomes whose bytes were stored with another sample."""

    link: Place | None
    """None when it gets bytes of its own."""
    sources: Sequence[Location] = ()
    """Copies of the bytes that it gets."""


@dataclass(frozen=True, slots=True)
class KeptSample:
    """A sample that stays, and which of its members change."""

    sample: StoredSample
    changes: Mapping[str, MemberChange] = field(default_factory=dict)

    @property
    def is_given_bytes(self) -> bool:
        """Whether a member gets bytes of its own."""
        return any(change.link is None for change in self.changes.values())


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """What becomes of a shard."""

    shard: ShardContents
    kept: Sequence[KeptSample]
    dropped: Sequence[StoredSample]
    moved: Mapping[Place, Place | None]
    """Where bytes of dropped samples are then; None when nothing that stays needs them."""

    @property
    def is_changed(self) -> bool:
        """Whether the shard has to be rewritten."""
        return bool(self.dropped) or any(kept.changes for kept in self.kept)


def plan_shards(
    shards: Sequence[ShardContents],
    drop: Callable[[ImageRecord], bool],
    *,
    pinned: Collection[Place] = (),
    is_whole: IsWhole,
) -> list[ShardPlan]:
    """Return what becomes of each shard of a writer.

    Parameters
    ----------
    shards
        All that the writer has, in order.
    drop
        Whether an image is to go; not asked about what is in shards that must stay as they are.
    pinned
        Places that links elsewhere name: what stands there stays, whatever `drop` says. Those that
        a shard names which must stay as it is are pinned too, and bytes of which an image that
        stays has a damaged copy, and nobody a whole one.
    is_whole
        Asked of bytes before they become the only copy.
    """
    left_links = {
        place for shard in shards if shard.reason_to_leave for place in link_places(shard.samples)
    }
    staying = frozenset(pinned) | left_links
    while True:
        walk = _Walk(shards, staying, is_whole)
        parts = [walk.part(shard, drop) for shard in shards]
        plans = [
            ShardPlan(shard, kept, dropped, dict(walk.moved(shard, dropped)))
            for shard, (kept, dropped) in zip(shards, parts, strict=True)
        ]
        needed = {place for plan in plans for place in walk.needed(plan)}
        if not needed:
            return plans
        staying |= needed


def link_places(samples: Sequence[StoredSample]) -> Iterator[Place]:
    """Yield the places that the links of samples name."""
    for sample in samples:
        for member in _members(sample):
            if member.link:
                yield Place(member.link_shard, member.link)


class _Walk:
    """One pass over the samples that stay, in order."""

    def __init__(
        self, shards: Sequence[ShardContents], pinned: frozenset[Place], is_whole: IsWhole
    ) -> None:
        self._pinned, self._is_whole = pinned, is_whole
        self._copies: dict[str, list[Location]] = {}
        for shard in shards:
            for sample in shard.samples:
                for member in _members(sample):
                    if (location := sample.locations.get(member.name)) is not None:
                        self._copies.setdefault(member.sha256, []).append(location)
        self._owners: dict[str, Place] = {}
        self._holders: set[Place] = set()
        self._old_bytes: dict[Place, Location] = {}
        """Of those owners that had them before."""
        self._kept_bytes: dict[str, list[Location | None]] = {}
        """By digest, where bytes are that stay; None for those that are moved."""

    def part(
        self, shard: ShardContents, drop: Callable[[ImageRecord], bool]
    ) -> tuple[list[KeptSample], list[StoredSample]]:
        """Return the samples of the next shard that stay, and those that go."""
        kept: list[KeptSample] = []
        dropped: list[StoredSample] = []
        for sample in shard.samples:
            if shard.reason_to_leave:
                self._note_bytes(shard, sample)
                kept.append(KeptSample(sample))
            elif self._is_going(shard, sample, drop):
                dropped.append(sample)
            else:
                self._note_bytes(shard, sample)
                kept.append(KeptSample(sample, dict(self._changes(shard, sample))))
        return kept, dropped

    def moved(
        self, shard: ShardContents, dropped: Sequence[StoredSample]
    ) -> Iterator[tuple[Place, Place | None]]:
        """Yield each place of bytes that is gone, and where they are now."""
        for sample in dropped:
            for member in _members(sample):
                if member.name in sample.locations:
                    yield _place(shard, sample, member), self._owners.get(member.sha256)

    def needed(self, plan: ShardPlan) -> Iterator[Place]:
        """Yield the places of bytes that go of which all that stays is damaged."""
        for sample in plan.dropped:
            for member in _members(sample):
                kept = self._kept_bytes.get(member.sha256)
                if member.name not in sample.locations or not kept or None in kept:
                    continue
                if not any(at is not None and self._is_whole(at, member) for at in kept):
                    yield _place(plan.shard, sample, member)

    def _is_going(
        self, shard: ShardContents, sample: StoredSample, drop: Callable[[ImageRecord], bool]
    ) -> bool:
        record = sample.record
        if not isinstance(record, ImageRecord) or not drop(record):
            return False
        return not any(_place(shard, sample, m) in self._pinned for m in record.members)

    def _note_bytes(self, shard: ShardContents, sample: StoredSample) -> None:
        for member in _members(sample):
            if (location := sample.locations.get(member.name)) is not None:
                place = _place(shard, sample, member)
                self._holders.add(place)
                self._old_bytes[place] = location
                self._kept_bytes.setdefault(member.sha256, []).append(location)
                self._own(member, place)

    def _changes(
        self, shard: ShardContents, sample: StoredSample
    ) -> Iterator[tuple[str, MemberChange]]:
        for member in _members(sample):
            is_link = member.name not in sample.locations
            if is_link and (change := self._change(member, _place(shard, sample, member))):
                yield member.name, change

    def _change(self, member: Member, place: Place) -> MemberChange | None:
        if Place(member.link_shard, member.link) in self._holders:
            return None
        owner = self._owners.get(member.sha256)
        if owner is not None and self._is_sound(owner, member):
            return MemberChange(owner)
        if not (sources := self._copies.get(member.sha256)):
            return None  # the bytes are not in a whole sample: it finds them as it did before
        self._holders.add(place)
        self._old_bytes.pop(place, None)
        self._kept_bytes.setdefault(member.sha256, []).append(None)
        self._own(member, place)
        return MemberChange(None, sources)

    def _own(self, member: Member, place: Place) -> None:
        if len(place.path) <= MAX_PATH_BYTES:  # a hard link can name no longer path
            self._owners.setdefault(member.sha256, place)

    def _is_sound(self, owner: Place, member: Member) -> bool:
        """Return whether a copy may become the only one; bytes that are moved are checked then."""
        location = self._old_bytes.get(owner)
        if location is None or self._is_whole(location, member):
            return True
        del self._owners[member.sha256]
        return False


def _members(sample: StoredSample) -> Sequence[Member]:
    return sample.record.members if isinstance(sample.record, ImageRecord) else ()


def _place(shard: ShardContents, sample: StoredSample, member: Member) -> Place:
    return Place(shard.path.name, f"{sample.path}.{member.name}")
