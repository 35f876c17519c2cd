"""What filmstrip set out to reach, as ratios within one run, and whether it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.peers import OURS
from benchmarks.results import Figures, GoalOutcome, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One ratio and its bound.

    Attributes
    ----------
    name : str
        What is compared with whom.
    ratio : callable
        Takes the results; None when a part of the ratio was not measured.
    at_least, at_most : float or None
        The bound; exactly one is set.
    """

    name: str
    ratio: Callable[[Results], float | None]
    at_least: float | None = None
    at_most: float | None = None

    def outcome(self, results: Results) -> GoalOutcome:
        """Compare with what was measured."""
        ratio = self.ratio(results)
        measured = None if ratio is None else f"{ratio:.3g}×"
        return GoalOutcome(
            name=self.name, target=self._target(), measured=measured, reached=self._is_met(ratio)
        )

    def _target(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}×"
        return f"at most {self.at_most:g}×"

    def _is_met(self, ratio: float | None) -> bool | None:
        if ratio is None:
            return None
        if self.at_least is not None:
            return ratio >= self.at_least
        return self.at_most is not None and ratio <= self.at_most


Measure = Callable[[Figures], float | None]


def _held(figures: Figures) -> float:
    return figures.held.p50_ms


def _held_paced(figures: Figures) -> float | None:
    return figures.held_paced.p50_ms if figures.held_paced else None


def _rate(figures: Figures) -> float:
    return figures.images_per_sec


def _size(figures: Figures) -> float:
    return figures.bytes_per_image


def _ours_over(peer: str, workload: str, measure: Measure) -> Callable[[Results], float | None]:
    def ratio(results: Results) -> float | None:
        ours, theirs = results.figures(OURS, workload), results.figures(peer, workload)
        if ours is None or theirs is None:
            return None
        return _divided(measure(ours), measure(theirs))

    return ratio


def _theirs_over_ours(
    peer: str, workload: str, measure: Measure
) -> Callable[[Results], float | None]:
    def ratio(results: Results) -> float | None:
        return _divided(1.0, _ours_over(peer, workload, measure)(results))

    return ratio


def _import_over(peer: str) -> Callable[[Results], float | None]:
    return lambda results: _divided(results.import_ms(OURS), results.import_ms(peer))


def _divided(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


GOALS: Final = (
    Goal(
        name="held per 512×512 photo, PNG, p50: wandb's over ours",
        ratio=_theirs_over_ours("wandb", "photos", _held),
        at_least=50,
    ),
    Goal(
        name="held per 512×512 photo, PNG, p50: ours over Rerun's",
        ratio=_ours_over("rerun", "photos", _held),
        at_most=1,
    ),
    Goal(
        name="the same with a pause between steps: wandb's over ours",
        ratio=_theirs_over_ours("wandb", "photos", _held_paced),
        at_least=50,
    ),
    Goal(
        name="the same with a pause between steps: ours over Rerun's",
        ratio=_ours_over("rerun", "photos", _held_paced),
        at_most=1,
    ),
    Goal(
        name="images/s, 512×512 photos, PNG: ours over wandb's",
        ratio=_ours_over("wandb", "photos", _rate),
        at_least=35,
    ),
    Goal(
        name="images/s, 512×512 photos, PNG: ours over Rerun's",
        ratio=_ours_over("rerun", "photos", _rate),
        at_least=1,
    ),
    Goal(
        name="bytes of those photos: ours over Rerun's",
        ratio=_ours_over("rerun", "photos", _size),
        at_most=0.7,
    ),
    Goal(
        name="bytes of those photos: ours over wandb's",
        ratio=_ours_over("wandb", "photos", _size),
        at_most=1.12,
    ),
    Goal(
        name="images/s, 28×28: ours over wandb's",
        ratio=_ours_over("wandb", "small", _rate),
        at_least=5,
    ),
    Goal(
        name="time of import: ours over wandb's",
        ratio=_import_over("wandb"),
        at_most=0.1,
    ),
)


def outcomes(results: Results) -> tuple[GoalOutcome, ...]:
    """Return the outcome of every goal."""
    return tuple(goal.outcome(results) for goal in GOALS)
