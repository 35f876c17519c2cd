"""Which axis of an array is height, width and channel.

numpy's convention is channels last, torch's channels first; ``layout=`` says it outright. The plan
is made from the shape alone, so that it is the same for every array library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from filmstrip.errors import ImageInputError, OptionError

__all__ = ["CHANNELS", "MAX_DIMENSION", "AxisPlan", "Layout", "plan_axes"]

Layout = Literal["HW", "HWC", "CHW"]

CHANNELS = (1, 3, 4)
"""Channel counts that make a picture: grey, RGB, RGBA."""

MAX_DIMENSION = 65500
"""Longest side of a picture in pixels; JPEG holds no more than 65535."""


@dataclass(frozen=True, slots=True)
class AxisPlan:
    """How to get (H, W) or (H, W, C) out of an array: first reshape, then transpose."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]


def plan_axes(
    shape: tuple[int, ...],
    *,
    layout: str | None,
    convention: Layout,
    describe: Callable[[], str],
    is_batch: bool = False,
) -> AxisPlan:
    """Return how an array of this shape becomes (H, W) or (H, W, C) with C of 3 or 4.

    Dimensions of size 1 are dropped where only that makes a picture of the array; the channel axis
    that `layout` names stays.

    Parameters
    ----------
    shape
        Shape of the array.
    layout
        What the user said, or None to follow `convention`.
    convention
        ``"HWC"`` for numpy and its kin, ``"CHW"`` for torch.
    describe
        Gives shape, dtype and range of the array, for a message.
    is_batch
        True when the picture is one of a batch, whose `layout` a message names.

    Raises
    ------
    ImageInputError
        The shape is that of no picture; the message says which `layout` or call would fit.
    OptionError
        `layout` is not one of its choices.

    Examples
    --------
    >>> plan_axes((3, 8, 9), layout=None, convention="CHW", describe=str)
    AxisPlan(shape=(3, 8, 9), axes=(1, 2, 0))
    """
    if layout is not None and layout not in get_args(Layout):
        raise OptionError(
            f"layout to be one of {', '.join(get_args(Layout))}",
            got=repr(layout),
            fix="leave layout out to follow the array library's convention",
        )
    if 0 in shape:
        raise ImageInputError(
            "an array with at least one pixel", got=describe(), fix="check the slice that made it"
        )
    order = layout or convention
    reduced = _drop_ones(shape, order, is_strict=layout is not None)
    if len(reduced) == 2:
        return AxisPlan(reduced, (0, 1))
    channel_axis = 0 if order == "CHW" else 2
    if len(reduced) != 3 or order == "HW" or reduced[channel_axis] not in CHANNELS:
        raise _shape_error(reduced, order, describe(), is_batch=is_batch)
    if reduced[channel_axis] == 1:
        without = reduced[1:] if channel_axis == 0 else reduced[:2]
        return AxisPlan(without, (0, 1))
    return AxisPlan(reduced, (1, 2, 0) if channel_axis == 0 else (0, 1, 2))


def _drop_ones(shape: tuple[int, ...], order: str, *, is_strict: bool) -> tuple[int, ...]:
    """Return the shape without the dimensions of size 1 that stand in the way of a picture."""
    kept = list(shape)
    wanted = 2 if order == "HW" else 3
    while len(kept) > wanted and 1 in kept:
        # A batch axis of one stands first; (H, W, C, 1) is the rarer case.
        kept.pop(0 if kept[0] == 1 else len(kept) - 1 - kept[::-1].index(1))
    channel = 0 if order == "CHW" else -1
    if not is_strict and len(kept) == 3 and kept[channel] not in CHANNELS and kept.count(1) == 1:
        kept.remove(1)
    return tuple(kept)


def _shape_error(
    shape: tuple[int, ...], order: str, described: str, *, is_batch: bool
) -> ImageInputError:
    other = "CHW" if order == "HWC" else "HWC"
    if len(shape) == 4:
        fix = "log a batch as N images with Image.batch(x, layout=...)"
    elif len(shape) == 3 and order != "HW" and shape[0 if other == "CHW" else 2] in CHANNELS:
        name = f"N{other}" if is_batch else other
        fix = f"this looks like ({', '.join(name)}): pass layout={name!r}"
    elif len(shape) == 3 and order != "HW":
        fix = "pick 1, 3 or 4 channels, or log each channel as an image of its own"
    else:
        fix = "give one picture of two or three dimensions"
    wanted = "(H, W)" if order == "HW" else f"(H, W) or ({', '.join(order)}) with C of 1, 3 or 4"
    return ImageInputError(f"a picture of shape {wanted}", got=described, fix=fix)
