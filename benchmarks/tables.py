"""The results as tables: cells first, then Markdown for the README and rich for the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

import rich.box
import rich.table

from benchmarks.peers import OURS, Peer
from benchmarks.results import Figures, Held, Results, Row
from benchmarks.workloads import Workload

_HEADS = (
    "logger",
    "held ms p50 / p99",
    "held paced ms p50 / p99",
    "images/s",
    "CPU ms an image",
    "peak MiB (added)",
    "KB an image",
    "files",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells of text with a title above and notes below; all but the first column are figures."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return the table in GitHub's Markdown, with its title."""
        return f"### {self.title}\n\n{self.body()}"

    def body(self) -> str:
        """Return the table in GitHub's Markdown, and its notes."""
        ruler = ("---", *("---:" for _ in self.heads[1:]))
        notes = ("", *(f"- {note}" for note in self.notes)) if self.notes else ()
        return "\n".join([*map(_piped, (self.heads, ruler, *self.rows)), *notes, ""])

    def terminal(self) -> rich.table.Table:
        """Return the table for a rich console."""
        table = rich.table.Table(
            title=self.title,
            title_style="bold",
            title_justify="left",
            caption="\n".join(self.notes) or None,
            caption_justify="left",
            box=rich.box.SIMPLE_HEAD,
        )
        for index, head in enumerate(self.heads):
            table.add_column(head, justify="right" if index else "left", max_width=64)
        for row in self.rows:
            table.add_row(*row)
        return table


def workload_table(results: Results, workload: Workload, peers: Sequence[Peer]) -> Table:
    """Return one workload's table: a row a logger, each figure with its ratio to filmstrip's."""
    ours = results.figures(OURS, workload.name)
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for peer in peers:
        row = results.row(peer.name, workload.name)
        if row is None:
            continue
        rows.append((peer.title, *_cells(row, ours)))
        notes.extend(f"{peer.title}: {note}." for note in _notes(row, workload))
    return Table(title=workload.title, heads=_HEADS, rows=tuple(rows), notes=tuple(notes))


def import_table(results: Results, peers: Sequence[Peer]) -> Table:
    """Return the import times."""
    ours = results.import_ms(OURS)
    titles = {peer.name: peer.title for peer in peers}
    rows = tuple((titles[each.peer], _with_ratio(each.added_ms, ours)) for each in results.imports)
    return Table(title="import, ms above a bare interpreter", heads=("logger", "ms"), rows=rows)


def goal_tables(results: Results, *groups: str) -> list[Table]:
    """Return each goal with what was measured, a table for each group or for those asked for."""
    verdicts = {True: "reached", False: "missed", None: "not measured"}
    return [
        Table(
            title=f"Goals of {group}" if group else "Goals",
            heads=("goal", "target", "measured", "outcome"),
            rows=tuple(
                (goal.name, goal.target, goal.measured or "–", verdicts[goal.reached])
                for goal in results.goals
                if goal.group == group
            ),
        )
        for group in dict.fromkeys(goal.group for goal in results.goals)
        if group in groups or not groups
    ]


def _cells(row: Row, ours: Figures | None) -> tuple[str, ...]:
    figures = row.figures
    if figures is None:
        first = "n/a" if row.skipped else "failed"
        return (first, *("" for _ in _HEADS[2:]))
    added_mib = max(0, figures.rss_added_bytes) >> 20
    return (
        _held_cell(figures.held, ours.held if ours else None),
        _held_cell(figures.held_paced, ours.held_paced if ours else None),
        _with_ratio(figures.images_per_sec, ours.images_per_sec if ours else None),
        short(figures.cpu_ms_per_image),
        f"{figures.rss_peak_bytes >> 20:,} (+{added_mib:,})",
        _with_ratio(figures.bytes_per_image / 1e3, ours.bytes_per_image / 1e3 if ours else None),
        f"{figures.files:,}",
    )


def _held_cell(theirs: Held | None, ours: Held | None) -> str:
    if theirs is None:
        return "–"
    text = f"{short(theirs.p50_ms)} / {short(theirs.p99_ms)}"
    return text + _ratio(theirs.p50_ms, ours.p50_ms if ours else None)


def _notes(row: Row, workload: Workload) -> list[str]:
    failure = row.failure and f"failed: {row.failure}"
    notes = [note for note in (row.skipped, failure, row.remark) if note]
    return [*notes, *_notes_on_figures(row.figures, workload)] if row.figures else notes


def _notes_on_figures(figures: Figures, workload: Workload) -> list[str]:
    notes = []
    if figures.images < workload.count:
        notes.append(f"{figures.images} of {workload.count} images, then its time was up")
    if (singles := figures.held_singles) is not None:
        both = f"{short(singles.p50_ms)} / {short(singles.p99_ms)}"
        notes.append(f"paced, but one image a step, held ms p50 / p99: {both}")
    if figures.copy_ms is not None:
        paced = figures.copy_paced_ms
        copies = short(figures.copy_ms) + (f", paced {short(paced)}" if paced else "")
        notes.append(f"one `np.copyto` of such an image into warm memory, ms: {copies}")
    return notes


def _with_ratio(value: float, ours: float | None) -> str:
    return short(value) + _ratio(value, ours)


def _ratio(value: float, ours: float | None) -> str:
    """Write in brackets how many times filmstrip's figure this is; nothing for itself."""
    return f" ({short(value / ours, digits=2)}×)" if ours and value != ours else ""


def short(value: float, digits: int = 3) -> str:
    """Write a figure with three digits, or as many as it has before its point."""
    return f"{value:,.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
