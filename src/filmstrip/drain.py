"""Draining a spool: its entries become samples in shards, in order, each exactly once.

The same code serves the encoder process of a living writer, a thread where no process can be had,
and the repair of a spool whose writer is dead. What is drained is known by the sequence numbers in
the shards themselves, so there is nothing to keep in step.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator

from filmstrip.disk import check_free_space
from filmstrip.draft import KeepRule
from filmstrip.encoder import Batch, Encoder
from filmstrip.live_prune import LivePruning
from filmstrip.record import ValuesRecord
from filmstrip.sample import PartDamagedError, Sample, sample_from_item
from filmstrip.shard.append import EncodedImage, ShardAppender
from filmstrip.shard.revisits import MAX_REVISITS
from filmstrip.spool.control import Control, Counter, Phase
from filmstrip.spool.file import Entry, EntryPlace, Mark, Spool, SpoolDamagedError
from filmstrip.spool.items import SpooledImage
from filmstrip.spool.ring import Ring

__all__ = ["Drain", "DrainGaveUpError"]

_BATCH_BYTES = 512 * 1024
"""Small images are encoded in batches of about this many bytes: one hand-over, one write."""

_REVISIT_BYTES = _BATCH_BYTES // MAX_REVISITS
"""As so many bytes counts an image of which nothing needs to be encoded."""

_RETRY_SECS = (0.05, 1.0)
"""How long to wait before a write that failed is tried again: at first, and at most."""

_SPACE_CHECK_SECS, _SPACE_CHECK_BYTES = 0.1, 2**20
"""After so long, or so much, it is asked again how much room the disk has."""


class DrainGaveUpError(Exception):
    """Writes fail and nobody waits for them any longer; the rest stays in the spool."""


class Drain:
    """Takes entries of a spool in their order and stores them.

    Parameters
    ----------
    spool
        Where the entries are.
    appender
        Where samples go.
    next_seq
        Sequence number of the first item that is not in the shards.
    control
        What the producer is told through.
    patience_secs
        Returns how long writes may fail once the writer has ended, as for `close`: all may wait
        for a disk that is full, and nobody come to close.
    pruning
        What lets go of images meanwhile.
    """

    def __init__(
        self,
        spool: Spool,
        appender: ShardAppender,
        *,
        next_seq: int,
        control: Control,
        patience_secs: Callable[[], float] = lambda: math.inf,
        pruning: LivePruning,
    ) -> None:
        self._pruning = pruning
        self._spool, self._appender, self._control = spool, appender, control
        self._next_seq = max(next_seq, spool.mark(Mark.DRAINED))
        self._gap_cause: Exception | None = None
        self._ring = Ring(spool.ring_bytes)
        self._count_lock = threading.Lock()
        self._encoder = Encoder(self._store, appender.known)
        self._patience_secs = patience_secs
        self._give_up_at: float | None = None
        self._has_given_up = False
        self._wake = threading.Event()
        self._space_checked, self._space_checked_bytes = 0.0, 0
        self._seen_bytes = 0

    @property
    def next_seq(self) -> int:
        """Sequence number of the first item that was not taken."""
        return self._next_seq

    @property
    def has_given_up(self) -> bool:
        """Whether something stays in the spool."""
        return self._has_given_up

    def take(self, position: int) -> None:
        """Take the entry at a position; waits while enough others are being encoded."""
        try:
            place = self._spool.place_at(position)
        except (OSError, SpoolDamagedError) as error:
            self._gap_cause = error  # how many items it had, the next one tells
            return
        if place.seq > self._next_seq:  # log() was interrupted before it could tell
            self.take_found(place.seq)
        self.take_place(place)

    def take_found(self, end_seq: int) -> None:
        """Take the entries up to a sequence number, those that nobody tells of.

        Raises
        ------
        OSError
            The spool cannot be read.
        """
        for place in [one for one in self._spool.find(self._next_seq) if one.seq < end_seq]:
            self.take_place(place)

    def take_left(self) -> None:
        """Take what a dead writer left. Only what it had handed over can be lost.

        Raises
        ------
        OSError
            The spool cannot be read.
        """
        end_seq = self._spool.mark(Mark.LOGGED)
        found = list(self._spool.find(self._next_seq))
        for place in found:
            is_newest = place is found[-1]
            self.take_place(place, is_maybe_torn=place.seq >= end_seq if end_seq else is_newest)
        self.end_at(end_seq)
        if not end_seq and not self._control[Counter.LOST]:
            self._control.text = "the spool's first page is damaged: what its end held is not known"

    def go_on(self) -> None:
        """Say what the shards hold already: who put it there may have died before it could.

        Raises
        ------
        OSError
            The spool cannot be read.
        """
        done = [one for one in self._spool.find(0) if one.end_seq <= self._next_seq]
        ends = [self._ring.end(place.position, place.size_bytes) for place in done]
        self._control[Counter.TAIL] = max(ends, default=0)

    def end_at(self, seq: int) -> None:
        """Count as lost what is missing up to a sequence number, which is that of nothing more."""
        if seq > self._next_seq and not self._has_given_up:
            cause = self._gap_cause or SpoolDamagedError("entries of the spool are damaged")
            self._note_lost(seq - self._next_seq, cause)
            self._next_seq = seq
        self._gap_cause = None

    def take_place(self, place: EntryPlace, *, is_maybe_torn: bool = False) -> None:
        """Take an entry; one that is in the shards already is passed over.

        Parameters
        ----------
        place
            Where it stands.
        is_maybe_torn
            Whether a kill may have cut it off: ``log()`` had not returned then, nothing is lost.
        """
        if place.end_seq <= self._next_seq or self._has_given_up:
            return
        self.end_at(place.seq)
        try:
            entry = self._spool.read(place.position)
        except (OSError, SpoolDamagedError, MemoryError) as error:
            if not is_maybe_torn:
                self._note_lost(place.end_seq - self._next_seq, error)
            entry = Entry(place, [], [])
        for batch in self._batches(entry, is_maybe_torn=is_maybe_torn):
            self._encoder.submit(batch)
        self._next_seq = place.end_seq
        if self._pruning.is_due:
            self._prune()

    def close(self, patience_secs: float) -> None:
        """Wait until all is stored and seal the shard.

        Parameters
        ----------
        patience_secs
            How long writes may fail before the rest is left in the spool.
        """
        if self._give_up_at is None:
            self._give_up_at = time.monotonic() + patience_secs
        self._wake.set()
        self._encoder.close()
        with contextlib.suppress(DrainGaveUpError):
            self._persist(self._appender.close)

    def _batches(self, entry: Entry, *, is_maybe_torn: bool) -> Iterator[Batch]:
        """Yield an entry's items: each image of some size alone, small ones together."""
        items: list[Sample | ValuesRecord | KeepRule] = []
        size_bytes = 0
        for item, parts in zip(entry.items, entry.parts, strict=True):
            if _seq(item) < self._next_seq:  # a part of the entry was stored before a kill
                continue
            if isinstance(item, KeepRule):
                self._pruning.add(item)
            if not isinstance(item, SpooledImage):
                items.append(item)
                continue
            try:
                sample = sample_from_item(item, parts, self._spool.seed)
            except PartDamagedError as error:
                if is_maybe_torn:  # what was logged is read up to some point, and nothing behind
                    break
                self._note_lost(1, error)
                continue
            items.append(sample)
            is_known = all(part.key in self._appender.known for part in sample.parts)
            size_bytes += min(sample.size_bytes, _REVISIT_BYTES) if is_known else sample.size_bytes
            if size_bytes >= _BATCH_BYTES:
                yield Batch(items, 0)
                items, size_bytes = [], 0
        end_position = self._ring.end(entry.place.position, entry.place.size_bytes)
        yield Batch(items, end_position, entry.place.end_seq)

    def _prune(self) -> None:
        self._encoder.flush()  # nothing is on its way that links to what may go
        with contextlib.suppress(DrainGaveUpError):
            self._persist(self._pruning.prune)

    def _store(self, batch: Batch) -> None:
        """Store an encoded batch; called in order, by one thread at a time."""
        for error in batch.failures:
            self._note_lost(1, error)
        encoded = [item for item in batch.encoded or () if not isinstance(item, KeepRule)]
        try:
            if encoded:
                self._append(encoded, batch)
        except DrainGaveUpError:
            return
        self._count(batch)
        if batch.end_position and not self._has_given_up:
            self._spool.set_mark(Mark.DRAINED, batch.end_seq)
            self._control[Counter.TAIL] = batch.end_position
        self._control.announce()

    def _append(self, samples: list[EncodedImage | ValuesRecord], batch: Batch) -> None:
        try:
            self._persist(lambda: self._append_once(samples))
        except DrainGaveUpError:
            raise
        except Exception as error:  # noqa: BLE001  # the writer loop: count it and go on
            if len(samples) == 1:
                self._note_lost(1, error)
                batch.encoded = [one for one in batch.encoded or () if one is not samples[0]]
            for sample in samples if len(samples) > 1 else ():
                self._append([sample], batch)  # one cannot be stored: not the others' fault

    def _append_once(self, samples: list[EncodedImage | ValuesRecord]) -> None:
        self._check_space()
        self._appender.append(samples)

    def _check_space(self) -> None:
        now = time.monotonic()
        unchecked_bytes = self._appender.size_bytes - self._space_checked_bytes
        if now - self._space_checked >= _SPACE_CHECK_SECS or unchecked_bytes >= _SPACE_CHECK_BYTES:
            check_free_space(self._appender.run_dir, 0)
            self._space_checked, self._space_checked_bytes = now, self._appender.size_bytes

    def _persist(self, write: Callable[[], None]) -> None:
        """Write, again and again while the disk refuses.

        Raises
        ------
        DrainGaveUpError
            It was refused for as long as anyone waits.
        """
        delay_secs, longest_secs = _RETRY_SECS
        while not self._has_given_up:
            if self._give_up_at is None and self._control.is_over():  # nobody may come to close us
                self._give_up_at = time.monotonic() + self._patience_secs()
            is_last = self._give_up_at is not None and time.monotonic() >= self._give_up_at
            try:
                write()
            except OSError as error:
                self._note_failing(error)
            else:
                self._control[Counter.PHASE] = Phase.WORKING
                return
            if is_last:
                self._has_given_up = True
                break
            self._wake.wait(delay_secs)
            self._wake.clear()
            delay_secs = min(2 * delay_secs, longest_secs)
        raise DrainGaveUpError

    def _note_failing(self, error: OSError) -> None:
        self._space_checked = 0.0
        self._control.note_failure(error)

    def _note_lost(self, number: int, error: Exception) -> None:
        with self._count_lock:
            if not self._control[Counter.LOST]:
                self._control.text = f"{type(error).__name__}: {error}"
            self._control[Counter.LOST] += number
        self._control.announce()

    def _count(self, batch: Batch) -> None:
        stored = batch.encoded or ()
        num_images = sum(isinstance(item, EncodedImage) for item in stored)
        num_values = sum(isinstance(item, ValuesRecord) for item in stored)
        with self._count_lock:
            self._control[Counter.IMAGES] += num_images
            self._control[Counter.VALUES] += num_values
            self._control[Counter.RULES] += len(stored) - num_images - num_values
            self._control[Counter.PIXEL_BYTES] += batch.size_bytes
            self._control[Counter.SHARD_BYTES] += self._appender.size_bytes - self._seen_bytes
            self._seen_bytes = self._appender.size_bytes


def _seq(item: SpooledImage | ValuesRecord | KeepRule) -> int:
    if isinstance(item, KeepRule):
        return 2**63
    return item.record.seq if isinstance(item, SpooledImage) else item.seq
