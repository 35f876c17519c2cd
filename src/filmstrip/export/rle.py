"""Run lengths: the regions of a mask as COCO writes them, down one column after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Region", "regions"]


@dataclass(frozen=True, slots=True)
class Region:
    """The pixels of one id."""

    id: int
    counts: list[int]
    """Lengths of runs outside and inside the region in turn, outside first, down each column."""
    area: int
    """In pixels."""
    xywh: tuple[int, int, int, int]
    """The smallest box around it: left, top, width, height."""


def regions(ids: npt.NDArray[np.integer]) -> Iterator[Region]:
    """Yield the region of each id that occurs, in ascending order.

    Parameters
    ----------
    ids
        (H, W), at least 1 x 1.

    Examples
    --------
    >>> for region in regions(np.array([[0, 7], [7, 7]])): print(region)
    Region(id=0, counts=[0, 1, 3], area=1, xywh=(0, 0, 1, 1))
    Region(id=7, counts=[1, 3], area=3, xywh=(0, 0, 2, 2))
    """
    height = ids.shape[0]
    flat = ids.T.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], flat.size)
    order = np.argsort(flat[starts], kind="stable")
    found, firsts = np.unique(flat[starts[order]], return_index=True)
    for region_id, places in zip(found.tolist(), np.split(order, firsts[1:]), strict=True):
        begin, end = starts[places], ends[places]
        yield Region(
            id=region_id,
            counts=_counts(begin, end, flat.size),
            area=int((end - begin).sum()),
            xywh=_xywh(begin, end - 1, height),
        )


def _counts(begin: npt.NDArray[np.intp], end: npt.NDArray[np.intp], size: int) -> list[int]:
    borders = np.empty(2 * len(begin) + 1, np.intp)
    borders[0:-1:2], borders[1::2], borders[-1] = begin, end, size
    counts: list[int] = np.diff(borders, prepend=0).tolist()
    return counts if counts[-1] else counts[:-1]


def _xywh(
    first: npt.NDArray[np.intp], last: npt.NDArray[np.intp], height: int
) -> tuple[int, int, int, int]:
    left, right = int(first.min()) // height, int(last.max()) // height
    if (
        first // height != last // height
    ).any():  # a run around the end of a column touches both ends
        return left, 0, right - left + 1, height
    top, bottom = int((first % height).min()), int((last % height).max())
    return left, top, right - left + 1, bottom - top + 1
