"""The writer: a bounded queue, threads that encode, and shards that fill in the order of ``log()``.

`Writer.submit` hands a batch over and returns. Encoder threads take batches, turn pixels into
bytes (numpy, isal and Pillow release the GIL there), and whoever finishes the oldest batch appends
all that is ready.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from filmstrip.record import ValuesRecord
from filmstrip.sample import Draft, ImageDraft, encode_draft, encode_small_pictures
from filmstrip.shard.append import EncodedImage, ShardAppender
from filmstrip.warn import warn_user

__all__ = ["QUEUE_BYTES", "Writer", "WriterFailure"]

QUEUE_BYTES = 256 * 2**20
"""Pixels that may wait to be encoded, in bytes, before ``log()`` waits."""

_BATCH_BYTES = 512 * 1024
"""Small images are encoded in batches of about this many bytes: one hand-over, one write."""

_SMALL_BYTES = 32 * 1024
"""Below this an image costs more in Python than in numpy and isal: a second thread would only make
them hand the interpreter lock to and fro (28 × 28: 9,500 images/s with one, 7,000 with two)."""

_QUIET_SECS, _LINGER_SECS = 0.005, 0.25
"""Small images wait until ``log()`` has been quiet for so long, but no longer than so long: beside
an encoder that takes the interpreter lock from it, making a small image takes twice the time."""

_RECORD_BYTES = 1024
"""What a record counts for in the queue, so that values alone cannot grow without limit."""

_MAX_THREADS = 8


@dataclass(frozen=True, slots=True)
class WriterFailure:
    """What could not be stored: how many records, and why the first of them."""

    num_lost: int
    cause: BaseException


@dataclass(slots=True)
class _Job:
    drafts: Sequence[Draft]
    size_bytes: int
    submit_secs: float = 0.0
    encoded: Sequence[EncodedImage | ValuesRecord] | None = None

    @property
    def is_small(self) -> bool:
        """Whether its images are small, on average."""
        return self.size_bytes < _SMALL_BYTES * len(self.drafts)


class Writer:
    """Encodes drafts on threads and appends them to shards in the order they came.

    Parameters
    ----------
    appender
        Where samples go; the writer closes it.
    queue_bytes
        Limit on the pixels that wait. One call may exceed it when nothing else waits.
    num_threads
        Encoder threads; by default one a CPU, at most 8.
    """

    def __init__(
        self,
        appender: ShardAppender,
        *,
        queue_bytes: int = QUEUE_BYTES,
        num_threads: int | None = None,
    ) -> None:
        self._appender = appender
        self._queue_bytes = queue_bytes
        self._num_threads = num_threads or min(_MAX_THREADS, os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._has_room = threading.Condition(self._lock)
        self._append_lock = threading.Lock()
        self._todo: deque[_Job] = deque()
        self._order: deque[_Job] = deque()
        self._pending_bytes = 0
        self._num_large = 0
        self._threads: list[threading.Thread] = []
        self._last_submit_secs = 0.0
        self._num_waiting = 0
        self._is_closing = False
        self._has_warned_full = False
        self._num_lost = 0
        self._cause: BaseException | None = None

    @property
    def failure(self) -> WriterFailure | None:
        """What could not be stored so far, None while all went well."""
        cause = self._cause
        return None if cause is None else WriterFailure(self._num_lost, cause)

    @property
    def sealed_shards(self) -> dict[str, int]:
        """Size in bytes of each shard that is complete, by file name."""
        return dict(self._appender.sealed)

    def submit(self, drafts: Sequence[Draft]) -> None:
        """Queue drafts in order; waits only while the queue is full."""
        for job in _jobs(drafts):
            if not self._fits(job):
                self._warn_full()
            with self._lock:
                if not self._fits(job):
                    self._wait_until(partial(self._fits, job))
                has_thread = self._queue(job)
            if not has_thread:
                self._process(job)

    def flush(self, timeout_secs: float | None = None) -> bool:
        """Wait until all that was submitted is in the shard; return whether it is."""
        with self._lock:
            return self._wait_until(lambda: not self._order, timeout_secs)

    def close(self) -> None:
        """Wait for everything, stop the threads, and seal the shard."""
        self.flush()
        with self._lock:
            self._is_closing = True
            self._has_work.notify_all()
        for thread in self._threads:
            thread.join()
        try:
            self._appender.close()
        except OSError as error:
            self._record_failure(0, error)

    def _queue(self, job: _Job) -> bool:
        """Queue a job for the threads; return False when there is none to take it."""
        self._pending_bytes += job.size_bytes
        self._order.append(job)
        job.submit_secs = self._last_submit_secs = time.monotonic()
        wanted = 1 if job.is_small else min(self._num_threads, len(self._order))
        if len(self._threads) < wanted:
            self._start_thread()
        if not self._threads:
            return False
        self._todo.append(job)
        self._num_large += not job.is_small
        if len(self._todo) == 1 or not job.is_small:  # else a thread lingers, or is at work
            self._has_work.notify()
        return True

    def _wait_until(self, is_so: Callable[[], bool], timeout_secs: float | None = None) -> bool:
        """Wait for the threads; while anyone does, small images are not put off."""
        self._num_waiting += 1
        self._has_work.notify_all()
        try:
            return self._has_room.wait_for(is_so, timeout_secs)
        finally:
            self._num_waiting -= 1

    def _fits(self, job: _Job) -> bool:
        return not self._order or self._pending_bytes + job.size_bytes <= self._queue_bytes

    def _warn_full(self) -> None:
        if not self._has_warned_full:
            self._has_warned_full = True
            warn_user(
                f"log() waits: {self._pending_bytes / 2**20:.0f} MiB of images are queued, "
                "as many as queue_bytes allows; log fewer, or raise init(queue_bytes=...)"
            )

    def _start_thread(self) -> None:
        name = f"filmstrip-encoder-{len(self._threads)}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more: those we have do the work, or the caller's
            return
        self._threads.append(thread)

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            self._process(job)

    def _next_job(self) -> _Job | None:
        with self._lock:
            while not self._todo or self._secs_to_linger() > 0:
                if not self._todo and self._is_closing:
                    return None
                self._has_work.wait(self._secs_to_linger() if self._todo else None)
            job = self._todo.popleft()
            self._num_large -= not job.is_small
            return job

    def _secs_to_linger(self) -> float:
        """Return how long the jobs are yet to wait for ``log()`` to be quiet."""
        if self._num_waiting or self._num_large:
            return 0.0
        oldest_secs = self._todo[0].submit_secs
        until_secs = min(self._last_submit_secs + _QUIET_SECS, oldest_secs + _LINGER_SECS)
        return until_secs - time.monotonic()

    def _process(self, job: _Job) -> None:
        job.encoded = self._encoded(job.drafts)
        job.drafts = ()
        while self._is_oldest_encoded() and self._append_lock.acquire(blocking=False):
            try:
                self._append_oldest()
            finally:
                self._append_lock.release()

    def _encoded(self, drafts: Sequence[Draft]) -> list[EncodedImage | ValuesRecord]:
        try:
            files = encode_small_pictures(drafts)
        except Exception:  # noqa: BLE001  # the writer loop: then each is tried by itself
            files = {}
        made = [self._encode(draft, files.get(place)) for place, draft in enumerate(drafts)]
        return [sample for sample in made if sample is not None]

    def _encode(self, draft: Draft, file: bytes | None) -> EncodedImage | ValuesRecord | None:
        try:
            return encode_draft(draft, file)
        except Exception as error:  # noqa: BLE001  # the writer loop: count it and go on
            self._record_failure(1, error)
            return None

    def _is_oldest_encoded(self) -> bool:
        with self._lock:
            return bool(self._order) and self._order[0].encoded is not None

    def _append_oldest(self) -> None:
        """Append what is ready, in order; one thread does at a time, and the others go on."""
        while self._order and (encoded := self._order[0].encoded) is not None:
            self._append(encoded)
            with self._lock:
                self._pending_bytes -= self._order.popleft().size_bytes
                self._has_room.notify_all()

    def _append(self, samples: Sequence[EncodedImage | ValuesRecord]) -> None:
        try:
            if samples:
                self._appender.append(samples)
        except OSError as error:
            self._record_failure(len(samples), error)
        except Exception as error:  # noqa: BLE001  # the writer loop: count it and go on
            if len(samples) == 1:
                self._record_failure(1, error)
            for sample in samples if len(samples) > 1 else ():
                self._append([sample])  # one of them cannot be stored: not the others' fault

    def _record_failure(self, num_lost: int, cause: BaseException) -> None:
        with self._lock:
            self._num_lost += num_lost
            self._cause = self._cause or cause


def _jobs(drafts: Sequence[Draft]) -> list[_Job]:
    """Return the drafts cut into batches: each image of some size alone, small ones together."""
    jobs = []
    batch: list[Draft] = []
    batch_bytes = 0
    for draft in drafts:
        batch.append(draft)
        batch_bytes += _RECORD_BYTES + (draft.size_bytes if isinstance(draft, ImageDraft) else 0)
        if batch_bytes >= _BATCH_BYTES:
            jobs.append(_Job(batch, batch_bytes))
            batch, batch_bytes = [], 0
    if batch:
        jobs.append(_Job(batch, batch_bytes))
    return jobs
