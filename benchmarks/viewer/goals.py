"""What the viewer and the index set out to reach, and whether they do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.results import GoalOutcome
from benchmarks.viewer.findings import DATABASES, Findings, Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One figure and its bound; exactly one of `at_least` and `at_most` is set."""

    name: str
    figure: Callable[[Findings], float | None]
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    def outcome(self, findings: Findings) -> GoalOutcome:
        """Compare with what was measured."""
        figure = self.figure(findings)
        is_floor = self.at_least is not None
        bound = (self.at_least if is_floor else self.at_most) or 0.0
        met = None if figure is None else figure >= bound if is_floor else figure <= bound
        return GoalOutcome(
            name=self.name,
            target=f"at {'least' if is_floor else 'most'} {_short(bound)} {self.unit}",
            measured=None if figure is None else f"{_short(figure)} {self.unit}",
            reached=met,
        )


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def _of(part: str, field: str, figure: str) -> Callable[[Findings], float | None]:
    """Return what reads one figure of a spread of a part."""

    def read(findings: Findings) -> float | None:
        found = getattr(findings, part)
        return None if found is None else float(getattr(getattr(found, field), figure))

    return read


def _plain(part: str, field: str) -> Callable[[Findings], float | None]:
    def read(findings: Findings) -> float | None:
        found = getattr(findings, part)
        return None if found is None else float(getattr(found, field))

    return read


def _queries(database: str, field: str) -> Callable[[Findings], float | None]:
    def read(findings: Findings) -> float | None:
        found = findings.queries.get(database)
        return None if found is None else float(getattr(found, field))

    return read


def _ours_over(other: str) -> Callable[[Findings], float | None]:
    def read(findings: Findings) -> float | None:
        spreads = [_grid(findings, "filmstrip"), _grid(findings, other)]
        if spreads[0] is None or spreads[1] is None:
            return None
        return spreads[0].median / spreads[1].median

    return read


def _grid(findings: Findings, name: str) -> Spread | None:
    grid = findings.grids.get(name)
    return grid and grid.painted_ms


def _kib(findings: Findings) -> float | None:
    return None if findings.bundle is None else findings.bundle.total_bytes / 1000


GOALS: Final = (
    Goal(
        name="100,000 images, cold server to the first full grid, no thumbnails yet: median",
        figure=_of("start", "fresh_ms", "median"),
        at_most=2000,
        unit="ms",
    ),
    Goal(
        name="the same with thumbnails kept: median",
        figure=_of("start", "kept_ms", "median"),
        at_most=2000,
        unit="ms",
    ),
    Goal(
        name="the index of 100,000 images, built from nothing",
        figure=_plain("start", "index_images_per_sec"),
        at_least=20_000,
        unit="images/s",
    ),
    Goal(
        name="slider one step on, forty cells, key held down: p95",
        figure=_of("moves", "held_ms", "p95"),
        at_most=100,
        unit="ms",
    ),
    Goal(
        name="slider one step on, forty cells, a pause between presses: p95",
        figure=_of("moves", "paced_ms", "p95"),
        at_most=100,
        unit="ms",
    ),
    Goal(
        name="scrolling through 100,000 images",
        figure=_plain("moves", "frames_per_sec"),
        at_least=30,
        unit="frames/s",
    ),
    Goal(
        name="forty 4096×4096, first view: median",
        figure=_of("large", "first_ms", "median"),
        at_most=4000,
        unit="ms",
    ),
    Goal(
        name="forty 4096×4096, second view: median",
        figure=_of("large", "second_ms", "median"),
        at_most=500,
        unit="ms",
    ),
    *(
        goal
        for database, title in DATABASES.items()
        for goal in (
            Goal(
                name=f"any query at 10,000,000 rows, {title}: slowest p95",
                figure=_queries(database, "slowest_p95_ms"),
                at_most=15,
                unit="ms",
            ),
            Goal(
                name=f"any query at 10,000,000 rows over its time at 100,000, {title}",
                figure=_queries(database, "steepest_ratio"),
                at_most=2,
                unit="×",
            ),
        )
    ),
    Goal(
        name="log() to visible in an open page: p95",
        figure=lambda findings: findings.live_ms and findings.live_ms.p95,
        at_most=1000,
        unit="ms",
    ),
    Goal(name="viewer bundle, gzip", figure=_kib, at_most=150, unit="kB"),
    *(
        Goal(
            name=f"time to forty painted pictures: ours over {title}'s",
            figure=_ours_over(name),
            at_most=1,
            unit="×",
        )
        for name, title in (("aim", "Aim"), ("trackio", "trackio"))
    ),
)


def outcomes(findings: Findings) -> tuple[GoalOutcome, ...]:
    """Return the outcome of every goal."""
    return tuple(goal.outcome(findings) for goal in GOALS)
