"""What the whole benchmark found: the structs that stand in ``latest.json``, and how they are made.

Rates and costs are those of one image, because a logger whose time was up logs fewer of them.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

from benchmarks.alone.findings import Alone
from benchmarks.turns import Turn


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds an image held the caller; quantiles over steps, medians over repeats."""

    p50_ms: float
    p99_ms: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One logger over one workload.

    Attributes
    ----------
    skipped : str or None
        Why it did not take part.
    failure : str or None
        Why its runs failed.
    figures : Figures or None
        The medians, when at least one run succeeded.
    """

    peer: str
    workload: str
    skipped: str | None = None
    failure: str | None = None
    remark: str | None = None
    figures: "Figures | None" = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over the repeats of one logger over one workload.

    Attributes
    ----------
    repeats : int
        Successful runs.
    images : int
        Images logged in each run; fewer than the workload's when the logger's time was up.
    held : Held
        Steps one after the other, so that waiting for a full queue counts.
    held_paced : Held or None
        In a separate pass, with a pause between the steps; None where there was none.
    held_singles : Held or None
        In a third pass, with a pause and one image a step; None where there was none.
    copy_ms, copy_paced_ms : float or None
        Median milliseconds that one ``np.copyto`` of such an image into warm memory took in the
        same processes, without and with the pauses; None where it was not timed.
    images_per_sec : float
        From the first log call to the end of the close call.
    cpu_ms_per_image : float
        User and system time of the whole process tree.
    rss_peak_bytes, rss_added_bytes : int
        Highest resident memory of the process tree while logging, images of the workload and
        interpreter included; and how much that is over the same before the first log call.
    bytes_per_image : float
        All files of the run by length.
    files : int
        Number of files of the run.
    """

    repeats: int
    images: int
    held: Held
    held_paced: Held | None
    held_singles: Held | None = None
    copy_ms: float | None = None
    copy_paced_ms: float | None = None
    images_per_sec: float
    cpu_ms_per_image: float
    rss_peak_bytes: int
    rss_added_bytes: int
    bytes_per_image: float
    files: int


class ImportTime(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds that importing one logger adds to a bare interpreter."""

    peer: str
    added_ms: float
    bare_ms: float
    repeats: int


class GoalOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One goal, what was measured and whether that reaches it; None where it was not measured."""

    group: str = ""
    name: str
    target: str
    measured: str | None
    reached: bool | None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when the benchmark ran."""

    date: str
    cpu: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    load_before: float


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run of the benchmark found."""

    machine: Machine
    versions: dict[str, dict[str, str]]
    quick: bool
    duration_secs: float
    rows: tuple[Row, ...]
    imports: tuple[ImportTime, ...]
    alone: Alone = Alone()
    goals: tuple[GoalOutcome, ...]

    def row(self, peer: str, workload: str) -> Row | None:
        """Return one logger's row of one workload, or None when it was not asked for."""
        found = (each for each in self.rows if (each.peer, each.workload) == (peer, workload))
        return next(found, None)

    def figures(self, peer: str, workload: str) -> Figures | None:
        """Return one logger's figures for one workload, or None where there are none."""
        row = self.row(peer, workload)
        return row.figures if row else None

    def import_ms(self, peer: str) -> float | None:
        """Return the import time of one logger, or None where it was not measured."""
        return next((each.added_ms for each in self.imports if each.peer == peer), None)


def summarise(
    turns: Sequence[Turn], paced: Sequence[Turn], singles: Sequence[Turn]
) -> Figures | None:
    """Take medians over repeats; None when no run succeeded."""
    runs = [(turn, turn.measures) for turn in turns if turn.measures]
    if not runs:
        return None
    all_measures = [measures for _, measures in runs]
    median = statistics.median
    return Figures(
        repeats=len(runs),
        images=int(median(each.images_logged for each in all_measures)),
        held=held_of([each.held_ms for each in all_measures]),
        held_paced=_held_of_turns(paced),
        held_singles=_held_of_turns(singles),
        copy_ms=_copy_of_turns(turns),
        copy_paced_ms=_copy_of_turns(paced),
        images_per_sec=median(each.images_logged / each.total_secs for each in all_measures),
        cpu_ms_per_image=median(each.cpu_secs * 1e3 / each.images_logged for each in all_measures),
        rss_peak_bytes=int(median(turn.rss_peak_bytes for turn, _ in runs)),
        rss_added_bytes=int(median(t.rss_peak_bytes - m.rss_start_bytes for t, m in runs)),
        bytes_per_image=median(each.size_bytes / each.images_logged for each in all_measures),
        files=int(median(each.files for each in all_measures)),
    )


def _held_of_turns(turns: Sequence[Turn]) -> Held | None:
    runs = [turn.measures.held_ms for turn in turns if turn.measures]
    return held_of(runs) if runs else None


def _copy_of_turns(turns: Sequence[Turn]) -> float | None:
    runs = [turn.measures.copy_ms for turn in turns if turn.measures and turn.measures.copy_ms]
    return statistics.median(statistics.median(steps) for steps in runs) if runs else None


def held_of(runs: Sequence[Sequence[float]]) -> Held:
    """Return the median over `runs` of each run's quantiles over its steps."""
    return Held(
        p50_ms=statistics.median(statistics.median(steps) for steps in runs),
        p99_ms=statistics.median(quantile(steps, 0.99) for steps in runs),
    )


def quantile(values: Sequence[float], fraction: float) -> float:
    """Return the smallest of `values` that at least `fraction` of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * fraction) - 1]
