"""The studies as one picture: time of a photo, memory without end, cost of a growing run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.alone.answers import GrowthAnswer, Stage, StagesAnswer
from benchmarks.alone.memory import Endless
from benchmarks.alone.tables import rest_ms
from benchmarks.peers import OURS, Peer
from benchmarks.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OURS: Final = "#d9480f"
_STAGES: Final = {
    "copy, extremes and digest": "#d9480f",
    "digest": "#fab005",
    "filter and deflate": "#f08c00",
    "sha256": "#9c36b5",
    "write to the shard": "#0c8599",
}
_REST: Final = "#ced4da"
_THEIRS: Final = "#adb5bd"
_INK: Final = "#212529"


def draw(results: Results, peers: Sequence[Peer], path: Path) -> None:
    """Write the picture as PNG to `path`; panels of studies that were not made stay out."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    alone = results.alone
    figure, panels = plt.subplot_mosaic(
        [["caller", "caller"], ["encoder", "encoder"], ["memory", "growth"]],
        figsize=(12.5, 10.5),
        height_ratios=(1.5, 0.45, 1.3),
        layout=ConstrainedLayoutEngine(hspace=0.06),
    )
    if alone.stages:
        _draw_caller(panels["caller"], alone.stages, _held_of_peers(results, peers))
        _draw_encoder(panels["encoder"], alone.stages)
    if alone.endless:
        _draw_memory(panels["memory"], alone.endless)
    if alone.growth:
        _draw_growth(panels["growth"], alone.growth)
    for axes in panels.values():
        if axes.has_data():
            _clean(axes)
        else:
            axes.set_axis_off()
    figure.savefig(path, dpi=130, facecolor="white")
    plt.close(figure)


def _held_of_peers(results: Results, peers: Sequence[Peer]) -> list[tuple[str, float]]:
    held = []
    for peer in peers:
        figures = results.figures(peer.name, "photos")
        if peer.name != OURS and figures and figures.held_paced:
            held.append((peer.title, figures.held_paced.p50_ms))
    return sorted(held, key=lambda each: each[1])


def _draw_caller(axes: "Axes", stages: StagesAnswer, others: Sequence[tuple[str, float]]) -> None:
    """Draw our stages on the first line, and below it how long the others hold their caller."""
    held_ms = stages.image_ms + stages.log_ms
    end_ms = max(held_ms * 2, min((ms for _, ms in others), default=0.0) * 1.2)
    _stack(axes, 0, stages.in_caller, held_ms)
    _label(axes, held_ms, 0, f"{held_ms:.2f} ms")
    for line, (_, ms) in enumerate(others, 1):
        axes.barh(line, min(ms, end_ms), height=0.66, color=_THEIRS)
        if ms <= end_ms:
            _label(axes, ms, line, f"{ms:.2f} ms")
        else:  # the bar is cut
            _label(
                axes, end_ms, line, f"{ms:.0f} ms, {ms / end_ms:.0f} times this width  ▸", end=True
            )
    axes.set_yticks(range(len(others) + 1), ["filmstrip", *(name for name, _ in others)])
    axes.set_ylim(len(others) + 0.5, -0.6)
    axes.set_xlim(0, end_ms)
    _legend_below(axes)
    _title(
        axes, "What holds the training loop: Image() + log() of a 512×512 photo, paced, median ms"
    )


def _draw_encoder(axes: "Axes", stages: StagesAnswer) -> None:
    total_ms = stages.cpu_ms - stages.image_ms - stages.log_ms
    _stack(axes, 0, stages.in_encoder, total_ms)
    _label(axes, max(total_ms, sum(s.ms for s in stages.in_encoder)), 0, f"{total_ms:.2f} ms")
    axes.set_yticks([0], ["filmstrip"])
    axes.set_ylim(0.5, -0.5)
    axes.set_xlim(0, total_ms * 1.15)
    _legend_below(axes)
    _title(axes, "What is left to the background: CPU time of the same photo as PNG, ms")


def _draw_memory(axes: "Axes", endless: Endless) -> None:
    images = [point.images for point in endless.curve]
    processes = [point.processes_bytes / 2**20 for point in endless.curve]
    spool = [point.spool_bytes / 2**20 for point in endless.curve]
    axes.stackplot(
        images,
        processes,
        spool,
        colors=(_OURS, "#fab005"),
        alpha=0.8,
        labels=("all processes", "the spool's file"),
    )
    limit = 150 + endless.limit_bytes / 2**20
    axes.axhline(limit, color=_INK, linewidth=1, linestyle="--")
    axes.annotate(
        f"goal: {limit:.0f} MiB", (0, limit), xytext=(4, 4), textcoords="offset points", fontsize=9
    )
    axes.set_ylim(0, limit * 1.3)
    axes.set_xlim(0, endless.images)
    axes.set_xlabel("photos logged without a pause")
    axes.legend(loc="lower right", fontsize=9)
    _title(axes, "MiB over the interpreter with numpy and the photos")


def _draw_growth(axes: "Axes", growth: GrowthAnswer) -> None:
    before = [place * growth.images_a_block for place in range(len(growth.blocks))]
    lines = (
        ("until all is at rest", [block.wall_us for block in growth.blocks], "#1971c2"),
        ("CPU, all processes", [block.cpu_us for block in growth.blocks], _OURS),
        ("held", [block.held_us for block in growth.blocks], "#2f9e44"),
    )
    for label, costs, colour in lines:
        axes.plot(before, costs, color=colour, marker="o", markersize=3, label=label)
    axes.set_ylim(0, max(max(costs) for _, costs, _ in lines) * 1.45)
    axes.set_xlabel("images in the run before")
    axes.legend(loc="upper right", fontsize=9, ncols=3, frameon=False)
    _title(axes, "µs an image of 28×28 as the run grows")


def _stack(axes: "Axes", line: int, stages: Sequence[Stage], total_ms: float) -> None:
    left = 0.0
    rest = Stage(name="the rest", ms=rest_ms(stages, total_ms))
    for stage in (*stages, rest):
        axes.barh(
            line,
            stage.ms,
            left=left,
            height=0.66,
            color=_STAGES.get(stage.name, _REST),
            label=f"{stage.name} {stage.ms:.2f}",
        )
        left += stage.ms


def _label(axes: "Axes", x: float, line: int, text: str, *, end: bool = False) -> None:
    """Write behind a bar's end, or within it."""
    axes.annotate(
        text,
        (x, line),
        xytext=(-5 if end else 5, 0),
        textcoords="offset points",
        ha="right" if end else "left",
        va="center",
        fontsize=9,
        color=_INK,
    )


def _legend_below(axes: "Axes") -> None:
    from matplotlib.transforms import ScaledTranslation

    below = ScaledTranslation(0, -24 / 72, axes.figure.dpi_scale_trans)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below,
        frameon=False,
        fontsize=9,
        ncols=8,
        borderaxespad=0,
        handlelength=1,
    )


def _title(axes: "Axes", text: str) -> None:
    axes.set_title(text, loc="left", fontsize=11, fontweight="bold", color=_INK)


def _clean(axes: "Axes") -> None:
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)
    axes.tick_params(labelsize=9, colors=_INK)
