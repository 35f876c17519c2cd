"""Who runs when: the loggers take turns over each workload, so that drift hits all alike."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.measures import Pass, Task
from benchmarks.peers import OURS, Peer
from benchmarks.results import Row, summarise
from benchmarks.turns import Turn, take_turn
from benchmarks.workloads import Workload

REPEAT_BUDGET_SECS: Final = 8.0
"""A logger that has taken this long over a workload gets no further repeat of it, unless it is
a yardstick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the pictures are, and where the peers may write.

    Attributes
    ----------
    arrays : mapping of str to Path
        The ``.npy`` files by name.
    output : Path
        Emptied between runs.
    home : Path
        Stands in for the user's home.
    """

    arrays: Mapping[str, Path]
    output: Path
    home: Path


@dataclass(frozen=True, slots=True)
class _Slot:
    peer: Peer
    workload: Workload
    pass_: Pass


def run_all(
    peers: Sequence[Peer],
    broken: Mapping[str, str],
    workloads: Sequence[Workload],
    repeats: int,
    places: Places,
    console: Console,
) -> tuple[Row, ...]:
    """Run every logger over every workload it can do and return the rows.

    Parameters
    ----------
    broken : mapping of str to str
        Peers that could not be installed, and why; they get rows that say so.
    repeats : int
        Runs of each logger over each workload, fewer for a slow one.
    """
    turns: defaultdict[_Slot, list[Turn]] = defaultdict(list)
    slots = list(_slots([peer for peer in peers if peer.name not in broken], workloads, repeats))
    with _progress(console) as progress:
        bar = progress.add_task("", total=len(slots))
        for slot in slots:
            progress.update(bar, description=f"{slot.workload.name} · {slot.peer.title}")
            if _is_due(slot.peer, turns[slot]):
                turn = take_turn(slot.peer, _task(slot, places), places.home)
                turns[slot].append(turn)
                _announce_failure(console, slot, turn)
            progress.advance(bar)
    return tuple(_row(peer, workload, turns, broken) for workload in workloads for peer in peers)


def _slots(peers: Sequence[Peer], workloads: Sequence[Workload], repeats: int) -> Iterator[_Slot]:
    for workload in workloads:
        able = [peer for peer in peers if not peer.reason_to_skip(workload)]
        for repeat in range(repeats):
            first = repeat % max(1, len(able))  # nobody always follows the same neighbour
            for peer in able[first:] + able[:first]:
                yield _Slot(peer, workload, Pass.FLAT_OUT)
        yardsticks = [peer for peer in able if peer.is_yardstick]
        if workload.pace_secs:
            pacers = able if workload.is_paced_for_all else yardsticks
            yield from (_Slot(peer, workload, Pass.PACED) for peer in pacers)
        if workload.has_singles:
            yield from (_Slot(peer, workload, Pass.SINGLES) for peer in yardsticks)


def _is_due(peer: Peer, turns: Sequence[Turn]) -> bool:
    if any(turn.failure for turn in turns):
        return False
    return peer.is_yardstick or sum(turn.wall_secs for turn in turns) < REPEAT_BUDGET_SECS


def _task(slot: _Slot, places: Places) -> Task:
    workload = slot.workload
    return Task(
        peer=slot.peer.name,
        workload=workload.name,
        count=workload.count,
        pass_=slot.pass_,
        paced_secs=workload.paced_secs,
        times_copies=slot.peer.name == OURS,
        pixels_path=str(places.arrays[workload.source]),
        folder=str(places.output / f"{slot.peer.name}-{workload.name}"),
    )


def _row(
    peer: Peer,
    workload: Workload,
    turns: Mapping[_Slot, Sequence[Turn]],
    broken: Mapping[str, str],
) -> Row:
    flat_out = turns.get(_Slot(peer, workload, Pass.FLAT_OUT), ())
    paced = turns.get(_Slot(peer, workload, Pass.PACED), ())
    singles = turns.get(_Slot(peer, workload, Pass.SINGLES), ())
    failure = next((turn.failure for turn in flat_out if turn.failure), broken.get(peer.name))
    return Row(
        peer=peer.name,
        workload=workload.name,
        skipped=peer.reason_to_skip(workload),
        failure=failure,
        remark=peer.remark(workload),
        figures=None if failure else summarise(flat_out, paced, singles),
    )


def _announce_failure(console: Console, slot: _Slot, turn: Turn) -> None:
    if turn.failure:
        console.print(f"[red]{slot.peer.title}[/] failed on {slot.workload.name}: {turn.failure}")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
