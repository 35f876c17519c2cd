"""Rewriting a writer's shards without some images, so that their space comes back at once.

Each shard is written anew beside the old one, made durable, read back, and put in its place under
the same name. Whatever instant the process dies at, all that was to stay is there, once; doing it
again finishes it. A shard with anything damaged in it stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from filmstrip.errors import DamagedError
from filmstrip.record import ImageRecord, Member, RecordDamagedError, relink_record
from filmstrip.shard.lock import rewrite_lock
from filmstrip.shard.names import RECORD_MEMBER, Place
from filmstrip.shard.plan import (
    KeptSample,
    MemberChange,
    ShardContents,
    ShardPlan,
    plan_shards,
)
from filmstrip.shard.read import Damage, Location, ShardEnd, StoredSample, read_member, scan_shard
from filmstrip.shard.revisits import RevisitsPacker, read_line
from filmstrip.shard.tar import BLOCK_SIZE, END_OF_ARCHIVE, pack_header, padding, parse_header

__all__ = ["LeftShard", "OnBytes", "RewriteResult", "rewrite_shards"]

OnBytes: TypeAlias = Callable[[int, int], None]
"""Called as ``on_bytes(done, total)`` while shards are written; both count bytes."""

_BUFFER_BYTES = 2**20
_UNSEALED = "it is not sealed: its writer may be at work"


@dataclass(frozen=True, slots=True)
class LeftShard:
    """A shard that was left as it is, and why."""

    shard: str
    """File name."""
    reason: str


@dataclass(slots=True, kw_only=True)
class RewriteResult:
    """What was done; true whether or not all of it could be."""

    dropped: list[StoredSample] = field(default_factory=list)
    freed_bytes: int = 0
    moved: dict[Place, Place | None] = field(default_factory=dict)
    """Of bytes that were with a dropped image: where they are now, None for nowhere. A writer that
    goes on must link to the new place, and store what is nowhere anew."""
    sizes: dict[str, int] = field(default_factory=dict)
    """New size in bytes of each shard that was rewritten, by file name."""
    left: list[LeftShard] = field(default_factory=list)
    num_pinned: int = 0
    """Images that were to go and stay for now, since a shard that was left links to them."""
    failure: OSError | None = None
    """Why it stopped early, with a full disk for instance; doing it again goes on from there."""

    @property
    def num_dropped(self) -> int:
        """How many images are gone."""
        return len(self.dropped)


class _DamagedShardError(Exception):
    """A shard must be left as it is: bytes in it that are to stay are not what was written."""

    def __init__(self, shard: str, reason: str) -> None:
        self.shard, self.reason = shard, reason


def rewrite_shards(
    run_dir: Path,
    writer: str,
    drop: Callable[[ImageRecord], bool],
    *,
    is_writer_alive: bool = True,
    pinned: Collection[Place] = (),
    is_dry_run: bool = False,
    on_bytes: OnBytes | None = None,
) -> RewriteResult:
    """Rewrite the shards of a writer without the images that are to go.

    Records of values stay, whatever `drop` would say.

    Parameters
    ----------
    run_dir
        The run's folder.
    writer
        What the names of the shards begin with.
    drop
        Whether an image is to go; asked more than once, and must say the same.
    is_writer_alive
        True unless the writer is known to be done: then only sealed shards are rewritten. It must
        not append while this runs, and must follow `RewriteResult.moved`.
    pinned
        Places that links of other writers name; what stands there stays.
    is_dry_run
        True to change nothing and return what would be done.
    on_bytes
        See `OnBytes`.

    Raises
    ------
    RunBusyError
        Another process rewrites these shards.
    OSError
        The folder cannot be read or written. What comes later, such as a full disk, is in the
        result.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="r1") as run:
    ...         for step in range(3):
    ...             run.log({"x": filmstrip.Image(np.eye(8) * step)}, step=step)
    ...     (shard,) = run.dir.glob("*.tar")
    ...     result = rewrite_shards(run.dir, shard.name[: -len("-00000.tar")], lambda r: r.step < 2)
    ...     result.num_dropped, filmstrip.open(folder).run("r1").steps("x")
    (2, [2])
    """
    rewriting = _Rewriting(run_dir, writer, drop, is_writer_alive, pinned, is_dry_run, on_bytes)
    if is_dry_run:
        return rewriting.run()
    with rewrite_lock(run_dir, writer):
        _remove_leftovers(run_dir, writer)
        return rewriting.run()


class _Rewriting:
    """One call: plans, does, and plans again without a shard that turns out to be damaged."""

    def __init__(
        self,
        run_dir: Path,
        writer: str,
        drop: Callable[[ImageRecord], bool],
        is_writer_alive: bool,
        pinned: Collection[Place],
        is_dry_run: bool,
        on_bytes: OnBytes | None,
    ) -> None:
        self._run_dir, self._writer, self._drop = run_dir, writer, drop
        self._is_writer_alive, self._pinned = is_writer_alive, pinned
        self._is_dry_run, self._on_bytes = is_dry_run, on_bytes
        self._damaged: dict[str, str] = {}
        self._result = RewriteResult()

    def run(self) -> RewriteResult:
        while not self._is_done():
            pass
        return self._result

    def _is_done(self) -> bool:
        shards = [self._contents(path) for path in _shards(self._run_dir, self._writer)]
        plans = plan_shards(shards, self._drop, pinned=self._pinned, is_whole=_is_whole)
        self._note_left(plans)
        changed = [plan for plan in reversed(plans) if plan.is_changed]
        total, done = sum(plan.shard.size_bytes for plan in changed), 0
        try:
            for plan in changed:
                self._rewrite(plan)
                done += plan.shard.size_bytes
                if self._on_bytes is not None:
                    self._on_bytes(done, total)
        except _DamagedShardError as error:
            self._damaged[error.shard] = error.reason
            return False
        except OSError as error:
            self._result.failure = error
        return True

    def _contents(self, path: Path) -> ShardContents:
        samples: list[StoredSample] = []
        damages: list[Damage] = []
        is_sealed = False
        size_bytes = path.stat().st_size
        for found in scan_shard(path):
            if isinstance(found, StoredSample):
                samples.append(found)
            elif isinstance(found, Damage):
                damages.append(found)
            else:
                is_sealed = True
        reason = self._damaged.get(path.name, "")
        if damages:
            reason = f"byte {damages[0].offset}: {damages[0].detail}"
        elif not is_sealed and self._is_writer_alive:
            reason = _UNSEALED
        return ShardContents(path, size_bytes, samples, reason)

    def _note_left(self, plans: list[ShardPlan]) -> None:
        """Note what has to stay although it was to go."""
        self._result.left = []
        self._result.num_pinned = 0
        for plan in plans:
            going = [kept for kept in plan.kept if self._is_to_go(kept.sample)]
            reason = plan.shard.reason_to_leave
            if not reason:
                self._result.num_pinned += len(going)
            elif going or reason != _UNSEALED:
                self._result.left.append(LeftShard(plan.shard.path.name, reason))

    def _is_to_go(self, sample: StoredSample) -> bool:
        return isinstance(sample.record, ImageRecord) and self._drop(sample.record)

    def _rewrite(self, plan: ShardPlan) -> None:
        if self._is_dry_run:
            size_bytes = sum(map(len, _packed(plan, is_dry_run=True)))
        else:
            size_bytes = _replace(plan)
        name = plan.shard.path.name
        self._result.dropped += plan.dropped
        self._result.freed_bytes += plan.shard.size_bytes - size_bytes
        self._result.moved.update(plan.moved)
        self._result.sizes[name] = size_bytes
        if not self._is_dry_run:
            _sync_dir(self._run_dir)


def _replace(plan: ShardPlan) -> int:
    """Put the new shard in the old one's place; return its size in bytes."""
    path = plan.shard.path
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb", buffering=_BUFFER_BYTES) as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            for piece in _packed(plan):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        _check(temporary, plan)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return size_bytes


def _check(temporary: Path, plan: ShardPlan) -> None:
    """Read what was written before anything is given up for it."""
    found = list(scan_shard(temporary))
    paths = [one.path for one in found if isinstance(one, StoredSample)]
    is_whole = len(found) == len(paths) + 1 and isinstance(found[-1], ShardEnd)
    if not is_whole or paths != [kept.sample.path for kept in plan.kept]:
        raise OSError(f"what was written does not read back: {temporary}")
    if plan.shard.path.stat().st_size != plan.shard.size_bytes:
        raise _DamagedShardError(plan.shard.path.name, "it was written to in the meantime")


def _packed(plan: ShardPlan, *, is_dry_run: bool = False) -> Iterator[bytes]:
    """Yield what the new shard consists of; in a dry run zeros for what need not be read."""
    revisits = RevisitsPacker()
    with plan.shard.path.open("rb") as file:
        for kept in plan.kept:
            if kept.sample.is_revisit and not kept.is_given_bytes:
                mtime_secs = int(kept.sample.record.time)
                yield from revisits.add(_line(file, kept), mtime_secs=mtime_secs)
            else:
                yield from revisits.flush()
                yield from _sample(file, kept, is_dry_run=is_dry_run)
    yield from revisits.flush()
    yield END_OF_ARCHIVE


def _sample(file: BinaryIO, kept: KeptSample, *, is_dry_run: bool) -> Iterator[bytes]:
    """Yield the parts of a sample that has members."""
    fetch = _zeros if is_dry_run else _bytes_of
    if kept.sample.is_revisit:
        yield from _relinked(_unfolded(file, kept.sample), kept, fetch)
    elif is_dry_run and not kept.changes:
        yield bytes(kept.sample.size_bytes)
    else:
        stored = _stored_bytes(file, kept.sample)
        if not is_dry_run:
            _check_members(kept.sample, stored)
        yield from _relinked(stored, kept, fetch) if kept.changes else (stored,)


def _line(file: BinaryIO, kept: KeptSample) -> bytes:
    """Return the record of a revisit that stays one."""
    line = _stored_line(file, kept.sample)
    return relink_record(line, _links(kept)) if kept.changes else line


def _unfolded(file: BinaryIO, sample: StoredSample) -> bytes:
    """Return a revisit as a sample of its own, with hard links."""
    line = _stored_line(file, sample)
    mtime_secs = int(sample.record.time)
    links = [
        pack_header(f"{sample.path}.{member.name}", 0, mtime_secs=mtime_secs, link=member.link)
        for member in (sample.record.members if isinstance(sample.record, ImageRecord) else ())
    ]
    return b"".join([*links, *_file(f"{sample.path}.{RECORD_MEMBER}", line, mtime_secs)])


def _stored_line(file: BinaryIO, sample: StoredSample) -> bytes:
    where = sample.line
    try:
        return read_line(file, where.offset, where.size_bytes)
    except RecordDamagedError as error:
        raise _DamagedShardError(where.shard.name, f"byte {where.offset}: {error}") from error


def _stored_bytes(file: BinaryIO, sample: StoredSample) -> bytes:
    file.seek(sample.offset)
    return file.read(sample.end_offset - sample.offset)


def _check_members(sample: StoredSample, stored: bytes) -> None:
    record = sample.record
    for member in record.members if isinstance(record, ImageRecord) else ():
        if (location := sample.locations.get(member.name)) is not None:
            start = location.offset - sample.offset
            data = memoryview(stored)[start : start + location.size_bytes]
            if hashlib.sha256(data).hexdigest() != member.sha256:
                reason = f"byte {location.offset}: other bytes in member {member.name!r}"
                raise _DamagedShardError(location.shard.name, reason)


_Fetch: TypeAlias = Callable[[MemberChange, Member], bytes]
"""Gives the bytes that a member gets which was a link."""


def _relinked(stored: bytes, kept: KeptSample, fetch: _Fetch) -> Iterator[bytes]:
    """Yield the parts of a sample some of whose members change."""
    record = kept.sample.record
    if not isinstance(record, ImageRecord):
        raise TypeError("records of values have no members")
    members = {f"{kept.sample.path}.{member.name}": member for member in record.members}
    mtime_secs = int(record.time)
    offset = 0
    while (header := parse_header(stored[offset : offset + BLOCK_SIZE])) is not None:
        start, end = offset + BLOCK_SIZE, offset + BLOCK_SIZE + header.size_bytes
        member = members.get(header.path)
        change = kept.changes.get(member.name) if member else None
        if header.path == f"{kept.sample.path}.{RECORD_MEMBER}":
            line = relink_record(stored[start:end], _links(kept))
            yield from _file(header.path, line, mtime_secs)
        elif member is None or change is None:
            yield stored[offset:end] + padding(header.size_bytes)
        elif change.link is None:
            yield from _file(header.path, fetch(change, member), mtime_secs)
        else:
            yield pack_header(header.path, 0, mtime_secs=mtime_secs, link=change.link.path)
        offset = end + len(padding(header.size_bytes))


def _links(kept: KeptSample) -> dict[str, tuple[str, str]]:
    return {
        name: ("", "") if change.link is None else (change.link.path, change.link.shard)
        for name, change in kept.changes.items()
    }


def _file(path: str, data: bytes, mtime_secs: int) -> tuple[bytes, bytes, bytes]:
    return pack_header(path, len(data), mtime_secs=mtime_secs), data, padding(len(data))


def _bytes_of(change: MemberChange, member: Member) -> bytes:
    for source in change.sources:
        with suppress(DamagedError):
            return read_member(source, member)
    source = change.sources[0]
    reason = f"byte {source.offset}: other bytes, and images that stay share them"
    raise _DamagedShardError(source.shard.name, reason)


def _zeros(_change: MemberChange, member: Member) -> bytes:
    return bytes(member.size_bytes)


def _is_whole(location: Location, member: Member) -> bool:
    try:
        read_member(location, member)
    except DamagedError:
        return False
    return True


def _shards(run_dir: Path, writer: str) -> list[Path]:
    """Return the writer's shards, by number."""
    pattern = re.compile(re.escape(writer) + r"-(\d{5,})\.tar")
    found = [(match, path) for path in run_dir.iterdir() if (match := pattern.fullmatch(path.name))]
    return [path for _, path in sorted(found, key=lambda pair: int(pair[0][1]))]


def _remove_leftovers(run_dir: Path, writer: str) -> None:
    """Delete what a rewriting that was killed left; nothing refers to it."""
    for path in run_dir.glob(f".{writer}-*.tar.new"):
        path.unlink(missing_ok=True)


def _sync_dir(path: Path) -> None:
    """Make a replacement durable before the next one; some file systems cannot, and need not."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
