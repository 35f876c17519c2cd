"""The module-level API: ``init``, and what acts on the newest run."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from filmstrip.errors import RunStateError
from filmstrip.folder import RUNS_DIR
from filmstrip.run_config import Config
from filmstrip.runs import INTERRUPTED_SECS, Run, open_run
from filmstrip.settings import RunSettings, resolve_settings
from filmstrip.warn import warn_user

__all__ = ["current_config", "current_run", "finish", "init", "log"]

_IGNORED = frozenset(
    (
        "allow_val_change",
        "anonymous",
        "config_exclude_keys",
        "config_include_keys",
        "entity",
        "force",
        "fork_from",
        "job_type",
        "magic",
        "monitor_gym",
        "reinit",
        "resume_from",
        "save_code",
        "settings",
        "sync_tensorboard",
        "tensorboard",
    )
)
"""Arguments of W&B's ``init`` that a script may pass and that mean nothing without its cloud."""

_current: Run | None = None
_open_runs: list[Run] = []
"""Runs to finish at the script's end; held, so that one it let go of loses nothing."""


def init(
    project: str | None = None,
    name: str | None = None,
    id: str | None = None,
    config: Any = None,
    dir: str | os.PathLike[str] | None = None,
    resume: str | bool | None = None,
    tags: Sequence[str] | None = None,
    notes: str | None = None,
    group: str | None = None,
    mode: str | None = None,
    *,
    queue_bytes: int | None = None,
    on_full: str | None = None,
    durability: str | None = None,
    strict: bool | None = None,
    keep: str | Mapping[str, str] | None = None,
    **others: Any,
) -> Run:
    """Open a run and return it; it is also what `filmstrip.log` logs to.

    Each argument can be given as an environment variable too: ``FILMSTRIP_PROJECT``,
    ``FILMSTRIP_DIR``, … ``FILMSTRIP_CONFIG`` is a JSON object, ``FILMSTRIP_TAGS`` are separated by
    commas.

    Parameters
    ----------
    project
        What the run belongs to.
    name
        Name shown for the run; its id by default.
    id
        Letters, digits, ``_``, ``.``, ``-``; names the run's folder. Made up by default.
    config
        Hyperparameters: a dict, or an object with attributes such as ``argparse.Namespace``.
    dir
        Folder of the store; ``.filmstrip`` in the working folder by default.
    resume
        ``"allow"`` to go on with the run of this id if there is one, ``"must"`` to demand it,
        ``"never"`` (default) to refuse an id that is taken.
    tags, notes, group
        Labels, free text, and what the run is grouped under.
    mode
        ``"disabled"`` to log nothing; ``"online"`` and ``"offline"`` are the same: all is local.
    queue_bytes
        Pixels that may wait to be encoded, in bytes, before ``log()`` waits; 256 MiB by default.
    on_full
        What ``log()`` does when so many wait: ``"wait"`` (default) or ``"drop"``, which counts.
    durability
        ``"process"`` (default): what ``log()`` returned for survives the process. ``"power"``: it
        also survives a loss of power, a few milliseconds later; `Run.sync` waits for that.
    strict
        True: `Run.finish` raises when something could not be stored. By default it warns.
    keep
        How long images are kept: ``"all"`` (default), ``"last:20"``, ``"every:10"``,
        ``"best:loss:5"``, or such a policy for each pattern of keys: ``{"val/*": "last:20"}``.
    **others
        Arguments of W&B's ``init`` that mean nothing here are ignored with a warning.

    Raises
    ------
    OptionError, LogValueError
        An argument is outside its choices, or ``config`` cannot be stored.
    RunExistsError, RunNotFoundError
        `id` and `resume` do not agree with the store.
    StoreError
        The store cannot be written, or `dir` is a folder of other things.
    TypeError
        An argument that neither filmstrip nor W&B has.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, init(dir=folder, config={"lr": 0.1}) as run:
    ...     run.config.lr
    0.1
    """
    global _current
    _check_others(others)
    settings = resolve_settings(
        project=project,
        name=name,
        id=id,
        config=config,
        dir=dir,
        resume=resume,
        tags=tags,
        notes=notes,
        group=group,
        mode=mode,
        queue_bytes=queue_bytes,
        on_full=on_full,
        durability=durability,
        strict=strict,
        keep=keep,
    )
    _open_runs[:] = [run for run in _open_runs if not run.is_finished]
    _current = open_run(_settings_after_rerun(settings, is_asked=resume is not None))
    _open_runs.append(_current)
    return _current


def log(
    data: Mapping[str, Any],
    step: int | None = None,
    commit: bool | None = None,
    *,
    keep: str | None = None,
) -> None:
    """Log to the newest run; see `Run.log`.

    Raises
    ------
    RunStateError
        There is no run, or it is finished.
    LogKeyError, LogValueError, OptionError
        As `Run.log`.

    Examples
    --------
    >>> import tempfile, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder, filmstrip.init(dir=folder) as run:
    ...     filmstrip.log({"loss": {"train": 0.5}})
    ...     run.step
    1
    """
    if _current is None:
        raise RunStateError("a run to log to", got="none", fix="call filmstrip.init() first")
    _current.log(data, step=step, commit=commit, keep=keep)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the newest run; does nothing when there is none.

    Parameters
    ----------
    exit_code, quiet
        As `Run.finish`.

    Examples
    --------
    >>> import tempfile, filmstrip
    >>> run = filmstrip.init(dir=tempfile.mkdtemp())
    >>> filmstrip.finish()
    >>> run.is_finished
    True
    """
    global _current
    if _current is not None:
        run, _current = _current, None
        run.finish(exit_code=exit_code, quiet=quiet)


def current_run() -> Run | None:
    """Return the newest run that is not finished, None when there is none."""
    return None if _current is None or _current.is_finished else _current


def current_config() -> Config:
    """Return the config of the newest run.

    Raises
    ------
    RunStateError
        There is no run.
    """
    if _current is None:
        raise RunStateError(
            "a run that has a config", got="none", fix="call filmstrip.init() first"
        )
    return _current.config


def _settings_after_rerun(settings: RunSettings, *, is_asked: bool) -> RunSettings:
    """Finish this process's own run of the same id, and go on with it: a notebook's cell ran again.

    Unless `resume` asks for something else.
    """
    ids = {run.id: run for run in _open_runs if run.dir.parent == _runs_dir(settings)}
    run = ids.get(settings.id or "")
    if run is None or is_asked:
        return settings
    run.finish()
    return replace(settings, resume="allow")


def _runs_dir(settings: RunSettings) -> Path:
    return settings.dir.absolute() / RUNS_DIR


def _check_others(others: Mapping[str, Any]) -> None:
    unknown = sorted(set(others) - _IGNORED)
    if unknown:
        raise TypeError(f"init() got an unexpected keyword argument {unknown[0]!r}")
    given = sorted(name for name, value in others.items() if value is not None)
    if given:
        warn_user(f"init() ignores {', '.join(given)}: filmstrip has no cloud and no accounts")


@atexit.register
def _finish_all() -> None:
    """Finish what a script left open; failed when an exception ended the script."""
    error = getattr(sys, "last_value", None)
    failed = error is not None and not hasattr(sys, "ps1")
    timeout_secs = INTERRUPTED_SECS if isinstance(error, KeyboardInterrupt) else None
    with ExitStack() as stack:  # one that raises does not keep the others from being finished
        for run in reversed(_open_runs):
            stack.callback(run.finish, exit_code=1 if failed else 0, timeout_secs=timeout_secs)
