"""Figures that goals are about: mostly ratios of two things that one run measured."""

import statistics
from collections.abc import Callable
from typing import TypeAlias

from benchmarks.alone.answers import Block
from benchmarks.peers import OURS
from benchmarks.results import Figures, Held, Results

Figure: TypeAlias = Callable[[Results], float | None]
"""Takes the results; None when a part of the figure was not measured."""

Measure: TypeAlias = Callable[[Figures], float | None]


def held(figures: Figures) -> float:
    return figures.held.p50_ms


def held_paced(figures: Figures) -> float | None:
    return figures.held_paced.p50_ms if figures.held_paced else None


def paced_p99_over_p50(results: Results) -> float | None:
    figures = results.figures(OURS, "photos")
    return _p99_over_p50(figures.held_paced if figures else None)


def singles_p99_over_p50(results: Results) -> float | None:
    figures = results.figures(OURS, "photos")
    return _p99_over_p50(figures.held_singles if figures else None)


def _p99_over_p50(held: Held | None) -> float | None:
    return _divided(held.p99_ms, held.p50_ms) if held else None


def held_over_copy(results: Results) -> float | None:
    figures = results.figures(OURS, "photos")
    return _divided(figures.held.p50_ms, figures.copy_ms) if figures else None


def held_paced_over_copy(results: Results) -> float | None:
    figures = results.figures(OURS, "photos")
    return _divided(held_paced(figures), figures.copy_paced_ms) if figures else None


def peak_mib(results: Results) -> float | None:
    endless = results.alone.endless
    return endless.peak_bytes / 2**20 if endless else None


def limit_mib(results: Results) -> float | None:
    endless = results.alone.endless
    return endless.limit_bytes / 2**20 if endless else None


def second_half(results: Results) -> float | None:
    endless = results.alone.endless
    return endless.second_half_ratio if endless else None


def revisited_bytes(results: Results) -> float | None:
    revisits = results.alone.revisits
    return revisits.bytes_ratio if revisits else None


def last_over_first(cost: Callable[[Block], float]) -> Figure:
    """Compare the last blocks with the first, the median of three each, because one is a whim."""

    def ratio(results: Results) -> float | None:
        growth = results.alone.growth
        if growth is None:
            return None
        costs = [cost(block) for block in growth.blocks]
        return _divided(statistics.median(costs[-3:]), statistics.median(costs[:3]))

    return ratio


def rate(figures: Figures) -> float:
    return figures.images_per_sec


def size(figures: Figures) -> float:
    return figures.bytes_per_image


def ours_over(peer: str, workload: str, measure: Measure) -> Figure:
    def ratio(results: Results) -> float | None:
        ours, theirs = results.figures(OURS, workload), results.figures(peer, workload)
        if ours is None or theirs is None:
            return None
        return _divided(measure(ours), measure(theirs))

    return ratio


def theirs_over_ours(peer: str, workload: str, measure: Measure) -> Figure:
    def ratio(results: Results) -> float | None:
        return _divided(1.0, ours_over(peer, workload, measure)(results))

    return ratio


def import_over(peer: str) -> Figure:
    return lambda results: _divided(results.import_ms(OURS), results.import_ms(peer))


def _divided(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None
