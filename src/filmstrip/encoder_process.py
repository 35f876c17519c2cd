"""The encoder: drains one writer's spool beside it, and to the end when the writer is gone.

It is a process of its own (``python -c``), so that encoding neither takes the interpreter lock from
the training nor ends with it. Where no process can be started, a thread runs the same.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from filmstrip.draft import KeepRule
from filmstrip.drain import Drain
from filmstrip.folder import (
    read_run_info,
    read_writer_info,
    write_run_info,
    write_writer_info,
)
from filmstrip.live_prune import LivePruning
from filmstrip.record import RecordDamagedError, WriterState
from filmstrip.recovery import ShardsEnd, mend_shards
from filmstrip.shard.append import ShardAppender
from filmstrip.spool.control import Control, Counter, Ending, Phase
from filmstrip.spool.file import Spool

__all__ = ["NOBODY_TELLS", "EncoderTask", "command", "run_task"]

_NICENESS = 5
"""How far the encoder stands back when the training wants the CPU."""

_GARBAGE_OBJECTS = 50_000
"""Objects made before cycles are looked for; an image makes dozens, and none is in a cycle."""

NOBODY_TELLS = 2**63
"""The `EncoderTask.told_seq` of a spool whose writer is dead."""

_MEND_AGAIN_SECS = 0.1

_SYNC_SECS, _SYNC_AGAIN_SECS = 0.002, 0.25
"""With ``durability="power"``: between two looks for entries to sync, and after a failed one."""

_PATIENCE_SECS = {Ending.KILLED: 2.0, Ending.FINISHED: 5.0, Ending.FAILED: 2.0}
"""How long writes may fail at the end before the rest is left in the spool."""


class EncoderTask(msgspec.Struct, frozen=True):
    """What an encoder is told when it starts."""

    run_dir: str
    writer: str
    spool: str
    spool_fd: int
    page_fd: int
    entries_fd: int
    changes_fd: int
    told_seq: int
    """From this sequence number on, the producer tells of each entry."""
    is_power_safe: bool = False
    rules: list[KeepRule] = []
    """Those that an encoder before this one knew."""
    sys_path: list[str] = []


def command(task: EncoderTask) -> list[str]:
    """Return the command that runs a task in a process of its own."""
    code = (
        "import sys;import json;t=json.loads(sys.argv[1]);sys.path[:]=t['sys_path'];"
        "from filmstrip.encoder_process import main;main()"
    )
    return [sys.executable, "-I", "-S", "-c", code, msgspec.json.encode(task).decode()]


def main() -> None:
    """Run the task that the first argument describes; exits with 0 when nothing stays behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the writer says when it is over, or its death does
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    gc.freeze()  # what is here stays; looking for cycles among it would cost more as a run grows
    gc.set_threshold(_GARBAGE_OBJECTS)
    task = msgspec.json.decode(sys.argv[1], type=EncoderTask)
    control = Control(task.page_fd, task.entries_fd, task.changes_fd)
    is_done = run_task(task, control, Spool.open(Path(task.spool), task.spool_fd))
    os._exit(0 if is_done else 1)


def run_task(task: EncoderTask, control: Control, spool: Spool) -> bool:
    """Drain a spool until its writer ends, and tidy up; return False when something stays in it."""
    run_dir = Path(task.run_dir)
    end = _mended(run_dir, task.writer, control)
    if end is None:
        control[Counter.PHASE] = Phase.GAVE_UP
        control.announce()
        return False
    appender = ShardAppender(
        run_dir,
        task.writer,
        first_shard=end.next_shard,
        first_values=end.next_seq,
        is_power_safe=task.is_power_safe,
    )
    appender.sealed.update(end.sealed)
    pruning = LivePruning(task.writer, appender)
    for rule in task.rules:
        pruning.add(rule)
    drain = Drain(
        spool,
        appender,
        next_seq=end.next_seq,
        control=control,
        patience_secs=lambda: _PATIENCE_SECS[Ending(control[Counter.ENDING])],
        pruning=pruning,
    )
    control[Counter.PHASE] = Phase.WORKING
    with _kept_durable(spool, control) if task.is_power_safe else contextlib.nullcontext():
        if 1 < task.told_seq < NOBODY_TELLS:  # in place of an encoder that died
            _count_again(control, end)
            drain.go_on()
            drain.take_found(task.told_seq)
        if task.told_seq == NOBODY_TELLS:
            drain.take_left()
        while positions := control.receive():
            for position in positions:
                drain.take(position)
        seq = control[Counter.SEQ]
        if drain.next_seq < seq:  # the writer was stopped before it could tell us
            drain.take_found(seq)
            drain.end_at(seq)
        drain.close(_PATIENCE_SECS[Ending(control[Counter.ENDING])])
    _tidy_up(task, control, drain, appender, spool)
    with contextlib.suppress(OSError):
        pruning.prune_all(run_dir)
    control[Counter.PHASE] = Phase.GAVE_UP if drain.has_given_up else Phase.DONE
    control.announce()
    return not drain.has_given_up


def _mended(run_dir: Path, writer: str, control: Control) -> ShardsEnd | None:
    """Return where the shards end, tried again while the disk refuses; None to give up."""
    give_up_at: float | None = None
    while True:
        try:
            return mend_shards(run_dir, writer)
        except OSError as error:
            control.note_failure(error)
        if give_up_at is None and control.is_over():
            patience_secs = _PATIENCE_SECS[Ending(control[Counter.ENDING])]
            give_up_at = time.monotonic() + patience_secs
        if give_up_at is not None and time.monotonic() > give_up_at:
            return None
        time.sleep(_MEND_AGAIN_SECS)


def _count_again(control: Control, end: ShardsEnd) -> None:
    """Count what the encoder before us stored and did not come to count."""
    counters = (Counter.IMAGES, Counter.VALUES, Counter.LOST, Counter.RULES)
    num_counted = sum(control[counter] for counter in counters)
    for seq in range(num_counted + 1, end.next_seq):
        if seq in end.is_image:
            control[Counter.IMAGES if end.is_image[seq] else Counter.VALUES] += 1


def _tidy_up(
    task: EncoderTask, control: Control, drain: Drain, appender: ShardAppender, spool: Spool
) -> None:
    """Describe how the writer ended; a spool with nothing in it goes."""
    run_dir = Path(task.run_dir)
    ending = Ending(control[Counter.ENDING])
    states: dict[Ending, WriterState] = {
        Ending.KILLED: "killed",
        Ending.FINISHED: "finished",
        Ending.FAILED: "failed",
    }
    with contextlib.suppress(OSError, RecordDamagedError):
        info = read_writer_info(run_dir, task.writer)
        if ending is Ending.KILLED and not info.is_child and info.rank == 0:
            _mark_run_failed(run_dir)
        state = "finished" if ending is Ending.KILLED and info.is_child else states[ending]
        if drain.has_given_up:
            state = "running"  # as good as killed: it is for the next to drain
        write_writer_info(
            run_dir,
            msgspec.structs.replace(
                info,
                state=state,
                finished=time.time(),
                shards=dict(appender.sealed),
                num_lost=info.num_lost + control[Counter.LOST],
                num_dropped=max(info.num_dropped, control[Counter.DROPPED]),
            ),
        )
    if not drain.has_given_up:
        spool.path.unlink(missing_ok=True)


def _mark_run_failed(run_dir: Path) -> None:
    info = read_run_info(run_dir)
    if info.state == "running":
        write_run_info(run_dir, msgspec.structs.replace(info, state="failed", finished=time.time()))


@contextlib.contextmanager
def _kept_durable(spool: Spool, control: Control) -> Iterator[None]:
    """Have the disk hold each entry soon after it was written, while the block runs."""
    is_over = threading.Event()
    thread = threading.Thread(
        target=_keep_durable, args=(spool, control, is_over), name="filmstrip-sync", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _keep_durable(spool: Spool, control: Control, is_over: threading.Event) -> None:
    while not is_over.is_set():
        written = control[Counter.HEAD]
        if written > control[Counter.DURABLE]:
            try:
                os.fdatasync(spool.fd)
            except OSError as error:
                control.note_failure(error)
                is_over.wait(_SYNC_AGAIN_SECS)
                continue
            control[Counter.DURABLE] = written
            control.announce()
        else:
            is_over.wait(_SYNC_SECS)
