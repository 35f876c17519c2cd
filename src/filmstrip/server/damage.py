"""Looking for damage in the shards, slowly, so that the page can say what is not shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filmstrip.errors import one_line
from filmstrip.folder import RUNS_DIR
from filmstrip.server.footprint import FileMark, Footprint
from filmstrip.shard.read import Damage, DamageKind, StoredSample, scan_shard

__all__ = ["DamageWatch"]

_PASS_SECS = 5.0
"""Between two looks at all shards; only what is new in them is read."""

_WORK_SECS, _REST = 0.005, 9
"""It works for so long, and rests so many times longer: pages come first."""

_MAX_RUNS = 20
"""Runs that are named one by one."""


@dataclass(slots=True)
class _Shard:
    """What has been read of a shard."""

    inode: int
    end: int = 0
    size_bytes: int = 0
    num_damaged: int = 0
    """Places before `end`."""
    num_damaged_behind: int = 0
    """Places behind it, which are read again when the shard has grown."""
    is_torn: bool = False


class DamageWatch:
    """Reads the shards' headers and records on a thread, and counts what is not whole.

    Parameters
    ----------
    store_dir
        Folder of the store.
    footprint
        The files of each run as they are now.
    is_live
        Whether a run is being logged to: the end of its shards is not there yet.
    tell
        Called with each problem that is new.
    """

    def __init__(
        self,
        store_dir: Path,
        *,
        footprint: Callable[[], Footprint],
        is_live: Callable[[str], bool],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store_dir, self._footprint, self._is_live = store_dir, footprint, is_live
        self._tell = tell
        self._shards: dict[tuple[str, str], _Shard] = {}
        self._problems: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="damage", daemon=True)

    def start(self) -> None:
        """Begin to look, on a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join(timeout=5)

    @property
    def problems(self) -> list[str]:
        """What is damaged, one line a run, as far as it is known."""
        return self._problems

    def look(self) -> None:
        """Read what is new, and say what is wrong."""
        for _ in self._read_all():
            pass

    def _watch(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            for _ in self._read_all():
                worked = time.monotonic() - began
                if worked > _WORK_SECS:
                    if self._stopped.wait(_REST * worked):
                        return
                    began = time.monotonic()
            self._stopped.wait(_PASS_SECS)

    def _read_all(self) -> Iterator[None]:
        """Read all shards, sample by sample."""
        footprint = self._footprint()
        marks = {
            (run, mark.name): mark
            for run, files in footprint.items()
            for mark in files
            if mark.name.endswith(".tar")
        }
        self._shards = {name: shard for name, shard in self._shards.items() if name in marks}
        for name, mark in marks.items():
            shard = self._shards.get(name)
            if shard is None or shard.inode != mark.inode or mark.size_bytes < shard.end:
                shard = self._shards[name] = _Shard(mark.inode)
            if mark.size_bytes != shard.size_bytes:
                yield from self._read(name, shard, mark)
        before, self._problems = self._problems, self._said()
        for problem in self._problems:
            if problem not in before:
                self._tell(problem)

    def _read(self, name: tuple[str, str], shard: _Shard, mark: FileMark) -> Iterator[None]:
        shard.is_torn = False
        num_damaged = 0
        path = self._store_dir / RUNS_DIR / name[0] / name[1]
        try:
            for found in scan_shard(path, start=shard.end):
                if isinstance(found, StoredSample):
                    shard.end = found.end_offset
                    shard.num_damaged += num_damaged
                    num_damaged = 0
                elif isinstance(found, Damage) and found.kind is DamageKind.TORN:
                    shard.is_torn = True
                elif isinstance(found, Damage):
                    num_damaged += 1
                yield
        except OSError:
            return  # deleted, or not to be read: the index says so
        shard.size_bytes, shard.num_damaged_behind = mark.size_bytes, num_damaged

    def _said(self) -> list[str]:
        counts: dict[str, int] = {}
        for (run, _), shard in self._shards.items():
            is_cut = shard.is_torn and not self._is_live(run)
            count = shard.num_damaged + shard.num_damaged_behind + is_cut
            if count:
                counts[run] = counts.get(run, 0) + count
        runs = sorted(counts)
        lines = [_line(run, counts[run]) for run in runs[:_MAX_RUNS]]
        if len(runs) > _MAX_RUNS:
            lines.append(f"{len(runs) - _MAX_RUNS} more runs are damaged; run `filmstrip verify`")
        return lines


def _line(run: str, count: int) -> str:
    places = "place" if count == 1 else "places"
    return one_line(
        f"run {run!r} is damaged in {count} {places}, and what stood there is not shown; "
        "`filmstrip verify` names them"
    )
