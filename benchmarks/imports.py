"""How long ``import`` of each logger takes in a fresh interpreter, above a bare interpreter."""

import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import Peer, environment
from benchmarks.results import ImportTime
from benchmarks.venvs import python_of


def import_times(peers: Sequence[Peer], repeats: int, home: Path) -> tuple[ImportTime, ...]:
    """Time the import of each peer's module `repeats` times, taking turns; medians.

    A first round is not counted: it writes the bytecode and fills the page cache.
    """
    for peer in peers:
        _start_ms(peer, f"import {peer.module}", home)
    bare_ms: dict[str, list[float]] = {peer.name: [] for peer in peers}
    full_ms: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(repeats):
        for peer in peers:
            bare_ms[peer.name].append(_start_ms(peer, "pass", home))
            full_ms[peer.name].append(_start_ms(peer, f"import {peer.module}", home))
    return tuple(_import_time(peer, bare_ms[peer.name], full_ms[peer.name]) for peer in peers)


def _import_time(peer: Peer, bare_ms: list[float], full_ms: list[float]) -> ImportTime:
    bare = statistics.median(bare_ms)
    added = statistics.median(full_ms) - bare
    return ImportTime(peer=peer.name, added_ms=added, bare_ms=bare, repeats=len(full_ms))


def _start_ms(peer: Peer, statement: str, home: Path) -> float:
    command = [str(python_of(peer)), "-c", statement]
    start = time.perf_counter()
    subprocess.run(command, env=environment(home, home), cwd=home, check=True, capture_output=True)
    return (time.perf_counter() - start) * 1e3
