"""Checking one run: its ``run.json``, then each shard once, front to back.

Each member is hashed once; one that has no bytes of its own needs a whole copy of them somewhere in
the run. The zeros that pad a tar block are checked too, so that a flipped bit is found wherever
it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from filmstrip.folder import RUN_FILE, read_run_info, read_writers
from filmstrip.record import ImageRecord, Member, RecordDamagedError, RunInfo
from filmstrip.shard.names import RECORD_MEMBER
from filmstrip.shard.read import Damage, DamageKind, Location, ShardEnd, StoredSample
from filmstrip.shard.revisits import line_end
from filmstrip.shard.tar import END_OF_ARCHIVE, MAX_PATH_BYTES, padding
from filmstrip.verify.problem import Problem, ProblemKind
from filmstrip.verify.scan import BadHeader, Found, scan_with_causes

__all__ = ["RunCheck"]

_CHUNK_BYTES = 2**20
"""How much of a member is hashed at once."""

_SHARD_NAME = re.compile(r"(?P<writer>r\d+-s(?P<session>\d+)-.+)-(?P<number>\d{5,})\.tar")

_KINDS = {
    DamageKind.TORN: ProblemKind.TORN,
    DamageKind.HEADER: ProblemKind.HEADER,
    DamageKind.RECORD: ProblemKind.RECORD,
    DamageKind.MEMBER: ProblemKind.MEMBER,
    DamageKind.MISSING: ProblemKind.MISSING_MEMBER,
}


@dataclass(frozen=True, slots=True)
class _Link:
    """A member that has no bytes of its own."""

    shard: str
    sample: StoredSample
    member: Member


@dataclass(slots=True)
class RunCheck:
    """The state of checking one run."""

    dir: Path
    info: RunInfo | None = None
    num_samples: int = 0
    num_members: int = 0
    problems: list[Problem] = field(default_factory=list)
    whole_digests: set[bytes] = field(default_factory=set)
    links: list[_Link] = field(default_factory=list)
    sealed: set[str] = field(default_factory=set)
    """Names of the shards that a writer says it has sealed."""

    def read_info(self) -> None:
        """Read ``run.json``, and what each writer says of its shards."""
        self.sealed.update(*(writer.shards for writer in read_writers(self.dir)))
        try:
            self.info = read_run_info(self.dir)
            self.sealed.update(self.info.shards)
        except FileNotFoundError:
            self.add(ProblemKind.RUN_INFO, RUN_FILE, "the file is missing")
        except (OSError, RecordDamagedError) as error:
            self.add(ProblemKind.RUN_INFO, RUN_FILE, _reason(error))

    def read_shard(self, shard: Path) -> Iterator[int]:
        """Check a shard; yield the byte offset up to which that is done."""
        try:
            with shard.open("rb") as file:
                yield from self._read_samples(shard, file)
        except OSError as error:
            self.add(ProblemKind.UNREADABLE, shard.name, _reason(error))

    def finish(self, shard_names: list[str]) -> None:
        """Check what needs all shards of the run: their numbers, and what links point at."""
        missing = set(_missing_numbers(shard_names)) | (self.sealed - set(shard_names))
        for link in self.links:
            if bytes.fromhex(link.member.sha256) not in self.whole_digests:
                self._add_dangling(link)
                if link.member.link_shard not in shard_names:
                    missing.add(link.member.link_shard)
        for name in sorted(missing):
            self.add(ProblemKind.MISSING_SHARD, name, "the file is missing, and all that was in it")

    def add(
        self,
        kind: ProblemKind,
        file: str,
        detail: str,
        *,
        offset: int | None = None,
        sample: str | StoredSample = "",
        member: str = "",
    ) -> None:
        """Note a problem."""
        path, key, step = sample, None, None
        if isinstance(sample, StoredSample):
            path, step = sample.path, sample.record.step
            key = sample.record.key if isinstance(sample.record, ImageRecord) else None
        self.problems.append(
            Problem(
                kind=kind,
                run_id=self.dir.name,
                file=file,
                offset=offset,
                sample=str(path),
                key=key,
                step=step,
                member=member,
                detail=detail,
            )
        )

    def _read_samples(self, shard: Path, file: BinaryIO) -> Iterator[int]:
        is_growing = self.info is None or self.info.state == "running"
        last: Found | BadHeader | None = None
        for last in scan_with_causes(shard, is_growing=is_growing):
            if isinstance(last, StoredSample):
                self._check_sample(shard.name, file, last)
                yield last.end_offset
            elif isinstance(last, Damage):
                self._note_copies(file, last)
                # Of a tear in the padding behind a record, the reader says where that would end.
                offset = min(last.offset, shard.stat().st_size)
                kind = _KINDS[last.kind]
                self.add(kind, shard.name, last.detail, offset=offset, sample=last.sample)
            elif isinstance(last, BadHeader):
                self._note_copies(file, last.consequence or last.damage)
                self._add_header(shard.name, file, last)
        if last is None or isinstance(last, (StoredSample, ShardEnd)):
            self._check_end(shard, last if isinstance(last, ShardEnd) else None)

    def _add_header(self, shard: str, file: BinaryIO, bad: BadHeader) -> None:
        """Note a damaged header; what it still reads as tells whose it is."""
        sample, member = _header_place(file, bad.damage.offset)
        detail = bad.damage.detail
        if bad.consequence is not None:
            detail = f"{detail}, so the sample is not whole"
            member = member if sample == bad.consequence.sample else ""
            sample = bad.consequence.sample
        self.add(
            ProblemKind.HEADER,
            shard,
            detail,
            offset=bad.damage.offset,
            sample=sample or bad.damage.sample,
            member=member,
        )

    def _note_copies(self, file: BinaryIO, damage: Damage) -> None:
        """Note the members of a damaged sample: those that are whole serve later links."""
        self.whole_digests.update(_digest(file, place) for place in damage.locations.values())

    def _check_sample(self, shard: str, file: BinaryIO, sample: StoredSample) -> None:
        self.num_samples += 1
        for member in sample.record.members if isinstance(sample.record, ImageRecord) else ():
            location = sample.locations.get(member.name)
            if location is None:
                self.links.append(_Link(shard, sample, member))
            else:
                self._check_member(shard, file, sample, member, location)
        end = line_end(sample.line.offset, sample.line.size_bytes)
        file.seek(end)
        # Behind the last record of a member stands nothing but zeros.
        if file.read(max(0, sample.end_offset - end)).strip(b"\0"):
            self._add_padding(shard, sample, RECORD_MEMBER, end)

    def _check_member(
        self, shard: str, file: BinaryIO, sample: StoredSample, member: Member, location: Location
    ) -> None:
        digest = _digest(file, location)
        if digest.hex() == member.sha256:
            self.num_members += 1
            self.whole_digests.add(digest)
        else:
            detail = (
                f"the sha256 of its {location.size_bytes} bytes is {digest.hex()[:12]}…, "
                f"the record says {member.sha256[:12]}…"
            )
            self.add(
                ProblemKind.MEMBER,
                shard,
                detail,
                offset=location.offset,
                sample=sample,
                member=member.name,
            )
        if file.read(len(padding(location.size_bytes))).strip(b"\0"):
            self._add_padding(shard, sample, member.name, location.offset + location.size_bytes)

    def _add_padding(self, shard: str, sample: StoredSample, member: str, offset: int) -> None:
        detail = "the padding behind its bytes is not all zeros"
        self.add(ProblemKind.PADDING, shard, detail, offset=offset, sample=sample, member=member)

    def _add_dangling(self, link: _Link) -> None:
        self.add(
            ProblemKind.LINK,
            link.shard,
            "the bytes that it links to are damaged or gone: "
            f"{link.member.link} in {link.member.link_shard}",
            offset=link.sample.offset,
            sample=link.sample,
            member=link.member.name,
        )

    def _check_end(self, shard: Path, end: ShardEnd | None) -> None:
        size_bytes = shard.stat().st_size
        if end is not None and size_bytes != end.offset + len(END_OF_ARCHIVE):
            self.add(
                ProblemKind.TORN,
                shard.name,
                "the file ends inside its end-of-archive marker",
                offset=end.offset,
            )
        elif end is None and self._must_be_sealed(shard):
            self.add(
                ProblemKind.UNSEALED,
                shard.name,
                "the file was cut, or could not be sealed: the end-of-archive marker is missing",
                offset=size_bytes,
            )

    def _must_be_sealed(self, shard: Path) -> bool:
        """Return whether the writer sealed this shard.

        It did when it says so, when it began a next one, and when the run's last session
        finished. What an earlier session left unsealed may be all that a killed process wrote.
        """
        if shard.name in self.sealed:
            return True
        match = _SHARD_NAME.fullmatch(shard.name)
        if match is None:
            return False
        following = f"{match['writer']}-{int(match['number']) + 1:05d}.tar"
        if shard.with_name(following).exists():
            return True
        if self.info is None or self.info.state != "finished":
            return False
        return int(match["session"]) == self.info.sessions - 1


def _header_place(file: BinaryIO, offset: int) -> tuple[str, str]:
    """Return the sample and the member that a damaged header still names, as far as it does."""
    file.seek(offset)
    name = file.read(MAX_PATH_BYTES).split(b"\0")[0].decode("utf-8", "replace")
    folder, slash, file_name = name.rpartition("/")
    if name.startswith("__") or not slash:
        return name, ""
    sample, _, member = file_name.partition(".")
    return f"{folder}/{sample}", member


def _digest(file: BinaryIO, location: Location) -> bytes:
    """Return the sha256 of a member's bytes; leaves the file behind them."""
    sha256 = hashlib.sha256()
    file.seek(location.offset)
    left = location.size_bytes
    while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
        sha256.update(chunk)
        left -= len(chunk)
    return sha256.digest()


def _missing_numbers(shard_names: list[str]) -> Iterator[str]:
    """Yield the names of shards that a writer must have written before those that are there."""
    numbers: dict[str, set[int]] = {}
    for name in shard_names:
        if match := _SHARD_NAME.fullmatch(name):
            numbers.setdefault(match["writer"], set()).add(int(match["number"]))
    for writer, found in numbers.items():
        for number in sorted(set(range(max(found))) - found):
            yield f"{writer}-{number:05d}.tar"


def _reason(error: OSError | RecordDamagedError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
