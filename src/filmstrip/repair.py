"""Repair: what dead writers left in their spools goes into the shards, exactly once.

A spool whose lock can be taken belongs to nobody who lives. Whoever takes it drains it as its
encoder would have.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filmstrip.encoder_process import NOBODY_TELLS, EncoderTask, run_task
from filmstrip.errors import one_line
from filmstrip.folder import RUNS_DIR, read_writers, spool_path
from filmstrip.record import WriterInfo
from filmstrip.spool.control import Control, Counter
from filmstrip.spool.file import Spool, SpoolDamagedError, is_locked

__all__ = ["Repaired", "dead_spools", "is_live", "repair_run", "repair_store"]

_BEGIN_SECS = 10.0

_LOCK_SECS = 0.1

_SWEEP_SECS = 60.0
"""A file that is about to get its name is there for milliseconds."""

_HALF_WRITTEN = re.compile(r"\..+\.json\.(?P<host>.+)\.(?P<pid>\d+)\.[0-9a-f]{8}")

_PATIENCE_SECS = 30.0
"""How long to wait for the encoder of a process that is gone; it drains some hundred images/s."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of one dead writer's spool."""

    run_id: str
    writer: str
    num_images: int
    num_values: int
    num_lost: int
    """Records of which the spool held no whole copy."""
    is_done: bool
    """False when something stays in the spool, because the disk takes nothing more."""
    problem: str = ""


def repair_store(store_dir: Path) -> list[Repaired]:
    """Drain every dead writer's spool in a store."""
    runs = sorted(d for d in (store_dir / RUNS_DIR).iterdir() if d.is_dir())
    return [one for run_dir in runs for one in repair_run(run_dir)]


def repair_run(run_dir: Path, *, patience_secs: float = _PATIENCE_SECS) -> list[Repaired]:
    """Drain every dead writer's spool of a run; living writers' are left alone.

    Parameters
    ----------
    run_dir
        The run's folder.
    patience_secs
        How long an encoder that outlived its writer is waited for.
    """
    _wait_for_orphans(run_dir, patience_secs)
    _sweep(run_dir)
    done = []
    for writer, path in _spools(run_dir):
        repaired = _repair(run_dir, writer, path)
        if repaired is not None:
            done.append(repaired)
    return done


def is_live(run_dir: Path, info: WriterInfo) -> bool:
    """Return whether a writer's own process lives, as far as this machine can tell."""
    path = spool_path(run_dir, info)
    if not is_locked(path) and (path.exists() or not _is_about_to_begin(info)):
        return False
    return info.host != socket.gethostname() or _is_process_alive(info.pid)


def _is_about_to_begin(info: WriterInfo) -> bool:
    """Return whether a writer may have said who it is, and not yet made its spool."""
    return info.state == "running" and time.time() - info.started < _BEGIN_SECS


def dead_spools(run_dir: Path) -> list[Path]:
    """Return the spools of a run that wait for a repair."""
    return [path for _, path in _spools(run_dir) if path.exists() and not is_locked(path)]


def _wait_for_orphans(run_dir: Path, patience_secs: float) -> None:
    end_at = time.monotonic() + patience_secs
    for info in read_writers(run_dir):
        path = spool_path(run_dir, info)
        while is_locked(path) and not is_live(run_dir, info) and time.monotonic() < end_at:
            time.sleep(0.02)


def _sweep(run_dir: Path) -> None:
    """Delete what a kill left of files that are written under another name first."""
    writers = {info.name: (info.host, info.pid) for info in read_writers(run_dir)}
    for path in run_dir.glob(".*"):
        if match := _HALF_WRITTEN.fullmatch(path.name):
            owner = (match["host"], int(match["pid"]))
        elif path.suffix == ".spool":
            owner = writers.get(path.stem.removeprefix("."), ("", 0))
        else:
            continue
        with contextlib.suppress(OSError):  # another does the same, or it is not ours to delete
            is_old = time.time() - path.stat().st_mtime > _SWEEP_SECS
            is_dead = owner[0] == socket.gethostname() and not _is_process_alive(owner[1])
            if is_old or is_dead:
                path.unlink()


def _is_process_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a killed process that its parent has not yet asked about is still there
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    return stat.rpartition(b")")[2].split()[:1] != [b"Z"]


def _spools(run_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield writers and their spools: those in the run's folder, and those told of elsewhere."""
    found = {path.stem: path for path in run_dir.glob("r*-s*.spool")}
    for info in read_writers(run_dir):
        if info.spool and Path(info.spool).exists():
            found[info.name] = spool_path(run_dir, info)
    yield from sorted(found.items())


def _repair(run_dir: Path, writer: str, path: Path) -> Repaired | None:
    try:
        spool = Spool.open(path)
    except FileNotFoundError:
        return None
    except (OSError, SpoolDamagedError) as error:
        return _unreadable(run_dir, writer, path, error)
    try:
        if not _has_locked(spool) or not path.exists():
            return None
        return _drained(run_dir, writer, spool)
    except OSError as error:
        return Repaired(run_dir.name, writer, 0, 0, 0, False, one_line(str(error)))
    finally:
        spool.close()


def _has_locked(spool: Spool) -> bool:
    """Take the lock; who only asks whether a spool is locked has it for a moment, too."""
    end_at = time.monotonic() + _LOCK_SECS
    while not spool.try_lock():
        if time.monotonic() > end_at:
            return False
        time.sleep(0.005)
    return True


def _drained(run_dir: Path, writer: str, spool: Spool) -> Repaired:
    ours, theirs = Control.pair()
    task = EncoderTask(
        run_dir=str(run_dir), writer=writer, spool=str(spool.path), spool_fd=spool.fd,
        page_fd=theirs.page_fd, entries_fd=theirs.entries_fd, changes_fd=theirs.changes_fd,
        told_seq=NOBODY_TELLS,
    )  # fmt: skip
    try:
        ours.end_entries()
        is_done = run_task(task, theirs, spool)
        return Repaired(
            run_id=run_dir.name,
            writer=writer,
            num_images=ours[Counter.IMAGES],
            num_values=ours[Counter.VALUES],
            num_lost=ours[Counter.LOST],
            is_done=is_done,
            problem=ours.text,
        )
    finally:
        ours.close()
        theirs.close()


def _unreadable(run_dir: Path, writer: str, path: Path, error: Exception) -> Repaired | None:
    """Set a spool aside that is none: what it held cannot be told."""
    if isinstance(error, OSError) or is_locked(path):
        return None if is_locked(path) else Repaired(
            run_dir.name, writer, 0, 0, 0, False, one_line(str(error))
        )  # fmt: skip
    with contextlib.suppress(OSError):
        path.replace(path.with_suffix(".spool.damaged"))
    return Repaired(run_dir.name, writer, 0, 0, 0, True, one_line(str(error)))
