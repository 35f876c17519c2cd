"""The writer: what ``log()`` hands over goes into the spool, and is safe there.

`Writer.submit` writes raw pixels to a file whose pages are in memory anyway, tells the encoder
process, and returns. The encoder makes shards of it, also when this process is gone.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from filmstrip.disk import check_free_space
from filmstrip.draft import Draft, ImageDraft, KeepRule
from filmstrip.encoder_process import EncoderTask, command, run_task
from filmstrip.media.pool import POOLED_BYTES, use_blocks_of
from filmstrip.shard.append import sync_path
from filmstrip.spool.arena import Arena, can_reserve
from filmstrip.spool.control import Control, Counter, Ending, Phase
from filmstrip.spool.file import ARENA_OFFSET, Mark, Spool, entry_bytes, entry_place
from filmstrip.spool.items import EncodedItems, encode_items
from filmstrip.spool.ring import Ring
from filmstrip.warn import warn_user

__all__ = ["SPOOL_BYTES", "Durability", "OnFull", "Writer", "WriterOptions", "WriterReport"]

SPOOL_BYTES = 256 * 2**20
"""Raw pixels that may wait to be encoded, in bytes, before ``log()`` waits."""

OnFull: TypeAlias = Literal["wait", "drop"]
Durability: TypeAlias = Literal["process", "power"]

_ENTRY_BYTES = 8 * 2**20
"""Images are handed over so many bytes at a time."""

_ENTRY_ITEMS = 256

_MIN_ARENA_BYTES = 8 * 2**20
"""A smaller spool has no pixel memory; all goes through its ring."""

_CHECK_SECS = 0.25
"""How often a producer that waits, or goes on logging, looks whether its encoder lives."""

_CHECKED_BYTES = 2**20
"""For so much more than it needs an entry asks for room on the disk: asking takes 20 µs."""

_LOOK_SECS = 0.002
"""How often whoever waits for the shards or the disk looks."""

_ENCODER_ENV = {
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
    "MALLOC_TOP_PAD_": str(2**23),
    "OPENBLAS_NUM_THREADS": "1",
}
"""Has glibc keep the encoder's memory: new pages would be 5 % of an image's time. And has numpy
start no threads for algebra, which would be half of the encoder's start."""

_MAX_RESTARTS = 3
"""How often an encoder that dies before it stored anything is replaced by another process; then as
often by threads of this one."""

_LAST_PHASES = (Phase.DONE, Phase.GAVE_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterOptions:
    """How a writer works."""

    spool_dir: Path | None = None
    """Where the spool is, when not in the run's folder."""
    spool_bytes: int = SPOOL_BYTES
    on_full: OnFull = "wait"
    durability: Durability = "process"
    has_process: bool = True
    """False to encode on threads of this process."""


@dataclass(frozen=True, slots=True)
class WriterReport:
    """What became of all that was logged, so far."""

    num_images: int
    num_values: int
    shard_bytes: int
    pixel_bytes: int
    num_lost: int
    num_dropped: int
    num_spooled: int
    """Records that stay in the spool because writes failed to the end."""
    is_failing: bool
    cause: str
    """Why the first record was lost or the last write failed; empty while all is well."""


class Writer:
    """Puts drafts into a spool, which an encoder drains into shards in the order they came.

    Parameters
    ----------
    run_dir
        The run's folder.
    name
        What the writer's files begin with.
    options
        Limits and promises.

    Raises
    ------
    OSError
        The spool cannot be made.
    """

    def __init__(self, run_dir: Path, name: str, options: WriterOptions | None = None) -> None:
        self._run_dir, self._name = run_dir, name
        self._options = options or WriterOptions()
        self.spool_path = (self._options.spool_dir or run_dir) / f"{name}.spool"
        self.spool_path.parent.mkdir(parents=True, exist_ok=True)
        ring_bytes, arena_bytes = _shares(self._options.spool_bytes, self.spool_path.parent)
        try:
            self._spool = Spool.create(self.spool_path, ring_bytes, arena_bytes)
        except OSError:  # a limit for the size of files, perhaps
            if not arena_bytes:
                raise
            self._spool = Spool.create(self.spool_path, ring_bytes)
        self._ring = Ring(self._spool.ring_bytes)
        self._arena = _arena(self._spool)
        # Reentrant, and with a queue: a signal's handler may log in the middle of log().
        self._lock = threading.RLock()
        self._is_putting = False
        self._to_put: deque[Sequence[Draft]] = deque()
        self._seq = 1
        self._num_dropped = 0
        self._is_closed = False
        self._has_warned_full = False
        self._spool_error = ""
        self._spool_end = 0
        self._num_restarts = 0
        self._rules: list[KeepRule] = []
        self._restarted_at = -1
        self._checked_secs = 0.0
        if self._options.durability == "power":
            sync_path(self.spool_path)
            sync_path(self.spool_path.parent)
        self._control, theirs = Control.pair()
        self._encoder: _EncoderProcess | _EncoderThread = self._start(theirs)
        _writers.add(self)

    @property
    def report(self) -> WriterReport:
        """What became of all that was logged, so far."""
        control = self._control
        num_images, num_values = control[Counter.IMAGES], control[Counter.VALUES]
        num_lost = control[Counter.LOST]
        is_failing = self._is_failing()
        is_empty = control[Counter.PHASE] == Phase.DONE
        num_done = num_images + num_values + num_lost + control[Counter.RULES]
        has_cause = is_failing or num_lost
        return WriterReport(
            num_images=num_images,
            num_values=num_values,
            shard_bytes=control[Counter.SHARD_BYTES],
            pixel_bytes=control[Counter.PIXEL_BYTES],
            num_lost=num_lost,
            num_dropped=self._num_dropped,
            num_spooled=0 if is_empty else max(0, self._seq - 1 - num_done),
            is_failing=is_failing or bool(self._spool_error),
            cause=control.text if has_cause else self._spool_error,
        )

    @property
    def has_trouble(self) -> bool:
        """Whether something was lost, or cannot be written at this moment; `report` says more."""
        return bool(self._is_failing() or self._spool_error or self._control[Counter.LOST])

    def submit(self, drafts: Sequence[Draft]) -> None:
        """Put drafts into the spool, in order; waits only while it is full."""
        self._rules += [draft for draft in drafts if isinstance(draft, KeepRule)]
        for group in _groups(drafts):
            with self._lock:
                self._to_put.append(group)
                if not self._is_putting:
                    self._put_all()

    def flush(self, timeout_secs: float | None = None) -> bool:
        """Wait until all that was submitted is in the shards; return whether it is."""
        head = self._ring.head
        return self._wait_until(lambda: self._control[Counter.TAIL] >= head, timeout_secs)

    def sync(self, timeout_secs: float | None = None) -> bool:
        """Wait until the disk holds all that was submitted; return whether it does."""
        head = self._ring.head
        if self._options.durability == "process":
            return self.flush(timeout_secs) and self._have_synced_shards()
        return self._wait_until(
            lambda: max(self._control[Counter.DURABLE], self._control[Counter.TAIL]) >= head,
            timeout_secs,
        )

    def _have_synced_shards(self) -> bool:
        try:
            for path in (*self._run_dir.glob(f"{self._name}-*.tar"), self._run_dir):
                sync_path(path)
        except OSError:
            return False
        return True

    def close(
        self,
        *,
        is_failed: bool = False,
        timeout_secs: float | None = None,
        on_wait: Callable[[WriterReport], None] | None = None,
    ) -> bool:
        """Say that no more comes, and wait for the encoder to end; return whether it did.

        Parameters
        ----------
        is_failed
            Whether the run is to be marked failed.
        timeout_secs
            After so long the encoder goes on by itself; None waits for it.
        on_wait
            Called again and again while waiting.
        """
        if self._is_closed:
            return True
        control = self._control
        control[Counter.DROPPED] = self._num_dropped
        control[Counter.ENDING] = Ending.FAILED if is_failed else Ending.FINISHED
        end_at = None if timeout_secs is None else time.monotonic() + timeout_secs
        self._look_after_encoder(is_urgent=True)
        self._control.end_entries()
        while not self._has_drained():
            if end_at is not None and time.monotonic() > end_at:
                return False
            if on_wait is not None:
                on_wait(self.report)
        self._is_closed = True
        is_done = self._control[Counter.PHASE] == Phase.DONE
        self._control.close()
        # A spool that stays is for others, who must find that nobody has its lock.
        if not (is_done and _is_started(self._leave)):
            self._leave()
        return True

    def _leave(self) -> None:
        """Wait for the encoder's end, and have memory and disk back: it takes 15 ms to unmap."""
        self._encoder.has_ended(None)
        self._let_go()
        _writers.discard(self)

    def _has_drained(self) -> bool:
        """Wait a little, and return whether the encoder is done; one that died is replaced."""
        self._control.wait(0.05)
        if self._control[Counter.PHASE] in _LAST_PHASES:
            return True
        self._look_after_encoder()
        self._control.end_entries()
        return False

    def abandon(self) -> None:
        """Let go of everything after a fork: it is the parent's."""
        self._let_go()
        self._control.close()

    def _put_all(self) -> None:
        self._is_putting = True
        try:
            while self._to_put:
                self._look_after_encoder()
                self._put(self._to_put.popleft())
        finally:
            self._is_putting = False
            if self._to_put:  # an exception came out of a handler that had logged
                self._put_all()

    def _let_go(self) -> None:
        arena, self._arena = self._arena, None  # images that stand in it keep it
        if arena is not None:
            arena.close()
        self._spool.close()

    def _put(self, drafts: Sequence[Draft]) -> None:
        if self._arena is not None:
            self._arena.release(self._control[Counter.TAIL])
        items = encode_items(drafts, self._seq, self._place_of)
        size_bytes = entry_bytes(items)
        head = self._ring.head
        position = self._place(size_bytes)
        if self._arena is not None and position is not None:
            self._arena.hold(items.held, self._ring.head)
        if position is None or not self._write(position, len(drafts), items):
            self._ring.head = head
            self._num_dropped += len(drafts)
            return
        self._seq += len(drafts)
        self._spool.set_mark(Mark.LOGGED, self._seq)
        self._control[Counter.SEQ] = self._seq
        self._control[Counter.HEAD] = self._ring.head
        control = self._control
        while not control.send(position):  # so many entries wait that their pipe is full
            self._wait_for_change()
            if control is not self._control:  # a new encoder, which finds what is there by itself
                break

    def _place_of(self, array: Any) -> int:
        if self._arena is None or array.nbytes < POOLED_BYTES:
            return -1
        return self._arena.place_of(array)

    def _place(self, size_bytes: int) -> int | None:
        """Return where an entry goes; waits for room unless entries are to be dropped."""
        place = self._ring.place
        position = place(size_bytes, self._control[Counter.TAIL])
        while position is None:
            is_dropped = self._options.on_full == "drop" or self._is_failing()
            self._warn_full("drops images" if is_dropped else "waits")
            if is_dropped:
                return None
            self._wait_for_change()
            position = place(size_bytes, self._control[Counter.TAIL])
        return position

    def _write(self, position: int, num_items: int, items: EncodedItems) -> bool:
        place = entry_place(position, self._seq, num_items, items)
        end = self._ring.offset(position) + place.size_bytes
        try:
            if end > self._spool_end:
                more = end - self._spool_end + _CHECKED_BYTES
                check_free_space(self.spool_path.parent, more)
                self._spool_end += more
            self._spool.write(place, items)
        except OSError as error:
            self._spool_error = f"{type(error).__name__}: {error}"
            return False
        self._spool_error = ""
        return True

    def _is_failing(self) -> bool:
        return self._control[Counter.PHASE] in (Phase.FAILING, Phase.GAVE_UP)

    def _wait_for_change(self) -> None:
        self._control.wait(_CHECK_SECS)
        self._look_after_encoder()

    def _wait_until(self, is_so: Callable[[], bool], timeout_secs: float | None) -> bool:
        end_at = None if timeout_secs is None else time.monotonic() + timeout_secs
        hopeless = self._control[Counter.FAILURES] + 2  # one of them began after we did
        while not is_so():
            if self._is_failing() and self._control[Counter.FAILURES] >= hopeless:
                return False
            if end_at is not None and time.monotonic() >= end_at:
                return False
            time.sleep(_LOOK_SECS)  # without the lock, so that log() need not wait for us
            with self._lock:
                self._look_after_encoder()
        return True

    def _warn_full(self, what: str) -> None:
        if self._has_warned_full:
            return
        self._has_warned_full = True
        size = f"{self._options.spool_bytes / 2**20:.0f} MiB of images wait to be encoded"
        warn_user(f"log() {what}: {size}; log fewer, or raise init(queue_bytes=...)")

    def _look_after_encoder(self, *, is_urgent: bool = False) -> None:
        """Start another encoder when ours has died, at most now and then."""
        now = time.monotonic()
        if now - self._checked_secs < _CHECK_SECS and not is_urgent:
            return
        self._checked_secs = now
        if not self._encoder.has_ended(0) or self._control[Counter.PHASE] in _LAST_PHASES:
            return
        tail = self._control[Counter.TAIL]
        self._num_restarts = self._num_restarts + 1 if tail == self._restarted_at else 1
        self._restarted_at = tail
        if self._num_restarts > 2 * _MAX_RESTARTS:
            self._control[Counter.PHASE] = Phase.GAVE_UP
        else:
            self._encoder = self._start(self._renew_control())

    def _renew_control(self) -> Control:
        """Return a new page and pipes: what was said through the old ones is lost."""
        old = self._control
        self._control, theirs = Control.pair()
        for counter in Counter:
            self._control[counter] = old[counter]
        self._control[Counter.PHASE] = Phase.STARTING
        old.close()
        return theirs

    def _start(self, theirs: Control) -> _EncoderProcess | _EncoderThread:
        task = EncoderTask(
            run_dir=str(self._run_dir),
            writer=self._name,
            spool=str(self.spool_path),
            spool_fd=self._spool.fd,
            page_fd=theirs.page_fd,
            entries_fd=theirs.entries_fd,
            changes_fd=theirs.changes_fd,
            told_seq=self._seq,
            is_power_safe=self._options.durability == "power",
            rules=self._rules,
            sys_path=[str(Path(path).absolute()) for path in sys.path],
        )
        can_start = bool(sys.executable)  # an embedded interpreter has none
        if self._options.has_process and can_start and self._num_restarts < _MAX_RESTARTS:
            with contextlib.suppress(OSError, ValueError):
                return _EncoderProcess(task, theirs)
        return _EncoderThread(task, theirs, self._spool)


class _EncoderProcess:
    """An encoder in a process of its own."""

    def __init__(self, task: EncoderTask, control: Control) -> None:
        fds = (task.spool_fd, task.page_fd, task.entries_fd, task.changes_fd)
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
            command(task),
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **_ENCODER_ENV},
        )
        control.close()

    def has_ended(self, timeout_secs: float | None) -> bool:
        """Return whether it has ended, or does so within this time; None waits for it."""
        try:
            self._process.wait(timeout_secs)
        except subprocess.TimeoutExpired:
            return False
        return True


class _EncoderThread:
    """An encoder on threads of this process."""

    def __init__(self, task: EncoderTask, control: Control, spool: Spool) -> None:
        self._thread = threading.Thread(
            target=self._run, args=(task, control, spool), name="filmstrip-encoder", daemon=True
        )
        self._thread.start()

    def _run(self, task: EncoderTask, control: Control, spool: Spool) -> None:
        try:
            run_task(task, control, spool)
        except Exception as error:  # noqa: BLE001  # the writer loop: another one is started
            control.text = f"{type(error).__name__}: {error}"
        finally:
            control.close()

    def has_ended(self, timeout_secs: float | None) -> bool:
        """Return whether it has ended, or does so within this time; None waits for it."""
        self._thread.join(timeout_secs)
        return not self._thread.is_alive()


def _groups(drafts: Sequence[Draft]) -> Iterator[Sequence[Draft]]:
    """Yield the drafts in the portions that are handed over at once."""
    group: list[Draft] = []
    size_bytes = 0
    for draft in drafts:
        group.append(draft)
        size_bytes += draft.size_bytes if isinstance(draft, ImageDraft) else 0
        if size_bytes >= _ENTRY_BYTES or len(group) >= _ENTRY_ITEMS:
            yield group
            group, size_bytes = [], 0
    if group:
        yield group


def _shares(spool_bytes: int, folder: Path) -> tuple[int, int]:
    """Return how much of a spool is its ring, and how much its pixel memory."""
    arena_bytes = spool_bytes * 3 // 4 // ARENA_OFFSET * ARENA_OFFSET
    if arena_bytes < _MIN_ARENA_BYTES or not can_reserve(folder):
        return spool_bytes, 0
    return spool_bytes - arena_bytes, arena_bytes


def _arena(spool: Spool) -> Arena | None:
    if not spool.arena_bytes:
        return None
    arena = Arena(spool.path, ARENA_OFFSET, spool.arena_bytes)
    arena.warm(spool.arena_bytes // 2)
    use_blocks_of(arena)
    return arena


def _is_started(function: Callable[[], None]) -> bool:
    """Run a function on a thread; return False when the system has no more, or Python ends."""
    try:
        threading.Thread(target=function, name="filmstrip-leave", daemon=True).start()
    except RuntimeError:
        return False
    return True


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
"""Writers of this process, which a forked child must let go of."""


def _abandon_all() -> None:
    for writer in list(_writers):
        writer.abandon()
    _writers.clear()


os.register_at_fork(after_in_child=_abandon_all)
