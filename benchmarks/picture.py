"""The results as a picture: for each workload, bars of time held, images a second, and bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.peers import OURS, Peer
from benchmarks.results import Figures, Results
from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OURS_COLOUR: Final = "#d9480f"
_THEIRS_COLOUR: Final = "#adb5bd"
_INK: Final = "#212529"
_MUTED: Final = "#868e96"


@dataclass(frozen=True, slots=True)
class _Column:
    """One measure: the heading of its column, its value, and its text at the bar's end."""

    heading: str
    value: Callable[[Figures], float]
    text: Callable[[float], str]
    is_log: bool


_COLUMNS: Final = (
    _Column(
        "ms an image holds the caller\n(median, log scale, shorter is better)",
        lambda figures: figures.held.p50_ms,
        lambda value: f"{value:,.0f}" if value >= 100 else f"{value:.2g}",
        is_log=True,
    ),
    _Column(
        "images a second, first log to end of finish\n(log scale, longer is better)",
        lambda figures: figures.images_per_sec,
        lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2g}",
        is_log=True,
    ),
    _Column(
        "KB an image on disk\n(shorter is better)",
        lambda figures: figures.bytes_per_image / 1e3,
        lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2g}",
        is_log=False,
    ),
)


def draw(
    results: Results, peers: Sequence[Peer], workloads: Sequence[Workload], path: Path
) -> None:
    """Write the picture as PNG to `path`."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    row_inches = 0.55 + 0.235 * len(peers)
    figure, grid = plt.subplots(
        len(workloads),
        len(_COLUMNS),
        figsize=(13.5, 1.2 + row_inches * len(workloads)),
        squeeze=False,
        layout=ConstrainedLayoutEngine(wspace=0.04, hspace=0.06),
    )
    for line, workload in zip(grid, workloads, strict=True):
        for axes, column in zip(line, _COLUMNS, strict=True):
            _draw_bars(axes, column, results, peers, workload)
        line[0].set_title(workload.title, loc="left", fontsize=11, fontweight="bold", color=_INK)
    for axes, column in zip(grid[0], _COLUMNS, strict=True):
        axes.annotate(
            column.heading,
            (0, 1),
            xytext=(0, 26),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=9,
            color=_MUTED,
        )
    figure.suptitle(
        "The same images through every logger", x=0.01, ha="left", fontsize=15, color=_INK
    )
    figure.savefig(path, dpi=130, facecolor="white")
    plt.close(figure)


def _draw_bars(
    axes: "Axes", column: _Column, results: Results, peers: Sequence[Peer], workload: Workload
) -> None:
    values = [_value(results, peer, workload, column) for peer in peers]
    known = [value for value in values if value is not None]
    left, right = _span(known, column)
    for position, (peer, value) in enumerate(zip(peers, values, strict=True)):
        colour = _OURS_COLOUR if peer.name == OURS else _THEIRS_COLOUR
        text, end = _absence(results, peer, workload), left
        if value is not None:
            axes.barh(position, value - left, left=left, height=0.72, color=colour)
            text, end = column.text(value), value
        axes.annotate(
            text,
            (end, position),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=_MUTED if value is None else _INK,
            fontweight="bold" if peer.name == OURS else "normal",
        )
    if column.is_log:
        axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.set_ylim(len(peers) - 0.4, -0.6)
    axes.set_yticks(range(len(peers)), [peer.title for peer in peers], fontsize=9, color=_INK)
    axes.tick_params(length=0)
    axes.set_xticks([], [])
    axes.minorticks_off()
    for spine in ("top", "right", "bottom"):
        axes.spines[spine].set_visible(False)
    axes.spines["left"].set_color(_MUTED)
    if column is not _COLUMNS[0]:
        axes.set_yticklabels([])


def _span(known: Sequence[float], column: _Column) -> tuple[float, float]:
    """Return the ends of the axis, with room for the text at the longest bar's end."""
    if not known:
        return (1.0, 10.0) if column.is_log else (0.0, 1.0)
    if not column.is_log:
        return 0.0, max(known) * 1.22
    left = min(known) / 2.5
    return left, max(known) * (max(known) / left) ** 0.22


def _value(results: Results, peer: Peer, workload: Workload, column: _Column) -> float | None:
    figures = results.figures(peer.name, workload.name)
    return column.value(figures) if figures else None


def _absence(results: Results, peer: Peer, workload: Workload) -> str:
    row = results.row(peer.name, workload.name)
    if row is None:
        return ""
    return row.skipped or f"failed: {(row.failure or '')[:40]}"
