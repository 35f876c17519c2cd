"""What filmstrip set out to reach, most of it as ratios within one run, and whether it does."""

from dataclasses import dataclass
from typing import Final

from benchmarks import ratios
from benchmarks.ratios import Figure
from benchmarks.results import GoalOutcome, Results

FIRST: Final = "the first version"
WRITER: Final = "the writer that never waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One figure and its bound.

    Attributes
    ----------
    group : str
        `FIRST` or `WRITER`.
    name : str
        What is compared with whom.
    figure : Figure
        What is compared with the bound.
    at_least, at_most : float or None
        The bound; exactly one is set.
    more : Figure or None
        What to add to `at_most`.
    unit : str
        Written behind the figure; a ratio has ``×``.
    """

    group: str
    name: str
    figure: Figure
    at_least: float | None = None
    at_most: float | None = None
    more: Figure | None = None
    unit: str = "×"

    def outcome(self, results: Results) -> GoalOutcome:
        """Compare with what was measured."""
        figure = self.figure(results)
        bound, word = self._bound(results)
        return GoalOutcome(
            group=self.group,
            name=self.name,
            target="–" if bound is None else f"{word} {bound:.4g}{self.unit}",
            measured=None if figure is None else f"{figure:.3g}{self.unit}",
            reached=_is_met(figure, bound, word),
        )

    def _bound(self, results: Results) -> tuple[float | None, str]:
        if self.at_least is not None:
            return self.at_least, "at least"
        more = self.more(results) if self.more else 0.0
        return (None if more is None or self.at_most is None else self.at_most + more), "at most"


def _is_met(figure: float | None, bound: float | None, word: str) -> bool | None:
    if figure is None or bound is None:
        return None
    return figure >= bound if word == "at least" else figure <= bound


GOALS: Final = (
    Goal(
        group=FIRST,
        name="held per 512×512 photo, PNG, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "photos", ratios.held),
        at_least=50,
    ),
    Goal(
        group=FIRST,
        name="held per 512×512 photo, PNG, p50: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.held),
        at_most=1,
    ),
    Goal(
        group=FIRST,
        name="held paced per 512×512 photo, PNG, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "photos", ratios.held_paced),
        at_least=50,
    ),
    Goal(
        group=FIRST,
        name="held paced per 512×512 photo, PNG, p50: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.held_paced),
        at_most=1,
    ),
    Goal(
        group=FIRST,
        name="images/s, 512×512 photos, PNG: ours over wandb's",
        figure=ratios.ours_over("wandb", "photos", ratios.rate),
        at_least=35,
    ),
    Goal(
        group=FIRST,
        name="images/s, 512×512 photos, PNG: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.rate),
        at_least=1,
    ),
    Goal(
        group=FIRST,
        name="bytes of those photos: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.size),
        at_most=0.7,
    ),
    Goal(
        group=FIRST,
        name="bytes of those photos: ours over wandb's",
        figure=ratios.ours_over("wandb", "photos", ratios.size),
        at_most=1.12,
    ),
    Goal(
        group=FIRST,
        name="images/s, 28×28: ours over wandb's",
        figure=ratios.ours_over("wandb", "small", ratios.rate),
        at_least=5,
    ),
    Goal(
        group=FIRST,
        name="time of import: ours over wandb's",
        figure=ratios.import_over("wandb"),
        at_most=0.1,
    ),
    Goal(
        group=WRITER,
        name="held per 512×512 photo, PNG, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "photos", ratios.held),
        at_least=400,
    ),
    Goal(
        group=WRITER,
        name="held per 512×512 photo, PNG, p50: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.held),
        at_most=1 / 6,
    ),
    Goal(
        group=WRITER,
        name="held per 512×512 photo, PNG, p50: ours over one np.copyto",
        figure=ratios.held_over_copy,
        at_most=5,
    ),
    Goal(
        group=WRITER,
        name="held paced per 512×512 photo, PNG, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "photos", ratios.held_paced),
        at_least=400,
    ),
    Goal(
        group=WRITER,
        name="held paced per 512×512 photo, PNG, p50: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.held_paced),
        at_most=1 / 6,
    ),
    Goal(
        group=WRITER,
        name="held paced per 512×512 photo, PNG, p50: ours over one np.copyto",
        figure=ratios.held_paced_over_copy,
        at_most=5,
    ),
    Goal(
        group=WRITER,
        name="held per 512×512 float32, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "float", ratios.held),
        at_least=60,
    ),
    Goal(
        group=WRITER,
        name="held paced per 512×512 float32, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "float", ratios.held_paced),
        at_least=60,
    ),
    Goal(
        group=WRITER,
        name="held per photo, p99 over p50, one image a step, paced",
        figure=ratios.singles_p99_over_p50,
        at_most=4,
    ),
    Goal(
        group=WRITER,
        name="held per photo, p99 over p50, eight images a step, paced",
        figure=ratios.paced_p99_over_p50,
        at_most=4,
    ),
    Goal(
        group=WRITER,
        name="images/s, 512×512 photos, PNG: ours over wandb's",
        figure=ratios.ours_over("wandb", "photos", ratios.rate),
        at_least=50,
    ),
    Goal(
        group=WRITER,
        name="images/s, 512×512 photos, PNG: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.rate),
        at_least=1.2,
    ),
    Goal(
        group=WRITER,
        name="bytes of those photos: ours over Rerun's",
        figure=ratios.ours_over("rerun", "photos", ratios.size),
        at_most=0.62,
    ),
    Goal(
        group=WRITER,
        name="bytes of those photos: ours over wandb's",
        figure=ratios.ours_over("wandb", "photos", ratios.size),
        at_most=1.10,
    ),
    Goal(
        group=WRITER,
        name="images/s, 512×512 photos, JPEG: ours over wandb's",
        figure=ratios.ours_over("wandb", "photos-jpg", ratios.rate),
        at_least=3,
    ),
    Goal(
        group=WRITER,
        name="images/s, 28×28: ours over wandb's",
        figure=ratios.ours_over("wandb", "small", ratios.rate),
        at_least=10,
    ),
    Goal(
        group=WRITER,
        name="images/s, 28×28: ours over Rerun's",
        figure=ratios.ours_over("rerun", "small", ratios.rate),
        at_least=2,
    ),
    Goal(
        group=WRITER,
        name="held per 28×28, p50: ours over Rerun's",
        figure=ratios.ours_over("rerun", "small", ratios.held),
        at_most=0.25,
    ),
    Goal(
        group=WRITER,
        name="held paced per 28×28, p50: ours over Rerun's",
        figure=ratios.ours_over("rerun", "small", ratios.held_paced),
        at_most=0.25,
    ),
    Goal(
        group=WRITER,
        name="held per 4096×4096, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "large", ratios.held),
        at_least=200,
    ),
    Goal(
        group=WRITER,
        name="held paced per 4096×4096, p50: wandb's over ours",
        figure=ratios.theirs_over_ours("wandb", "large", ratios.held_paced),
        at_least=200,
    ),
    Goal(
        group=WRITER,
        name="peak memory of an endless producer over the interpreter's; 150 MiB + the spool",
        figure=ratios.peak_mib,
        at_most=150,
        more=ratios.limit_mib,
        unit=" MiB",
    ),
    Goal(
        group=WRITER,
        name="its second half: memory at the end over that at the beginning",
        figure=ratios.second_half,
        at_most=1.05,
    ),
    Goal(
        group=WRITER,
        name="the same 200 photos logged 50 times: bytes over those of once",
        figure=ratios.revisited_bytes,
        at_most=1.05,
    ),
    Goal(
        group=WRITER,
        name="CPU time per 28×28 image, 200,000 of them: last blocks over first",
        figure=ratios.last_over_first(lambda block: block.cpu_us),
        at_most=1.1,
    ),
    Goal(
        group=WRITER,
        name="time per 28×28 image, until all is at rest: last blocks over first",
        figure=ratios.last_over_first(lambda block: block.wall_us),
        at_most=1.1,
    ),
)


def outcomes(results: Results) -> tuple[GoalOutcome, ...]:
    """Return the outcome of every goal."""
    return tuple(goal.outcome(results) for goal in GOALS)
