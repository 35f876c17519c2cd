"""What can be wrong in a store, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Problem", "ProblemKind", "StoreReport"]


class ProblemKind(Enum):
    """What can be wrong; the value is its name in JSON."""

    RUN_INFO = "run_info"
    """``run.json`` is missing or cannot be read."""
    UNREADABLE = "unreadable"
    """A shard cannot be opened or read."""
    MISSING_SHARD = "missing_shard"
    TORN = "torn"
    """The file ends inside a sample."""
    UNSEALED = "unsealed"
    """The file ends on a whole sample, but without the end-of-archive marker that was written."""
    HEADER = "header"
    RECORD = "record"
    MEMBER = "member"
    """A member's bytes are not those that its record names."""
    MISSING_MEMBER = "missing_member"
    LINK = "link"
    """A link to bytes that are nowhere in the run."""
    PADDING = "padding"
    """The zeros behind a member are not all zeros; the member itself is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, and exactly where.

    Examples
    --------
    >>> print(Problem(kind=ProblemKind.MEMBER, run_id="r1", file="r0-s0-a-00000.tar", offset=512,
    ...               sample="val/3-0", member="png", detail="other bytes"))
    runs/r1/r0-s0-a-00000.tar, byte 512, sample val/3-0, member png: other bytes
    """

    kind: ProblemKind
    run_id: str
    file: str
    """Name of the file in the run's folder."""
    offset: int | None = None
    """Byte offset in the file; None when the whole file is meant."""
    sample: str = ""
    """Path of the sample in the shard; of the last one before the place when that is damaged."""
    key: str | None = None
    """The key that the sample was logged under, when its record says so."""
    step: int | None = None
    member: str = ""
    """What follows the sample's name and a dot, when one member is meant."""
    detail: str

    def __str__(self) -> str:
        place = [f"runs/{self.run_id}/{self.file}"]
        if self.offset is not None:
            place.append(f"byte {self.offset}")
        if self.sample:
            place.append(f"sample {self.sample}")
        if self.member:
            place.append(f"member {self.member}")
        return f"{', '.join(place)}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """What was checked, and what is wrong with it."""

    runs: int
    shards: int
    samples: int
    """Images, and records of numbers and texts, whose record is whole."""
    members: int
    """Members whose bytes were hashed and agree with their record."""
    size_bytes: int
    problems: tuple[Problem, ...]
