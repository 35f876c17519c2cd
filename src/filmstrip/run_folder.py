"""Opening a run's folder: new or gone on with, by one process or by many at once."""

from __future__ import annotations

import os
import platform
import secrets
import socket
import string
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from filmstrip.errors import RunExistsError, RunNotFoundError
from filmstrip.folder import (
    RUNS_DIR,
    prepare_store,
    read_run_info,
    read_writers,
    unwritable,
    write_run_info,
    write_writer_info,
)
from filmstrip.record import RecordDamagedError, RunInfo, WriterInfo
from filmstrip.repair import is_live, repair_run
from filmstrip.settings import RunSettings
from filmstrip.shard.read import StoredSample, scan_shard

__all__ = ["OpenedRun", "new_writer", "open_folder", "random_token"]

_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run's folder, and as what this process writes there."""

    dir: Path
    info: RunInfo
    session: int
    rank: int
    next_step: int


def open_folder(settings: RunSettings) -> OpenedRun:
    """Return the folder of a new run, or of one that goes on.

    Raises
    ------
    RunExistsError
        The id is taken, and `settings.resume` says never.
    RunNotFoundError
        There is no such run, and `settings.resume` says must.
    StoreError
        The store cannot be written.
    """
    run_id = settings.id or random_token(8)
    if settings.is_disabled:
        return OpenedRun(Path(), _new_info(settings, run_id), 0, settings.rank, 0)
    runs_dir = prepare_store(settings.dir) / RUNS_DIR
    run_dir = runs_dir / run_id
    if settings.resume == "must" and not run_dir.is_dir():
        raise RunNotFoundError(run_id, known=sorted(d.name for d in runs_dir.iterdir()))
    try:
        if _make_dir(run_dir):
            info = _new_info(settings, run_id)
            write_run_info(run_dir, info)
            return OpenedRun(run_dir, info, 0, settings.rank, 0)
        return _go_on(settings, run_dir)
    except RunExistsError:
        raise
    except OSError as error:
        raise unwritable(f"{error.strerror}: {run_dir}") from error


def new_writer(run: OpenedRun, *, is_child: bool = False, spool_dir: Path | None) -> WriterInfo:
    """Return the description of a new writer, which now stands in the run's folder.

    Raises
    ------
    OSError
        It cannot be written.
    """
    name = f"r{run.rank}-s{run.session}-{random_token(6)}"
    info = WriterInfo(
        name=name,
        rank=run.rank,
        session=run.session,
        pid=os.getpid(),
        host=socket.gethostname(),
        started=time.time(),
        is_child=is_child,
        spool="" if spool_dir is None else str(spool_dir.absolute() / f"{name}.spool"),
    )
    write_writer_info(run.dir, info)
    return info


def random_token(length: int) -> str:
    """Return so many small letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _go_on(settings: RunSettings, run_dir: Path) -> OpenedRun:
    """Return a run that exists, once what dead writers left in their spools is in its shards."""
    writers = read_writers(run_dir)
    live = {info.session for info in writers if is_live(run_dir, info)}
    own = [info.session for info in writers if info.rank == settings.rank]
    # Of one launch a rank may be done before another has begun; what is over has them all.
    if settings.resume == "never" and not (settings.is_distributed and (live or not own)):
        raise RunExistsError(run_dir.name)
    repair_run(run_dir)
    logged = _logged_before(run_dir)
    newest = max([logged.session, *(info.session for info in writers)], default=-1)
    is_one_launch = settings.resume == "never"
    session = newest if is_one_launch and newest >= 0 else _session(newest, live, own)
    info = _resumed_info(settings, run_dir, session)
    write_run_info(run_dir, info)
    return OpenedRun(run_dir, info, session, settings.rank, logged.step + 1)


def _session(newest: int, live: set[int], own: list[int]) -> int:
    """Return the session to write in: that of the processes that were started with this one.

    That is the newest one while somebody writes in it, or when this rank has not yet; else the
    next.
    """
    if newest < 0:
        return 0
    if newest in live or (own and max(own) < newest):
        return newest
    return newest + 1


def _make_dir(path: Path) -> bool:
    """Make the folder; return whether it is new, which only one of several processes is told."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _new_info(settings: RunSettings, run_id: str) -> RunInfo:
    return RunInfo(
        id=run_id,
        name=settings.name or run_id,
        project=settings.project,
        created=time.time(),
        host=platform.node(),
        config=settings.config,
        tags=settings.tags,
        notes=settings.notes,
        group=settings.group,
    )


def _resumed_info(settings: RunSettings, run_dir: Path, session: int) -> RunInfo:
    try:
        before = read_run_info(run_dir)
    except (FileNotFoundError, RecordDamagedError):  # the run is what its shards say
        before = _new_info(settings, run_dir.name)
    return msgspec.structs.replace(
        before,
        state="running",
        finished=None,
        sessions=max(before.sessions, session + 1),
        name=settings.name or before.name,
        config={**before.config, **settings.config},
        tags=list(dict.fromkeys([*before.tags, *settings.tags])),
        notes=settings.notes or before.notes,
        group=settings.group or before.group,
    )


@dataclass(frozen=True, slots=True)
class _Logged:
    """The highest step and session that a run's shards hold."""

    step: int = -1
    session: int = -1


def _logged_before(run_dir: Path) -> _Logged:
    step = session = -1
    for shard in run_dir.glob("*.tar"):
        for found in scan_shard(shard):
            if isinstance(found, StoredSample):
                step, session = max(step, found.record.step), max(session, found.record.session)
    return _Logged(step, session)
