"""What the viewer's benchmark found: the structs of ``viewer.json``."""

import math
import statistics
from collections.abc import Sequence

import msgspec

from benchmarks.results import GoalOutcome, Machine


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Times of one thing done again and again."""

    count: int
    median: float
    p95: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise at least one value; the 95th percentile is the nearest rank above."""
        ordered = sorted(values)
        return cls(
            count=len(ordered),
            median=statistics.median(ordered),
            p95=ordered[math.ceil(0.95 * len(ordered)) - 1],
            max=ordered[-1],
        )


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A cold server, in milliseconds from its start to the full grid; and filling the index.

    Attributes
    ----------
    num_images : int
        Of the store.
    fresh_ms : Spread
        With a warm index but no thumbnails yet.
    kept_ms : Spread
        With thumbnails kept from before.
    index_images_per_sec : float
        Building the index from nothing.
    """

    num_images: int
    fresh_ms: Spread
    kept_ms: Spread
    index_images_per_sec: float


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """The slider and the wheel.

    Attributes
    ----------
    held_ms : Spread
        From a key press to forty painted cells, the next press at once: nothing is fetched ahead.
    paced_ms : Spread
        The same with a pause between presses.
    frames_per_sec : float
        While scrolling through all images of the store.
    frame_ms : Spread
        Between two of those frames.
    num_scrolled_px : float
        How far that scrolling came.
    """

    held_ms: Spread
    paced_ms: Spread
    frames_per_sec: float
    frame_ms: Spread
    num_scrolled_px: float


class Large(msgspec.Struct, frozen=True, kw_only=True):
    """Forty large pictures, in milliseconds from opening the page to all painted.

    Attributes
    ----------
    side : int
        Pixels along each side.
    first_ms : Spread
        Without thumbnails.
    second_ms : Spread
        With the thumbnails of the first view, in a browser with an empty cache.
    """

    side: int
    first_ms: Spread
    second_ms: Spread


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What the page loads that is not data: by path, bytes as gzip -9 packs them."""

    gzip_bytes: dict[str, int]

    @property
    def total_bytes(self) -> int:
        return sum(self.gzip_bytes.values())


DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
"""Those that the index is asked in, and their names."""


class Queries(msgspec.Struct, frozen=True, kw_only=True):
    """Of one database: the slowest question at ten million rows, and the one that grew most."""

    slowest: str
    slowest_p95_ms: float
    steepest: str
    steepest_ratio: float
    all_ms: dict[str, tuple[float, float, float, float]] = {}
    """By question: median and p95 at the small size, the same at the large one."""


class GridTime(msgspec.Struct, frozen=True, kw_only=True):
    """One viewer's time to forty painted pictures, or why there is none."""

    painted_ms: Spread | None = None
    failure: str | None = None


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run found; what was left out is None."""

    machine: Machine
    quick: bool
    duration_secs: float
    start: Start | None = None
    moves: Moves | None = None
    large: Large | None = None
    live_ms: Spread | None = None
    bundle: Bundle | None = None
    queries: dict[str, Queries] = {}
    grids: dict[str, GridTime] = {}
    goals: tuple[GoalOutcome, ...] = ()
