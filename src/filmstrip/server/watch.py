"""Watching the store: what is new in the shards goes into the index, then to those who listen."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filmstrip.errors import one_line
from filmstrip.folder import RUNS_DIR, read_writers
from filmstrip.record import WriterInfo
from filmstrip.run_state import shown_state
from filmstrip.server.events import Broker
from filmstrip.server.footprint import Footprint, RunMark, changed_runs, take_footprint
from filmstrip.server.lru import Lru
from filmstrip.server.news import News
from filmstrip.server.schema import Indexing, ProblemEvent, RunEvent

if TYPE_CHECKING:
    from filmstrip.index import Index
    from filmstrip.index.rows import RunRow

__all__ = ["Watcher"]

_POLL_SECS = 0.2
"""Between two looks while someone listens: a new image is to show within a second."""

_FRESH_SECS = 1.0
"""How old an answer may be when nobody listens."""

_ALL_SECS = 5.0
"""Between two looks at the files of runs that have ended."""

_LIVE_SECS = 2.0
"""Between two looks at whether running runs still have a process."""

_MAX_RUNS = 10_000

_WAIT_SECS = 2.0
"""How long to wait for someone else's look."""


@dataclass(slots=True)
class _State:
    footprint: Footprint | None = None
    checked: float = float("-inf")
    running: set[str] = field(default_factory=set)
    """Runs that were running a while ago: they end without a word when their machine does."""
    checked_running: float = float("-inf")
    settled: set[str] = field(default_factory=set)
    """Runs that have ended: their files change no more."""
    checked_all: float = float("-inf")
    problem: str = ""
    indexing: Indexing | None = None


class Watcher:
    """Keeps the index as new as the store.

    Parameters
    ----------
    store_dir
        Folder of the store.
    index
        What is refreshed.
    broker
        Whom to tell.
    """

    def __init__(self, store_dir: Path, index: Index, broker: Broker) -> None:
        self._store_dir, self._index, self._broker = store_dir, index, broker
        self._state = _State()
        self._writers: Lru[str, tuple[RunMark, list[WriterInfo]]] = Lru(_MAX_RUNS)
        self._news = News()
        self._looking = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Look for the first time, and from then on, on a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join(timeout=5)

    @property
    def problem(self) -> str:
        """What is wrong with the store as a whole; empty when nothing is."""
        return self._state.problem

    @property
    def indexing(self) -> Indexing | None:
        """How far a long look has come; None when the index is up to date."""
        return self._state.indexing

    @property
    def size_bytes(self) -> int:
        """Size of all files of all runs."""
        runs = (self._state.footprint or {}).values()
        return sum(mark.size_bytes for run in runs for mark in run)

    def footprint(self) -> Footprint:
        """Return the files of each run as they were at the last look."""
        return self._state.footprint or {}

    def is_running(self, run_id: str) -> bool:
        """Return whether a run is being logged to, as far as is known."""
        return self._states(self._index.runs()).get(run_id) == "running"

    def writers(self, run_id: str) -> list[WriterInfo]:
        """Return those who write, or wrote, to a run; read anew when its files changed."""
        mark = (self._state.footprint or {}).get(run_id, ())
        known = self._writers.get(run_id)
        if known is not None and known[0] == mark:
            return known[1]
        found = read_writers(self._store_dir / RUNS_DIR / run_id)
        self._writers.put(run_id, (mark, found))
        return found

    def ensure_fresh(self) -> None:
        """Look now, unless someone is looking, or just did."""
        if time.monotonic() - self._state.checked > _FRESH_SECS and self._looking.acquire(False):
            try:
                self._look()
            finally:
                self._looking.release()

    def look(self) -> None:
        """Look now, behind whoever is looking, but do not wait long for a first look."""
        if self._looking.acquire(timeout=_WAIT_SECS):
            try:
                self._look()
            finally:
                self._looking.release()

    def _watch(self) -> None:
        self.look()
        while not self._stopped.wait(_POLL_SECS):
            if self._broker.has_listeners:
                self.look()

    def _look(self) -> None:
        """Refresh what changed; problems are told, and never raised: the store may come back."""
        state = self._state
        try:
            now = self._footprint_now()
            changed = changed_runs(state.footprint or {}, now)
            if changed or state.footprint is None:
                self._refresh(None if state.footprint is None else changed, changed)
            state.footprint = now
            state.problem = ""
            self._check_running()
        except Exception as error:  # noqa: BLE001  # whatever the index raises, the server goes on
            self._tell_problem(error)
        state.checked = time.monotonic()

    def _footprint_now(self) -> Footprint:
        """Return what the store looks like; runs that have ended are looked at now and then."""
        state = self._state
        if time.monotonic() - state.checked_all < _ALL_SECS:
            return take_footprint(self._store_dir, known=state.footprint, settled=state.settled)
        state.checked_all = time.monotonic()
        return take_footprint(self._store_dir)

    def _refresh(self, run_ids: list[str] | None, changed: list[str]) -> None:
        try:
            changes = self._index.refresh(run_ids, progress=self._on_progress)
        finally:
            self._state.indexing = None
        rows = self._index.runs()
        self._state.settled = {row.run_id for row in rows if self._is_settled(row)}
        states = self._states(rows) if self._broker.has_listeners else {}
        self._broker.tell(self._news.events(changes, changed=changed, rows=rows, states=states))

    def _is_settled(self, row: RunRow) -> bool:
        """Return whether a run and all who write to it have ended."""
        states = [row.info.state, *(writer.state for writer in self.writers(row.run_id))]
        return "running" not in states

    def _on_progress(self, done: int, total: int) -> None:
        self._state.indexing = Indexing(done=done, total=total)

    def _check_running(self) -> None:
        """Tell of runs that ended without a word: their process is gone, and no file changed."""
        state = self._state
        if not self._broker.has_listeners or time.monotonic() - state.checked_running < _LIVE_SECS:
            return
        state.checked_running = time.monotonic()
        now = self._states(self._index.runs())
        ended = {run for run in state.running if run in now and now[run] != "running"}
        self._broker.tell([RunEvent(run_id=run, state=now[run]) for run in sorted(ended)])
        state.running = {run for run, shown in now.items() if shown == "running"}

    def _states(self, rows: list[RunRow]) -> dict[str, str]:
        runs_dir = self._store_dir / RUNS_DIR
        return {
            row.run_id: shown_state(runs_dir / row.run_id, row.info, self.writers(row.run_id))
            for row in rows
        }

    def _tell_problem(self, error: Exception) -> None:
        what = "the store's folder is gone" if isinstance(error, FileNotFoundError) else str(error)
        text = one_line(what)
        if text != self._state.problem:
            self._state.problem = text
            self._broker.tell([ProblemEvent(text=text)])
