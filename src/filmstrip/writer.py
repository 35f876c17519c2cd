"""The writer: a bounded queue, threads that encode, and shards that fill in the order of ``log()``.

`Writer.submit` hands a batch over and returns. Encoder threads take batches, turn pixels into
bytes (numpy, isal and Pillow release the GIL there), and whoever finishes the oldest batch appends
all that is ready.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from filmstrip.codec import EncodeOptions, encode
from filmstrip.codec.masks import encode_mask
from filmstrip.media.files import EncodedPicture
from filmstrip.media.image import Image
from filmstrip.record import ImageRecord, ValuesRecord
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender
from filmstrip.shard.names import mask_member
from filmstrip.warn import warn_user

__all__ = ["QUEUE_BYTES", "Draft", "ImageDraft", "Writer", "WriterFailure", "encode_draft"]

QUEUE_BYTES = 256 * 2**20
"""Pixels that may wait to be encoded, in bytes, before ``log()`` waits."""

_BATCH_BYTES = 512 * 1024
"""Small images are encoded in batches of about this many bytes: one hand-over, one write."""

_MAX_THREADS = 8


@dataclass(frozen=True, slots=True)
class ImageDraft:
    """An image on its way to the shard, and its record without members."""

    record: ImageRecord
    image: Image

    @property
    def size_bytes(self) -> int:
        """Memory that the image holds while it waits."""
        return self.image.content.size_bytes + sum(
            m.array.nbytes for m in self.image.masks.values()
        )


Draft: TypeAlias = ImageDraft | ValuesRecord


@dataclass(frozen=True, slots=True)
class WriterFailure:
    """What could not be stored: how many records, and why the first of them."""

    num_lost: int
    cause: BaseException


@dataclass(slots=True)
class _Job:
    drafts: Sequence[Draft]
    size_bytes: int
    encoded: Sequence[EncodedImage | ValuesRecord] | None = None
    lost: int = field(default=0)


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
        self._threads: list[threading.Thread] = []
        self._is_closing = False
        self._has_warned_full = False
        self._num_lost = 0
        self._cause: BaseException | None = None

    @property
    def failure(self) -> WriterFailure | None:
        """What could not be stored so far, None while all went well."""
        cause = self._cause
        return None if cause is None else WriterFailure(self._num_lost, cause)

    def submit(self, drafts: Sequence[Draft]) -> None:
        """Queue drafts in order; waits only while the queue is full."""
        for job in _jobs(drafts):
            with self._lock:
                self._wait_for_room(job.size_bytes)
                self._pending_bytes += job.size_bytes
                self._todo.append(job)
                self._order.append(job)
                if len(self._threads) < min(self._num_threads, len(self._order)):
                    self._start_thread()
                self._has_work.notify()

    def flush(self, timeout_secs: float | None = None) -> bool:
        """Wait until all that was submitted is in the shard; return whether it is."""
        deadline = None if timeout_secs is None else time.monotonic() + timeout_secs
        with self._lock:
            while self._order:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._has_room.wait(left)
        return True

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

    def _wait_for_room(self, size_bytes: int) -> None:
        while self._order and self._pending_bytes + size_bytes > self._queue_bytes:
            if not self._has_warned_full:
                self._has_warned_full = True
                warn_user(
                    f"log() waits: {self._pending_bytes / 2**20:.0f} MiB of images are queued, "
                    "as many as queue_bytes allows; log fewer images, or raise init(queue_bytes=...)"
                )
            self._has_room.wait()

    def _start_thread(self) -> None:
        name = f"filmstrip-encoder-{len(self._threads)}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._todo:
                    if self._is_closing:
                        return
                    self._has_work.wait()
                job = self._todo.popleft()
            encoded = []
            for draft in job.drafts:
                try:
                    encoded.append(encode_draft(draft))
                except Exception as error:  # noqa: BLE001, PERF203  # the writer loop: count it, go on
                    self._record_failure(1, error)
            job.encoded = encoded
            self._append_ready()

    def _append_ready(self) -> None:
        """Append the oldest jobs that are encoded; the lock keeps them in order."""
        with self._append_lock:
            while self._order and (encoded := self._order[0].encoded) is not None:
                try:
                    if encoded:
                        self._appender.append(encoded)
                except Exception as error:  # noqa: BLE001  # the writer loop: count it and go on
                    self._record_failure(len(encoded), error)
                with self._lock:
                    self._pending_bytes -= self._order.popleft().size_bytes
                    self._has_room.notify_all()

    def _record_failure(self, num_lost: int, cause: BaseException) -> None:
        with self._lock:
            self._num_lost += num_lost
            self._cause = self._cause or cause


def encode_draft(draft: Draft) -> EncodedImage | ValuesRecord:
    """Return the sample that a shard stores for a draft."""
    if isinstance(draft, ValuesRecord):
        return draft
    image = draft.image
    content = image.content
    if isinstance(content, EncodedPicture):
        data = content.data
    else:
        data = encode(content, image.file_type.name, EncodeOptions(image.quality, image.lossless))
    members = [_member(image.format, data)]
    for layer, mask in image.masks.items():
        members.append(_member(mask_member(layer), encode_mask(mask.array)))
    return EncodedImage(draft.record, members)


def _member(name: str, data: bytes) -> EncodedMember:
    return EncodedMember(name, data, hashlib.sha256(data).hexdigest())


def _jobs(drafts: Sequence[Draft]) -> list[_Job]:
    """Return the drafts cut into batches: each image of some size alone, small ones together."""
    jobs = []
    batch: list[Draft] = []
    batch_bytes = 0
    for draft in drafts:
        batch.append(draft)
        batch_bytes += draft.size_bytes if isinstance(draft, ImageDraft) else 0
        if batch_bytes >= _BATCH_BYTES:
            jobs.append(_Job(batch, batch_bytes))
            batch, batch_bytes = [], 0
    if batch:
        jobs.append(_Job(batch, batch_bytes))
    return jobs
