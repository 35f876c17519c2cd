"""What the endless producer's memory comes to: its peak, and whether it grows."""

import statistics
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import msgspec

from benchmarks.alone.answers import EndlessAnswer, Progress, StudyFailedError
from benchmarks.turns import Memory

_POINTS_KEPT: Final = 200


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Memory after so many images, over the interpreter with numpy and the photos.

    Attributes
    ----------
    images : int
        Images logged.
    processes_bytes : int
        The processes' memory without pages of the spool's file.
    spool_bytes : int
        That file.
    """

    images: int
    processes_bytes: int
    spool_bytes: int


class Endless(msgspec.Struct, frozen=True, kw_only=True):
    """The endless producer's figures.

    Attributes
    ----------
    images : int
        Images logged.
    images_per_sec : float
        From the first log call to the end of `finish()`.
    baseline_bytes : int
        The interpreter with numpy and the photos, before filmstrip was imported.
    limit_bytes : int
        filmstrip's own limit on the pixels that wait.
    peak_bytes : int
        Highest sum of all processes' memory and the spool's file, over the baseline.
    peak_processes_bytes, peak_spool_bytes : int
        The highest of each.
    second_half_ratio : float
        A straight line through the samples of the second half: its end over its beginning, both
        over the baseline.
    growth_bytes_per_image : float
        The slope of that line.
    noise_bytes : float
        How far the samples lie from it, as a standard deviation.
    size_bytes : int
        Lengths of all files.
    curve : sequence of Point
        Some of the samples, in order.
    """

    images: int
    images_per_sec: float
    baseline_bytes: int
    limit_bytes: int
    peak_bytes: int
    peak_processes_bytes: int
    peak_spool_bytes: int
    second_half_ratio: float
    growth_bytes_per_image: float
    noise_bytes: float
    size_bytes: int
    curve: Sequence[Point]


def endless(answer: EndlessAnswer, memory: Sequence[Memory]) -> Endless:
    """Bring together what the producer counted and what the driver sampled.

    Raises
    ------
    StudyFailedError
        If there are too few samples to draw a line through.
    """
    points = [_point(each, answer) for each in memory]
    images = answer.progress[-1].images
    last_log_secs = answer.progress[-1].at_secs
    second_half = [
        point
        for point, each in zip(points, memory, strict=True)
        if point.images >= images / 2 and each.at_secs <= last_log_secs
    ]
    if len(second_half) < 3:
        raise StudyFailedError(f"only {len(second_half)} samples in the second half")
    sizes = [_sum(point) for point in second_half]
    counts = [point.images for point in second_half]
    slope, intercept = statistics.linear_regression(counts, sizes)
    distances = [
        size - slope * count - intercept for size, count in zip(sizes, counts, strict=True)
    ]
    return Endless(
        images=images,
        images_per_sec=images / answer.total_secs,
        baseline_bytes=answer.baseline_bytes,
        limit_bytes=answer.limit_bytes,
        peak_bytes=max(map(_sum, points)),
        peak_processes_bytes=max(point.processes_bytes for point in points),
        peak_spool_bytes=max(each.spool_bytes for each in answer.progress),
        second_half_ratio=(slope * images + intercept) / (slope * images / 2 + intercept),
        growth_bytes_per_image=slope,
        noise_bytes=statistics.pstdev(distances),
        size_bytes=answer.size_bytes,
        curve=points[:: max(1, len(points) // _POINTS_KEPT)],
    )


def _point(memory: Memory, answer: EndlessAnswer) -> Point:
    before, after = _progress_about(answer.progress, memory.at_secs)
    own_bytes = memory.size_bytes - min(before.mapped_bytes, after.mapped_bytes)
    return Point(
        images=after.images,
        processes_bytes=max(0, own_bytes - answer.baseline_bytes),
        spool_bytes=after.spool_bytes,
    )


def _progress_about(progress: Sequence[Progress], at_secs: float) -> tuple[Progress, Progress]:
    place = bisect_left(progress, at_secs, key=lambda each: each.at_secs)
    return progress[max(0, place - 1)], progress[min(place, len(progress) - 1)]


def _sum(point: Point) -> int:
    return point.processes_bytes + point.spool_bytes
