"""Runs the studies one after the other and brings together what they found."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import msgspec
from rich.console import Console

from benchmarks.alone import StudyTask
from benchmarks.alone.answers import (
    Answer,
    EndlessAnswer,
    GrowthAnswer,
    RevisitsAnswer,
    StagesAnswer,
    StudyFailedError,
)
from benchmarks.alone.findings import Alone
from benchmarks.alone.memory import Endless, endless
from benchmarks.peers import OURS, peer_named
from benchmarks.schedule import Places
from benchmarks.turns import Watched, run_module

_TIMEOUT_SECS: Final = 600.0

_Answer = TypeVar("_Answer", bound=Answer)
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """How much of it there is: `count` as in `StudyTask`, and both again for a quick run."""

    name: str
    source: str
    count: int
    num_sources: int
    quick_count: int
    quick_sources: int


_ENDLESS: Final = _Study(
    name="endless",
    source="photos",
    count=20_000,
    num_sources=200,
    quick_count=1_600,
    quick_sources=24,
)
_REVISITS: Final = _Study(
    name="revisits", source="photos", count=50, num_sources=200, quick_count=5, quick_sources=24
)
_GROWTH: Final = _Study(
    name="growth",
    source="small",
    count=200_000,
    num_sources=4_000,
    quick_count=20_000,
    quick_sources=4_000,
)
_STAGES: Final = _Study(
    name="stages", source="photos", count=400, num_sources=200, quick_count=50, quick_sources=24
)


def study_all(places: Places, console: Console, *, is_quick: bool) -> Alone:
    """Make every study; one that fails leaves the others alone."""
    failures: dict[str, str] = {}

    def ask(study: _Study, found: Callable[[Watched], _Found]) -> _Found | None:
        with console.status(f"filmstrip alone: {study.name}"):
            watched = _watched(study, places, is_quick=is_quick)
        try:
            return found(watched)
        except StudyFailedError as error:
            failures[study.name] = str(error)
            console.print(f"[red]filmstrip[/] failed on {study.name}: {error}")
            return None

    return Alone(
        endless=ask(_ENDLESS, _endless),
        revisits=ask(_REVISITS, partial(_answer, RevisitsAnswer)),
        growth=ask(_GROWTH, partial(_answer, GrowthAnswer)),
        stages=ask(_STAGES, partial(_answer, StagesAnswer)),
        failures=failures,
    )


def _endless(watched: Watched) -> Endless:
    return endless(_answer(EndlessAnswer, watched), watched.memory)


def _answer(kind: type[_Answer], watched: Watched) -> _Answer:
    if watched.answer is None:
        raise StudyFailedError(watched.failure or "no answer")
    answer = msgspec.json.decode(watched.answer, type=kind)
    if answer.images_stored != answer.images_logged:
        raise StudyFailedError(f"stored {answer.images_stored} of {answer.images_logged} images")
    return answer


def _watched(study: _Study, places: Places, *, is_quick: bool) -> Watched:
    folder = places.output / f"alone-{study.name}"
    task = StudyTask(
        study=study.name,
        count=study.quick_count if is_quick else study.count,
        num_sources=study.quick_sources if is_quick else study.num_sources,
        pixels_path=str(places.arrays[study.source]),
        folder=str(folder),
    )
    argument = json.dumps(dataclasses.asdict(task))
    return run_module(
        peer_named(OURS), "benchmarks.alone", argument, folder, places.home, _TIMEOUT_SECS
    )
