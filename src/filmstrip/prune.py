"""Pruning a run: its shards rewritten without the images that retention policies let go."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from filmstrip.folder import (
    read_run_info,
    read_writer_info,
    spool_path,
    write_run_info,
    write_writer_info,
)
from filmstrip.record import (
    ImageRecord,
    RecordDamagedError,
    RunInfo,
    WriterInfo,
)
from filmstrip.retention import Keep
from filmstrip.shard.names import Place
from filmstrip.shard.plan import link_places
from filmstrip.shard.read import StoredSample
from filmstrip.shard.rewrite import LeftShard, OnBytes, RewriteResult, rewrite_shards
from filmstrip.store import StoredRun

__all__ = ["KeyPrune", "PruneReport", "prune_run", "prune_writer"]

_SHARD_NAME = re.compile(r"(?P<writer>.+)-\d{5,}\.tar")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPrune:
    """What goes of a key."""

    key: str
    policy: str
    steps: list[int]
    """Those that go, in ascending order."""
    images: int
    size_bytes: int
    """Of the images that go, with their masks and records, in the files; some of it may stay since
    other images share it."""
    kept_steps: int
    kept_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """What a prune did, or would do."""

    run_id: str
    is_dry_run: bool
    keys: list[KeyPrune]
    images: int
    freed_bytes: int
    """By how much the run's shards are smaller, exactly."""
    waiting_images: int
    """Images that are to go and stay for now: a shard that was left holds them or links to them."""
    left: list[LeftShard]
    """Shards that were left as they are, and why."""
    failure: str
    """Why it stopped early; pruning again goes on from there. Empty when it did not."""


def prune_run(
    run: StoredRun, keep: Keep, *, is_dry_run: bool = False, on_bytes: OnBytes | None = None
) -> PruneReport:
    """Delete the images of a run that policies do not keep; their space comes back at once.

    Whatever instant the process dies at, all that is to stay is there; pruning again finishes it.
    Numbers and texts stay. Shards of a writer that is at work are left: it prunes them itself.

    Parameters
    ----------
    run
        As `Store.run` returns it.
    keep
        What `parse_keep` returns.
    is_dry_run
        True to change nothing and return what would be done.
    on_bytes
        See `OnBytes`.

    Raises
    ------
    RunBusyError
        Another process prunes this run.
    OSError
        The run cannot be read, or its folder cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> from filmstrip.retention import parse_keep
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="r1") as run:
    ...         for step in range(5):
    ...             run.log({"val": filmstrip.Image(np.eye(8) * step)}, step=step)
    ...     stored = filmstrip.open(folder).run("r1")
    ...     report = prune_run(stored, parse_keep("last:2"))
    ...     report.images, stored.steps("val")
    (3, [3, 4])
    """
    pruning = _Pruning(run, keep, is_dry_run)
    pruning.run(on_bytes)
    return pruning.report()


def prune_writer(run_dir: Path, writer: str, keep: Keep) -> RewriteResult:
    """Delete the images in a writer's own sealed shards that policies do not keep.

    For the writer itself, while it writes: when it has sealed a shard, and when it has sealed its
    last one. Policies look at what all writers of the run have stored. Nothing may be appended
    meanwhile, nor may a sample be about to be that links to bytes stored before; and from then on
    the writer must follow `RewriteResult.moved`, and note `RewriteResult.sizes` as the sizes of its
    sealed shards.

    Parameters
    ----------
    run_dir
        The run's folder.
    writer
        What the names of its shards begin with.
    keep
        What `parse_keep` returns; see `Keep.with_rule`.

    Raises
    ------
    RunBusyError
        Another process rewrites these shards.
    OSError
        The run cannot be read, or its folder cannot be written. A full disk is in the result.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> from filmstrip.retention import parse_keep
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="r1") as run:
    ...         for step in range(5):
    ...             run.log({"val": filmstrip.Image(np.eye(8) * step)}, step=step)
    ...     (shard,) = run.dir.glob("*.tar")
    ...     result = prune_writer(run.dir, shard.name[: -len("-00000.tar")], parse_keep("last:2"))
    ...     result.num_dropped, result.sizes == {shard.name: shard.stat().st_size}
    (3, True)
    """
    run = StoredRun(run_dir)
    by_shard = run.samples_by_shard()
    samples = [sample for found in by_shard.values() for sample in found]
    going = _going(run, samples, keep)
    if not any(_is_going(sample, going) for sample in _of_writer(by_shard, writer)):
        return RewriteResult()
    others = [s for shard, found in by_shard.items() if _writer(shard) != writer for s in found]
    return rewrite_shards(
        run_dir,
        writer,
        lambda record: (record.key, record.step) in going,
        pinned=frozenset(link_places(others)),
    )


class _Pruning:
    """One prune: which images are to go, and what came of it."""

    def __init__(self, run: StoredRun, keep: Keep, is_dry_run: bool) -> None:
        self._run, self._keep, self._is_dry_run = run, keep, is_dry_run
        self._by_shard = run.samples_by_shard()
        self._samples = [sample for found in self._by_shard.values() for sample in found]
        self._going = _going(run, self._samples, keep)
        self._results: list[RewriteResult] = []
        self._left: list[LeftShard] = []

    def run(self, on_bytes: OnBytes | None) -> None:
        info = self._run.info
        by_writer: defaultdict[str, list[StoredSample]] = defaultdict(list)
        sizes: defaultdict[str, int] = defaultdict(int)
        for shard, found in self._by_shard.items():
            by_writer[_writer(shard)] += found
            sizes[_writer(shard)] += shard.stat().st_size
        pinned = frozenset(
            place
            for writer, found in by_writer.items()
            for place in link_places(found)
            if not place.shard.startswith(f"{writer}-")
        )
        done = 0
        for writer, own in by_writer.items():
            if not writer:
                continue
            if _is_done(self._run.dir, writer, info):
                self._rewrite(writer, pinned, _within(on_bytes, done, sum(sizes.values())))
            elif any(_is_going(sample, self._going) for sample in own):
                self._left.append(LeftShard(f"{writer}-*.tar", _ALIVE))
            done += sizes[writer]

    def report(self) -> PruneReport:
        dropped = [sample for result in self._results for sample in result.dropped]
        failures = [result.failure for result in self._results if result.failure is not None]
        return PruneReport(
            run_id=self._run.id,
            is_dry_run=self._is_dry_run,
            keys=_key_prunes(self._samples, dropped, self._keep),
            images=len(dropped),
            freed_bytes=sum(result.freed_bytes for result in self._results),
            waiting_images=sum(_is_going(s, self._going) for s in self._samples) - len(dropped),
            left=self._left + [left for result in self._results for left in result.left],
            failure=str(failures[0].strerror or failures[0]) if failures else "",
        )

    def _rewrite(self, writer: str, pinned: frozenset[Place], on_bytes: OnBytes | None) -> None:
        result = rewrite_shards(
            self._run.dir,
            writer,
            lambda record: (record.key, record.step) in self._going,
            is_writer_alive=False,
            pinned=pinned,
            is_dry_run=self._is_dry_run,
            on_bytes=on_bytes,
        )
        self._results.append(result)
        if not self._is_dry_run and result.sizes:
            _note_sizes(self._run.dir, writer, result.sizes)


_ALIVE = (
    "its writer is at work, or was killed and what it left is not stored yet: "
    "wait until it finishes, or run `filmstrip repair`"
)


def _going(
    run: StoredRun, samples: Iterable[StoredSample], keep: Keep
) -> frozenset[tuple[str, int]]:
    steps: defaultdict[str, set[int]] = defaultdict(set)
    for sample in samples:
        if isinstance(sample.record, ImageRecord):
            steps[sample.record.key].add(sample.record.step)
    values: dict[str, dict[int, Any]] = {metric: {} for metric in keep.metrics}
    for logged in run.values() if values else ():
        for metric in values.keys() & logged.values.keys():
            values[metric][logged.step] = logged.values[metric]
    return keep.going(steps, values)


def _is_going(sample: StoredSample, going: Collection[tuple[str, int]]) -> bool:
    record = sample.record
    return isinstance(record, ImageRecord) and (record.key, record.step) in going


def _writer(shard: Path) -> str:
    """Return the writer of a shard; empty for a file that is no shard of ours."""
    match = _SHARD_NAME.fullmatch(shard.name)
    return match["writer"] if match else ""


def _of_writer(by_shard: Mapping[Path, list[StoredSample]], writer: str) -> list[StoredSample]:
    return [s for shard, found in by_shard.items() if _writer(shard) == writer for s in found]


def _within(on_bytes: OnBytes | None, before: int, total: int) -> OnBytes | None:
    """Return the reporter of a part of the work."""
    return None if on_bytes is None else lambda done, _: on_bytes(before + done, total)


def _key_prunes(
    samples: Iterable[StoredSample], dropped: Iterable[StoredSample], keep: Keep
) -> list[KeyPrune]:
    before, gone = _by_key(samples), _by_key(dropped)
    return [
        KeyPrune(
            key=key,
            policy=str(keep.policy(key)),
            steps=sorted({sample.record.step for sample in found}),
            images=len(found),
            size_bytes=sum(sample.size_bytes for sample in found),
            kept_steps=len({s.record.step for s in before[key]} - {s.record.step for s in found}),
            kept_images=len(before[key]) - len(found),
        )
        for key, found in gone.items()
    ]


def _by_key(samples: Iterable[StoredSample]) -> dict[str, list[StoredSample]]:
    found: defaultdict[str, list[StoredSample]] = defaultdict(list)
    for sample in samples:
        if isinstance(sample.record, ImageRecord):
            found[sample.record.key].append(sample)
    return found


def _is_done(run_dir: Path, writer: str, run_info: RunInfo) -> bool:
    """Return whether a writer will write no more: nor its process, nor who stores what it left."""
    info = _writer_info(run_dir, writer)
    if info is None:  # as in version 0.1, where a run has no description of its writers
        return run_info.state != "running" or f"-s{run_info.sessions - 1}-" not in writer
    if spool_path(run_dir, info).exists():
        return False
    return info.state != "running" or not info.spool  # another machine's disk may hold its spool


def _writer_info(run_dir: Path, writer: str) -> WriterInfo | None:
    try:
        return read_writer_info(run_dir, writer)
    except FileNotFoundError:
        return None
    except RecordDamagedError:
        return WriterInfo(name=writer)


def _note_sizes(run_dir: Path, writer: str, sizes: Mapping[str, int]) -> None:
    """Store the new sizes of shards where the old ones stand."""
    if (info := _writer_info(run_dir, writer)) is not None:
        if info.shards:
            write_writer_info(
                run_dir, msgspec.structs.replace(info, shards={**info.shards, **sizes})
            )
        return
    try:
        run_info = read_run_info(run_dir)
    except (OSError, RecordDamagedError):
        return
    known = {name: size for name, size in sizes.items() if name in run_info.shards}
    if known and run_info.state != "running":  # else a process may be about to write it
        shards = {**run_info.shards, **known}
        write_run_info(run_dir, msgspec.structs.replace(run_info, shards=shards))
