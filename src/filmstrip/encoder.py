"""Encoder threads: pictures become files on all CPUs, and are stored in the order they came.

numpy, isal and Pillow let go of the interpreter lock, so threads are enough. Whoever finishes the
oldest batch stores all that is ready.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from filmstrip.draft import KeepRule
from filmstrip.record import ValuesRecord
from filmstrip.sample import KnownFiles, Sample, encode_samples
from filmstrip.shard.append import EncodedImage

__all__ = ["Batch", "Encoded", "Encoder"]

_WAITING_BYTES = 64 * 2**20
"""Pixels that wait in memory, in bytes; the others wait in the spool."""

_WAITING_BATCHES = 4
"""Batches that wait for each thread."""

_SMALL_BYTES = 32 * 1024
"""Below this an image costs more in Python than in numpy and isal: a second thread would only make
them hand the interpreter lock to and fro (28 × 28: 9,500 images/s with one, 7,000 with two)."""

_MAX_THREADS = 8

Encoded: TypeAlias = EncodedImage | ValuesRecord | KeepRule


@dataclass(slots=True, eq=False)
class Batch:
    """Samples that are encoded by one thread and stored at once."""

    items: Sequence[Sample | ValuesRecord | KeepRule]
    end_position: int
    """Position in the spool behind them; 0 unless they are the last of their entry."""
    end_seq: int = 0
    """The sequence number behind them, then."""
    encoded: list[Encoded] | None = None
    failures: list[Exception] = field(default_factory=list)
    """Why some of the samples cannot be stored."""

    @property
    def size_bytes(self) -> int:
        """Raw pixels and ids."""
        return sum(item.size_bytes for item in self.items if isinstance(item, Sample))

    @property
    def is_small(self) -> bool:
        """Whether its images are small, on average."""
        return self.size_bytes < _SMALL_BYTES * len(self.items)


class Encoder:
    """Encodes batches on threads and hands them on in the order they came.

    Parameters
    ----------
    store
        Called with each batch once it is encoded, oldest first, by one thread at a time.
    known
        Files that need not be encoded again.
    num_threads
        By default one a CPU that this process may use, at most 8.
    """

    def __init__(
        self,
        store: Callable[[Batch], None],
        known: KnownFiles,
        *,
        num_threads: int | None = None,
    ) -> None:
        self._store, self._known = store, known
        self._num_threads = num_threads or min(_MAX_THREADS, _num_cpus())
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._has_room = threading.Condition(self._lock)
        self._store_lock = threading.Lock()
        self._todo: deque[Batch] = deque()
        self._order: deque[Batch] = deque()
        self._waiting_bytes = 0
        self._threads: list[threading.Thread] = []
        self._is_closing = False

    def submit(self, batch: Batch) -> None:
        """Queue a batch; waits while enough others wait."""
        size_bytes = batch.size_bytes
        with self._lock:
            self._has_room.wait_for(lambda: self._has_room_for(size_bytes))
            self._waiting_bytes += size_bytes
            self._order.append(batch)
            wanted = 1 if batch.is_small else min(self._num_threads, len(self._order))
            if len(self._threads) < wanted:
                self._start_thread()
            if has_thread := bool(self._threads):
                self._todo.append(batch)
                self._has_work.notify()
        if not has_thread:  # the system has no more: the caller does the work
            self._process(batch)

    def flush(self) -> None:
        """Wait until all that was submitted is stored."""
        with self._lock:
            self._has_room.wait_for(lambda: not self._order)

    def close(self) -> None:
        """Wait until all is stored, and end the threads."""
        self.flush()
        with self._lock:
            self._is_closing = True
            self._has_work.notify_all()
        for thread in self._threads:
            thread.join()

    def _has_room_for(self, size_bytes: int) -> bool:
        if len(self._order) >= _WAITING_BATCHES * self._num_threads:
            return False
        return not self._order or self._waiting_bytes + size_bytes <= _WAITING_BYTES

    def _start_thread(self) -> None:
        name = f"filmstrip-encoder-{len(self._threads)}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return
        self._threads.append(thread)

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            self._process(batch)

    def _next(self) -> Batch | None:
        with self._lock:
            self._has_work.wait_for(lambda: self._todo or self._is_closing)
            return self._todo.popleft() if self._todo else None

    def _process(self, batch: Batch) -> None:
        batch.encoded = self._encoded(batch)
        while self._is_oldest_encoded() and self._store_lock.acquire(blocking=False):
            try:
                self._store_oldest()
            finally:
                self._store_lock.release()

    def _encoded(self, batch: Batch) -> list[Encoded]:
        samples = [item for item in batch.items if isinstance(item, Sample)]
        try:
            images: Iterator[EncodedImage | None] = iter(encode_samples(samples, self._known))
        except Exception:  # noqa: BLE001  # the writer loop: then each is tried by itself
            images = iter(self._encoded_one_by_one(samples, batch.failures))
        made = [next(images) if isinstance(item, Sample) else item for item in batch.items]
        return [item for item in made if item is not None]

    def _encoded_one_by_one(
        self, samples: Sequence[Sample], failures: list[Exception]
    ) -> list[EncodedImage | None]:
        return [self._encoded_alone(sample, failures) for sample in samples]

    def _encoded_alone(self, sample: Sample, failures: list[Exception]) -> EncodedImage | None:
        try:
            return encode_samples([sample], self._known)[0]
        except Exception as error:  # noqa: BLE001  # the writer loop: count it and go on
            failures.append(error)
            return None

    def _is_oldest_encoded(self) -> bool:
        with self._lock:
            return bool(self._order) and self._order[0].encoded is not None

    def _store_oldest(self) -> None:
        """Store what is ready, in order; one thread does at a time, and the others go on."""
        while self._order and self._order[0].encoded is not None:
            batch = self._order[0]
            self._store(batch)
            with self._lock:
                self._order.popleft()
                self._waiting_bytes -= batch.size_bytes
                self._has_room.notify_all()


def _num_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
