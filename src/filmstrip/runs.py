"""``Run``: what a training script logs to."""

from __future__ import annotations

import operator
import os
import secrets
import string
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from filmstrip.draft import Flattened, flatten, image_record
from filmstrip.errors import OptionError, RunExistsError, RunNotFoundError, RunStateError
from filmstrip.folder import RUNS_DIR, prepare_store, read_run_info, unwritable, write_run_info
from filmstrip.freeform import from_json_value
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.image import Image
from filmstrip.record import RecordDamagedError, RunInfo, ValuesRecord
from filmstrip.run_config import Config
from filmstrip.sample import Draft, ImageDraft
from filmstrip.settings import RunSettings, json_config
from filmstrip.shard.append import ShardAppender
from filmstrip.shard.read import StoredSample, scan_shard
from filmstrip.warn import warn_user
from filmstrip.writer import Writer, WriterFailure

__all__ = ["Run", "open_run"]

_ID_LETTERS = string.ascii_lowercase + string.digits
_MAX_STEP = 2**63 - 1


class Run:
    """One training run that is being logged; `filmstrip.init` opens it.

    Use it as a context manager: the end of the block finishes it, and an exception marks it failed
    and goes on.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="first") as run:
    ...         run.log({"examples": [filmstrip.Image(np.eye(8))], "loss": 0.5})
    ...     filmstrip.open(folder).run("first").keys()
    ['examples']
    """

    def __init__(
        self, settings: RunSettings, info: RunInfo, run_dir: Path, *, session: int, next_step: int
    ) -> None:
        self._info, self._dir = info, run_dir
        self._session, self._step = session, next_step
        self._pid = os.getpid()
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._warned: set[tuple[str, str]] = set()
        self._lock = threading.RLock()
        self._is_finished = False
        self._config = Config(from_json_value(info.config), on_change=self._store_config)
        writer_name = f"r0-s{session}-{_token(6)}"
        self._writer = (
            None
            if settings.is_disabled
            else Writer(ShardAppender(run_dir, writer_name), queue_bytes=settings.queue_bytes)
        )

    @property
    def id(self) -> str:
        """Name of the run in the store."""
        return self._info.id

    @property
    def name(self) -> str:
        """Name shown for the run."""
        return self._info.name

    @property
    def project(self) -> str:
        """What the run belongs to."""
        return self._info.project

    @property
    def tags(self) -> tuple[str, ...]:
        """Labels given at `init`."""
        return tuple(self._info.tags)

    @property
    def notes(self) -> str:
        """Free text given at `init`."""
        return self._info.notes

    @property
    def group(self) -> str:
        """What the run is grouped under."""
        return self._info.group

    @property
    def dir(self) -> Path:
        """The run's folder in the store."""
        return self._dir

    @property
    def config(self) -> Config:
        """The run's hyperparameters; changes are stored."""
        return self._config

    @property
    def step(self) -> int:
        """Step of the next ``log()`` that names none."""
        return self._step

    @property
    def is_finished(self) -> bool:
        """Whether `finish` was called."""
        return self._is_finished

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None
    ) -> None:
        """Store images, numbers and texts under their keys, and return before they are encoded.

        Parameters
        ----------
        data
            Images, lists of images, numbers, texts; nested dicts, whose keys are joined with ``/``.
        step
            Any integer of 64 bits, in any order; the same key and step again appends. Left out, it
            is the run's own count: 0, and one more after each call that leaves it out, but never
            less than a step that was given.
        commit
            False to leave the run's count where it is; True to count on although `step` is given.

        Raises
        ------
        LogKeyError
            A key is empty or not text.
        LogValueError
            A value cannot be stored; nothing of this call is.
        OptionError
            `step` is not an integer of 64 bits.
        RunStateError
            The run is finished, or was opened by the process that this one was forked from.
        """
        flat = flatten(data)
        self._check_process()
        with self._lock:
            if self._is_finished:
                raise RunStateError(
                    "a run that is not finished",
                    got=f"run {self.id!r}, which is",
                    fix="log before finish()",
                )
            at = self._step if step is None else _checked_step(step)
            if self._writer is not None:
                self._writer.submit(self._drafts(flat, at))
            is_committed = step is None if commit is None else commit
            self._step = max(self._step, at + 1 if is_committed else at)
        self._warn_about(flat)
        self._report_failure()

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Wait until all is stored, and close the run. Calling it again does nothing.

        Parameters
        ----------
        exit_code
            0 or None for success; anything else marks the run failed.
        quiet
            Of W&B's signature; there is nothing to silence.
        """
        del quiet
        if self._pid != os.getpid():  # a fork has neither the threads nor a say in the files
            return
        with self._lock:
            if self._is_finished:
                return
            self._is_finished = True
        if self._writer is None:
            return
        self._writer.close()
        self._store_info(
            state="failed" if exit_code else "finished",
            finished=time.time(),
            shards={**self._info.shards, **self._writer.sealed_shards},
        )
        if (failure := self._writer.failure) is not None:
            warn_user(f"run {self.id!r}: {_what_was_lost(failure)}")

    def __enter__(self) -> Run:  # noqa: PYI034  # Self is in typing from 3.11 on
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_success = kind is None or (isinstance(error, SystemExit) and not error.code)
        self.finish(exit_code=0 if is_success else 1)

    def __repr__(self) -> str:
        state = "finished" if self._is_finished else "running"
        return f"Run({self.id!r}, {state}, {str(self._dir)!r})"

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise RunStateError(
                "a run that this process opened",
                got=f"run {self.id!r} of process {self._pid}",
                fix="log from there, or init() another run after the fork",
            )

    def _drafts(self, flat: Flattened, step: int) -> list[Draft]:
        now = time.time()
        drafts: list[Draft] = []
        if flat.values:
            drafts.append(
                ValuesRecord(
                    run_id=self.id, step=step, time=now, session=self._session, values=flat.values
                )
            )
        for key, images in flat.images.items():
            for index, image in enumerate(images, self._counts[key].get(step, 0)):
                record = image_record(
                    image,
                    run_id=self.id,
                    key=key,
                    step=step,
                    index=index,
                    time=now,
                    session=self._session,
                )
                drafts.append(ImageDraft(record, image))
        for key, images in flat.images.items():
            self._counts[key][step] = self._counts[key].get(step, 0) + len(images)
        return drafts

    def _warn_about(self, flat: Flattened) -> None:
        if self._writer is None:
            return
        for key, images in flat.images.items():
            for image in images:
                if image.source.clipped and image.source.rule == "clip":
                    self._warn_clipped(key, image)
                for layer, boxes in image.boxes.items():
                    self._warn_boxes(key, layer, boxes)

    def _warn_clipped(self, key: str, image: Image) -> None:
        if (key, "clipped") not in self._warned:
            self._warned.add((key, "clipped"))
            source = image.source
            warn_user(
                f"{key!r}: values from {source.min} to {source.max} were clipped to [0, 255]; "
                "pass value_range=(lo, hi) to map them, or normalize=False if that is meant"
            )

    def _warn_boxes(self, key: str, layer: str, boxes: BoundingBoxes2D) -> None:
        about = (key, f"boxes {layer}")
        if about not in self._warned and (num_invalid := int(boxes.is_invalid().sum())):
            self._warned.add(about)
            warn_user(
                f"{key!r}: {num_invalid} boxes of layer {layer!r} are NaN, infinite or inverted; "
                "they are kept and flagged, check the model or format="
            )

    def _report_failure(self) -> None:
        failure = None if self._writer is None else self._writer.failure
        if failure is not None and ("", "failure") not in self._warned:
            self._warned.add(("", "failure"))
            warn_user(
                f"images cannot be stored ({type(failure.cause).__name__}: {failure.cause}); "
                f"training goes on, what was stored before stays readable: {self._dir}"
            )

    def _store_config(self, values: dict[str, Any]) -> None:
        self._store_info(config=json_config(values))

    def _store_info(self, **changes: Any) -> None:
        try:
            with self._lock:
                self._info = msgspec.structs.replace(self._info, **changes)
                if self._writer is not None and self._pid == os.getpid():
                    write_run_info(self._dir, self._info)
        except OSError as error:
            warn_user(f"the run's description could not be stored ({error.strerror}): {self._dir}")


def open_run(settings: RunSettings) -> Run:
    """Return a new run, or one that goes on.

    Raises
    ------
    RunExistsError
        The id is taken, and `resume` says never.
    RunNotFoundError
        There is no such run, and `resume` says must.
    StoreError
        The store cannot be written.
    """
    run_id = settings.id or _token(8)
    if settings.is_disabled:
        return Run(settings, _new_info(settings, run_id), Path(), session=0, next_step=0)
    runs_dir = prepare_store(settings.dir) / RUNS_DIR
    run_dir = runs_dir / run_id
    if settings.resume == "must" and not run_dir.is_dir():
        raise RunNotFoundError(run_id, known=sorted(d.name for d in runs_dir.iterdir()))
    try:
        is_new = _make_dir(run_dir)
        if not is_new and settings.resume == "never":
            raise RunExistsError(run_id)
        logged = _Logged() if is_new else _logged_before(run_dir)
        info = _new_info(settings, run_id) if is_new else _resumed_info(settings, run_dir, logged)
        write_run_info(run_dir, info)
    except RunExistsError:
        raise
    except OSError as error:
        raise unwritable(f"{error.strerror}: {run_dir}") from error
    return Run(settings, info, run_dir, session=info.sessions - 1, next_step=logged.step + 1)


def _make_dir(path: Path) -> bool:
    """Make the folder; return whether it is new, which only one of several processes is told."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _new_info(settings: RunSettings, run_id: str) -> RunInfo:
    import platform

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


def _resumed_info(settings: RunSettings, run_dir: Path, logged: _Logged) -> RunInfo:
    try:
        before = read_run_info(run_dir)
    except (FileNotFoundError, RecordDamagedError):  # the run is what its shards say
        before = _new_info(settings, run_dir.name)
    return msgspec.structs.replace(
        before,
        state="running",
        finished=None,
        sessions=max(before.sessions, logged.session + 1) + 1,
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


def _what_was_lost(failure: WriterFailure) -> str:
    cause = f"{type(failure.cause).__name__}: {failure.cause}"
    if not failure.num_lost:
        return f"all is stored, but the last shard has no end-of-archive marker ({cause})"
    return f"{failure.num_lost} of the logged records could not be stored ({cause})"


def _checked_step(step: Any) -> int:
    try:
        number = None if isinstance(step, bool) else operator.index(step)
    except TypeError:
        number = None
    if number is None or abs(number) > _MAX_STEP:
        raise OptionError("step as an integer of 64 bits", got=repr(step), fix="pass int(step)")
    return number


def _token(length: int) -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(length))
