"""Options of ``init()``: arguments, then ``FILMSTRIP_*`` variables, then defaults."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from filmstrip.errors import LogValueError, OptionError
from filmstrip.folder import check_run_id, default_store_dir
from filmstrip.freeform import FreeformError, text_value, to_json_value
from filmstrip.retention import parse_keep
from filmstrip.writer import SPOOL_BYTES, WriterOptions

__all__ = ["Resume", "RunSettings", "json_config", "resolve_settings"]

Resume: TypeAlias = Literal["never", "allow", "must"]

_Choice = TypeVar("_Choice", bound=str)

_MODES = ("online", "offline", "disabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a run is opened with, all checked."""

    project: str
    name: str | None
    id: str | None
    config: dict[str, Any]
    dir: Path
    resume: Resume
    tags: list[str]
    notes: str
    group: str
    is_disabled: bool
    is_strict: bool
    """Whether `Run.finish` raises when something could not be stored."""
    keep: dict[str, str]
    """Policies by pattern of keys."""
    rank: int
    """Place of this process among those of a distributed training."""
    is_distributed: bool
    writer: WriterOptions


def resolve_settings(
    *,
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
    queue_bytes: int | None = None,
    on_full: str | None = None,
    durability: str | None = None,
    strict: bool | None = None,
    keep: str | Mapping[str, str] | None = None,
) -> RunSettings:
    """Return the settings that arguments and environment add up to.

    Raises
    ------
    OptionError
        An option, or the variable that stands for it, is outside its choices.
    LogValueError
        ``config`` holds something that JSON cannot.
    """
    run_id = _text("id", id)
    how_to_resume = _resume(resume)
    if how_to_resume == "must" and run_id is None:
        raise OptionError("id= with resume='must'", got="none", fix="name the run to go on with")
    return RunSettings(
        project=_text("project", project) or "uncategorized",
        name=_text("name", name),
        id=None if run_id is None else check_run_id(run_id),
        config=json_config(_config_from_environment() if config is None else config),
        dir=_dir(dir),
        resume=how_to_resume,
        tags=_tags(tags),
        notes=_text("notes", notes) or "",
        group=_text("group", group) or "",
        is_disabled=_mode(mode) == "disabled",
        is_strict=_flag("strict", strict),
        keep=_keep(keep),
        rank=_rank(),
        is_distributed=int(_number_from("WORLD_SIZE", "SLURM_NTASKS")) > 1,
        writer=WriterOptions(
            spool_dir=_spool_dir(),
            spool_bytes=_queue_bytes(queue_bytes),
            on_full=_choice("on_full", on_full, ("wait", "drop")),
            durability=_choice("durability", durability, ("process", "power")),
            has_process=_choice("encoder", None, ("process", "thread")) == "process",
        ),
    )


def json_config(config: Any) -> dict[str, Any]:
    """Return a config as JSON holds it: a mapping, or an object such as ``argparse.Namespace``.

    Raises
    ------
    LogValueError
        It is neither, or holds something that JSON cannot.
    """
    mapping = config if isinstance(config, Mapping) else getattr(config, "__dict__", None)
    if mapping is None:
        raise LogValueError("config as a dict", got=type(config).__name__, fix="pass {name: value}")
    try:
        kept: dict[str, Any] = to_json_value(dict(mapping))
    except FreeformError as error:
        raise LogValueError(
            "config that JSON holds",
            got=f"{error.got} at {error.where!r}",
            fix="pass numbers, text, lists, dicts",
        ) from None
    return kept


def _environment(name: str) -> str | None:
    return os.environ.get(f"FILMSTRIP_{name.upper()}") or None


def _text(name: str, value: Any) -> str | None:
    value = _environment(name) if value is None else value
    if value is None:
        return None
    return _whole_text(name, value)


def _whole_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise OptionError(f"{name} as text", got=repr(value), fix=f"pass str({name})")
    try:
        return text_value(value)
    except FreeformError as error:
        raise OptionError(f"{name} as text", got=error.got, fix="drop the surrogate") from None


def _config_from_environment() -> dict[str, Any]:
    text = _environment("config")
    if text is None:
        return {}
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise OptionError(
            "FILMSTRIP_CONFIG as a JSON object", got=str(error), fix="check its quotes"
        ) from None
    if not isinstance(config, dict):
        raise OptionError("FILMSTRIP_CONFIG as a JSON object", got=text[:80], fix="write {...}")
    return config


def _dir(dir: str | os.PathLike[str] | None) -> Path:
    try:
        return Path(dir) if dir else default_store_dir()
    except TypeError:
        raise OptionError("dir as a path", got=repr(dir), fix="pass text or a Path") from None


def _resume(resume: str | bool | None) -> Resume:
    value = _environment("resume") if resume is None else resume
    if value is None or value is False or value == "never":
        return "never"
    if value is True or value == "allow":
        return "allow"
    if value == "must":
        return "must"
    raise OptionError(
        "resume to be never, allow or must", got=repr(value), fix="leave it out for a new run"
    )


def _tags(tags: Sequence[str] | None) -> list[str]:
    if tags is None:
        return [tag.strip() for tag in (_environment("tags") or "").split(",") if tag.strip()]
    if not isinstance(tags, Iterable):
        raise OptionError("tags as a list of text", got=repr(tags), fix="pass ['tag', ...]")
    return [_whole_text("tags", tag) for tag in ([tags] if isinstance(tags, str) else tags)]


def _mode(mode: str | None) -> str:
    value = mode or _environment("mode") or "online"
    if value not in _MODES:
        raise OptionError(
            f"mode to be one of {', '.join(_MODES)}",
            got=repr(value),
            fix="leave it out: all is local anyway",
        )
    return value


def _choice(name: str, value: str | None, choices: tuple[_Choice, _Choice]) -> _Choice:
    wanted = _environment(name) if value is None else value
    if wanted is None:
        return choices[0]
    for choice in choices:
        if wanted == choice:
            return choice
    raise OptionError(
        f"{name} to be {' or '.join(choices)}",
        got=repr(wanted),
        fix=f"leave it out for {choices[0]}",
    )


def _flag(name: str, value: bool | None) -> bool:
    if value is None:
        return _choice(name, None, ("0", "1")) == "1"
    return bool(value)


def _keep(keep: str | Mapping[str, str] | None) -> dict[str, str]:
    wanted = _environment("keep") if keep is None else keep
    if wanted is None:
        return {}
    parse_keep(wanted)
    return {"*": wanted} if isinstance(wanted, str) else dict(wanted)


def _spool_dir() -> Path | None:
    path = _environment("spool")
    return None if path is None else Path(path).absolute()


def _rank() -> int:
    """Return what torchrun, or Slurm, says of this process; 0 when there is only one."""
    return _number_from("RANK", "SLURM_PROCID", "LOCAL_RANK")


def _number_from(*names: str) -> int:
    for name in names:
        text = os.environ.get(name, "")
        if text.isdigit():
            return int(text)
    return 0


def _queue_bytes(queue_bytes: int | None) -> int:
    value: Any = _environment("queue_bytes") if queue_bytes is None else queue_bytes
    if value is None:
        return SPOOL_BYTES
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = 0
    if number <= 0:
        raise OptionError(
            "queue_bytes as a positive integer", got=repr(value), fix="leave it out for 256 MiB"
        )
    return number
