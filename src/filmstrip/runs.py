"""``Run``: what a training script logs to."""

from __future__ import annotations

import glob
import operator
import os
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from filmstrip.draft import Draft, Flattened, ImageDraft, KeepRule, flatten, image_record
from filmstrip.ending import end_line, is_quiet, print_line, waiting_bar, what_went_wrong
from filmstrip.errors import OptionError, RunStateError, WriteFailedError
from filmstrip.folder import unwritable, write_run_info
from filmstrip.freeform import from_json_value
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.image import Image
from filmstrip.notebook import RunInNotebook
from filmstrip.recent import Recent
from filmstrip.record import ValuesRecord
from filmstrip.retention import parse_policy
from filmstrip.run_config import Config
from filmstrip.run_folder import OpenedRun, new_writer, open_folder
from filmstrip.settings import RunSettings, json_config
from filmstrip.warn import warn_user
from filmstrip.writer import Writer, WriterReport

__all__ = ["INTERRUPTED_SECS", "Run", "open_run"]

INTERRUPTED_SECS = 3.0
"""How long ``finish()`` waits after a Ctrl-C; the encoder process then goes on by itself."""

_MAX_STEP = 2**63 - 1

_REMEMBERED_STEPS = 2**16
"""Keys and steps whose images are counted; one that comes again much later counts from 0."""


class Run(RunInNotebook):
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

    def __init__(self, settings: RunSettings, opened: OpenedRun, *, is_child: bool = False) -> None:
        self._settings, self._opened = settings, opened
        self._info, self._dir = opened.info, opened.dir
        self._step = opened.next_step
        self._started_secs = time.monotonic()
        self._counts: Recent[tuple[str, int], int] = Recent(_REMEMBERED_STEPS)
        self._warned: set[tuple[str, str]] = set()
        self._lock = threading.RLock()
        self._is_finished = False
        self._policies: dict[str, str] = {}
        self._config = Config(from_json_value(self._info.config), on_change=self._store_config)
        self._is_child = is_child
        self._writer = None if settings.is_disabled else self._new_writer()
        _open_runs.add(self)

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
        self,
        data: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
        *,
        keep: str | None = None,
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
        keep
            How long images of these keys are kept from now on, as in `init`: ``"last:20"``.

        Raises
        ------
        LogKeyError
            A key is empty or not text.
        LogValueError
            A value cannot be stored; nothing of this call is.
        OptionError
            `step` is not an integer of 64 bits, or `keep` is no policy.
        RunStateError
            The run is finished.
        """
        flat = flatten(data)
        rules = self._new_rules(flat, keep)
        with self._lock:
            if self._is_finished:
                raise RunStateError(
                    "a run that is not finished",
                    got=f"run {self.id!r}, which is",
                    fix="log before finish()",
                )
            at = self._step if step is None else _checked_step(step)
            if not self._settings.is_disabled:
                if self._writer is None:
                    self._writer = self._new_writer()
                self._writer.submit([*rules, *self._drafts(flat, at)])
            is_committed = step is None if commit is None else commit
            self._step = max(self._step, at + 1 if is_committed else at)
        self._warn_about(flat)
        self._report_failure()

    def sync(self, timeout_secs: float | None = None) -> bool:
        """Wait until the disk holds all that was logged; return whether it does.

        What ``log()`` returned for survives the process anyway; this is about a loss of power. With
        ``init(durability="power")`` little is left to wait for.

        Parameters
        ----------
        timeout_secs
            Wait no longer than this; None waits for it.
        """
        writer = self._writer
        return writer is None or self._is_finished or writer.sync(timeout_secs)

    def finish(
        self,
        exit_code: int | None = None,
        quiet: bool | None = None,
        *,
        timeout_secs: float | None = None,
    ) -> None:
        """Wait until all is stored, close the run, and print what was. A second call does nothing.

        Parameters
        ----------
        exit_code
            0 or None for success; anything else marks the run failed.
        quiet
            True to print nothing; ``FILMSTRIP_QUIET=1`` says so for all runs.
        timeout_secs
            Wait no longer than this; the encoder process then goes on by itself.

        Raises
        ------
        WriteFailedError
            Something could not be stored, and ``init(strict=True)`` asked to be told so.
        """
        with self._lock:
            if self._is_finished:
                return
            self._is_finished = True
        _open_runs.discard(self)
        if self._writer is None:
            return
        is_done = self._close_writer(self._writer, exit_code, quiet, timeout_secs)
        if not self._is_child:
            self._store_info(state="failed" if exit_code else "finished", finished=time.time())
        self._report_end(self._writer.report, is_done=is_done, quiet=quiet)

    def _close_writer(
        self, writer: Writer, exit_code: int | None, quiet: bool | None, timeout_secs: float | None
    ) -> bool:
        """Wait for the writer, with a bar where that takes long; return whether it has ended."""
        with waiting_bar(is_shown=not is_quiet(quiet)) as bar:
            return writer.close(is_failed=bool(exit_code), timeout_secs=timeout_secs, on_wait=bar)

    def _report_end(self, report: WriterReport, *, is_done: bool, quiet: bool | None) -> None:
        if problem := what_went_wrong(report, self._dir, is_done=is_done):
            if self._settings.is_strict and is_done:
                raise WriteFailedError(problem, path=self._dir)
            warn_user(f"run {self.id!r}: {problem}")
        if not is_quiet(quiet):
            print_line(end_line(self.id, report, time.monotonic() - self._started_secs))

    def __enter__(self) -> Run:  # noqa: PYI034  # Self is in typing from 3.11 on
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_success = kind is None or (isinstance(error, SystemExit) and not error.code)
        timeout_secs = INTERRUPTED_SECS if isinstance(error, KeyboardInterrupt) else None
        self.finish(exit_code=0 if is_success else 1, timeout_secs=timeout_secs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as a writer of the same run."""
        return _joined, (self._settings, self._opened)

    def __repr__(self) -> str:
        state = "finished" if self._is_finished else "running"
        return f"Run({self.id!r}, {state}, {str(self._dir)!r})"

    def _new_writer(self) -> Writer:
        options = self._settings.writer
        try:
            info = new_writer(self._opened, is_child=self._is_child, spool_dir=options.spool_dir)
            writer = Writer(self._dir, info.name, options)
        except OSError as error:
            raise unwritable(f"{error.strerror}: {self._dir}") from error
        writer.submit([KeepRule(*rule) for rule in reversed(self._settings.keep.items())])
        return writer

    def _new_rules(self, flat: Flattened, policy: str | None) -> list[KeepRule]:
        """Return the rules for the keys of this call that are not known yet."""
        if policy is None:
            return []
        parse_policy(policy)
        keys = [key for key in flat.images if self._policies.get(key) != policy]
        self._policies.update(dict.fromkeys(keys, policy))
        return [KeepRule(glob.escape(key), policy) for key in keys]

    def _after_fork(self) -> None:
        """Become this process's own writer of the run: the parent's is the parent's."""
        self._lock = threading.RLock()
        self._is_child = True
        self._writer = None  # made when this process first logs

    def _drafts(self, flat: Flattened, step: int) -> list[Draft]:
        now = time.time()
        drafts: list[Draft] = []
        if flat.values:
            drafts.append(
                ValuesRecord(
                    run_id=self.id,
                    step=step,
                    time=now,
                    session=self._opened.session,
                    rank=self._opened.rank,
                    values=flat.values,
                )
            )
        for key, images in flat.images.items():
            first = self._counts.get((key, step)) or 0
            for index, image in enumerate(images, first):
                record = image_record(
                    image,
                    run_id=self.id,
                    key=key,
                    step=step,
                    index=index,
                    time=now,
                    session=self._opened.session,
                    rank=self._opened.rank,
                )
                drafts.append(ImageDraft(record, image))
            self._counts[key, step] = first + len(images)
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
        if self._writer is None or ("", "failure") in self._warned:
            return
        if self._writer.has_trouble:
            self._warned.add(("", "failure"))
            warn_user(
                f"images cannot be stored ({self._writer.report.cause}); "
                f"training goes on, what was stored before stays readable: {self._dir}"
            )

    def _store_config(self, values: dict[str, Any]) -> None:
        self._store_info(config=json_config(values))

    def _store_info(self, **changes: Any) -> None:
        try:
            with self._lock:
                self._info = msgspec.structs.replace(self._info, **changes)
                if not self._settings.is_disabled and not self._is_child:
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
    return Run(settings, open_folder(settings))


def _joined(settings: RunSettings, opened: OpenedRun) -> Run:
    return Run(settings, opened, is_child=True)


_open_runs: weakref.WeakSet[Run] = weakref.WeakSet()
"""Runs of this process that are not finished."""


def _after_fork() -> None:
    for run in list(_open_runs):
        run._after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _checked_step(step: Any) -> int:
    try:
        number = None if isinstance(step, bool) else operator.index(step)
    except TypeError:
        number = None
    if number is None or abs(number) > _MAX_STEP:
        raise OptionError("step as an integer of 64 bits", got=repr(step), fix="pass int(step)")
    return number
