"""What the studies found, as tables."""

import statistics
from collections.abc import Sequence

from benchmarks.alone.answers import Block, GrowthAnswer, RevisitsAnswer, Stage, StagesAnswer
from benchmarks.alone.findings import Alone
from benchmarks.alone.memory import Endless
from benchmarks.tables import Table, short

_SHOWN_BLOCKS = 5


def tables_of(alone: Alone) -> list[Table]:
    """Return a table for each study that was made."""
    tables = []
    if alone.stages:
        tables.append(stages_table(alone.stages))
    if alone.endless:
        tables.append(endless_table(alone.endless))
    if alone.revisits:
        tables.append(revisits_table(alone.revisits))
    if alone.growth:
        tables.append(growth_table(alone.growth))
    return tables


def stages_table(stages: StagesAnswer) -> Table:
    """Return where the time of one photo goes."""
    held_ms = stages.image_ms + stages.log_ms
    in_encoder_ms = stages.cpu_ms - held_ms
    rows = [
        *_stage_rows("caller", stages.in_caller, held_ms),
        *_stage_rows("encoder", stages.in_encoder, in_encoder_ms),
    ]
    calls = f"Image() {short(stages.image_ms)} ms and log() {short(stages.log_ms)} ms"
    notes = (
        f"caller: {calls}, medians of {stages.images_logged} photos, one a step, paced.",
        f"encoder: CPU time of all processes, {short(stages.cpu_ms)} ms an image, without that.",
        "Each stage was timed by itself, the encoder's by CPU time; the rest is what is left.",
    )
    return Table(
        title="filmstrip: where the time of one 512×512 photo goes",
        heads=("where", "stage", "ms", "share"),
        rows=tuple(rows),
        notes=notes,
    )


def endless_table(endless: Endless) -> Table:
    """Return the endless producer's memory."""
    rows = (
        ("peak of the spool's file", _mib(endless.peak_spool_bytes)),
        ("peak of all processes without it", _mib(endless.peak_processes_bytes)),
        ("peak of both", _mib(endless.peak_bytes)),
        ("limit on the pixels that wait", _mib(endless.limit_bytes)),
        ("end of the second half over its beginning", f"{endless.second_half_ratio:.3f}×"),
        ("growth an image in the second half, bytes", f"{endless.growth_bytes_per_image:,.0f}"),
        ("samples about that line, standard deviation", _mib(int(endless.noise_bytes))),
        ("images/s", short(endless.images_per_sec)),
    )
    note = (
        f"Over {_mib(endless.baseline_bytes)} of the interpreter with numpy and the photos. "
        "The spool's file: all its blocks, though the kernel may keep fewer of them in memory. "
        "Processes: proportional set size, shared pages once, those of the spool's file aside."
    )
    return Table(
        title=f"filmstrip: memory while {endless.images:,} photos of 512×512 come without a pause",
        heads=("memory", "figure"),
        rows=rows,
        notes=(note,),
    )


def revisits_table(revisits: RevisitsAnswer) -> Table:
    """Return what logging the same set again costs."""
    again = (revisits.all_bytes - revisits.once_bytes) / max(
        1, revisits.images_logged - revisits.images
    )
    rows = (
        ("once", *_revisits_cells(revisits.once_bytes, revisits.images / revisits.once_secs)),
        (
            f"{revisits.rounds} times",
            *_revisits_cells(revisits.all_bytes, revisits.images_logged / revisits.all_secs),
        ),
    )
    return Table(
        title=f"filmstrip: the same {revisits.images} photos, logged again and again",
        heads=("logged", "MB", "images/s"),
        rows=rows,
        notes=(f"bytes: {revisits.bytes_ratio:.3f}×; each image again takes {again:,.0f} bytes.",),
    )


def growth_table(growth: GrowthAnswer) -> Table:
    """Return what an image costs as the run grows."""
    last = len(growth.blocks) - 1
    shown = sorted({round(i * last / (_SHOWN_BLOCKS - 1)) for i in range(_SHOWN_BLOCKS)})
    rows = tuple(_block_cells(growth, place, growth.blocks[place]) for place in shown)
    medians = [statistics.median(block.cpu_us for block in part) for part in _ends(growth.blocks)]
    note = f"CPU, median of the first three blocks {medians[0]:.1f}, of the last {medians[1]:.1f}."
    return Table(
        title=f"filmstrip: an image of 28×28 as the run grows, blocks of {growth.images_a_block:,}",
        heads=("images before", "CPU µs", "µs until at rest", "held µs", "memory MiB"),
        rows=rows,
        notes=(note,),
    )


def rest_ms(stages: Sequence[Stage], total_ms: float) -> float:
    """Return what the stages do not account for; none when they add up to more."""
    return max(0.0, total_ms - sum(stage.ms for stage in stages))


def _stage_rows(
    where: str, stages: Sequence[Stage], total_ms: float
) -> list[tuple[str, str, str, str]]:
    named = [(stage.name, stage.ms) for stage in stages]
    named += [("the rest", rest_ms(stages, total_ms)), ("all", total_ms)]
    return [(where, name, f"{ms:.3f}", f"{ms / total_ms:.0%}") for name, ms in named]


def _revisits_cells(size_bytes: int, images_per_sec: float) -> tuple[str, str]:
    return f"{size_bytes / 1e6:.1f}", short(images_per_sec)


def _block_cells(growth: GrowthAnswer, place: int, block: Block) -> tuple[str, ...]:
    figures = (block.cpu_us, block.wall_us, block.held_us)
    before = f"{place * growth.images_a_block:,}"
    return before, *(f"{figure:.1f}" for figure in figures), f"{block.memory_bytes / 2**20:.0f}"


def _ends(blocks: Sequence[Block]) -> tuple[Sequence[Block], Sequence[Block]]:
    return blocks[:3], blocks[-3:]


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.1f} MiB"
