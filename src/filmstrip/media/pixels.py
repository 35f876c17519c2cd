"""The pixel rule: how numbers of any dtype become 8-bit (or 16-bit) pixels.

One rule for every array library, after the layout is known. With ``normalize=True``:

1. all values in [0, 1] → ``trunc(255·x)``;
2. else all in [-1, 1] → ``trunc(127.5·(x + 1))``;
3. else clip to [0, 255] and truncate.

NaN becomes 0 and takes no part in choosing the rule; ±inf go to the ends; booleans are {0, 255};
nothing wraps around. ``value_range=(lo, hi)`` maps that range onto [0, 255] whatever the content;
``normalize=False`` clips to [0, 255] without scaling. The rule is the one that W&B documents for
``Image`` (its releases before 0.29). Products are rounded to the array's own float precision, so
that ``k / 255`` comes back as ``k`` in float16 and bfloat16 as well as in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from filmstrip.errors import OptionError
from filmstrip.media.copying import copy_pixels
from filmstrip.media.pool import POOLED_BYTES, pooled_empty
from filmstrip.record import PixelRuleName

__all__ = ["PixelResult", "apply_pixel_rule", "keep_wide", "to_uint8"]

_BLOCK_BYTES = 256 * 1024
"""Rows are converted in blocks of about this size, so that temporaries stay in the cache."""

_FLOAT32_MAX, _FLOAT32_TINY = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
_FLOAT32_BITS = 24
"""Bits of a float32's significand, the hidden one included."""

_Array = npt.NDArray[Any]


class PixelResult(msgspec.Struct, frozen=True):
    """Pixels, and what was done to get them."""

    pixels: _Array
    """(H, W) or (H, W, C), uint8 or uint16, C-contiguous, owned."""
    rule: PixelRuleName
    low: float
    high: float
    """The values that became the lowest and the highest pixel value."""
    minimum: float | int | None
    maximum: float | int | None
    """Ends of the values that are not NaN; None when there are none."""
    nan_count: int
    clipped: bool
    """True when a value lay outside [low, high]."""
    digest: bytes = b""
    """Of the pixels, where it was taken on the way; see `filmstrip.media.frame.Frame`."""


class _Extent(msgspec.Struct, frozen=True):
    minimum: float | int | None
    maximum: float | int | None
    nan_count: int

    def within(self, low: float, high: float) -> bool:
        return self.minimum is None or (
            self.minimum >= low and self.maximum is not None and self.maximum <= high
        )


def apply_pixel_rule(
    array: _Array,
    *,
    normalize: bool = True,
    value_range: tuple[float, float] | None = None,
    significant_bits: int | None = None,
) -> PixelResult:
    """Return 8-bit pixels of an array of booleans, integers or floats.

    Parameters
    ----------
    array
        (H, W) or (H, W, C), any strides; not changed.
    normalize
        False to clip to [0, 255] without scaling.
    value_range
        ``(lo, hi)``: the values that become 0 and 255; wins over `normalize`.
    significant_bits
        Of a float32 array whose values came from a narrower float: 11 for float16, 8 for bfloat16.

    Raises
    ------
    OptionError
        `value_range` is not two finite numbers, the first the smaller.

    Examples
    --------
    >>> apply_pixel_rule(np.array([[-0.2, 0.6]])).pixels
    array([[102, 204]], dtype=uint8)
    """
    if array.dtype == np.bool_:
        return PixelResult(
            np.multiply(array, np.uint8(255), dtype=np.uint8, order="C"),
            "bool",
            0,
            1,
            *_bool_ends(array),
            0,
            False,
        )
    array, bits = _widened(array, significant_bits)
    if normalize and value_range is None and array.dtype == np.uint8:
        copied = _copied(array)
        if copied.maximum and copied.maximum > 1:  # others are scaled, and there are few
            return copied
    extent = _extent(array)
    if value_range is not None:
        low, high = _checked_range(value_range)
        return _result(_scaled(array, low, high, extent, bits), "range", low, high, extent)
    if normalize and extent.within(0, 1):
        return _result(_scaled(array, 0, 1, extent, bits), "unit", 0, 1, extent)
    if normalize and extent.within(-1, 1):
        return _result(_scaled(array, -1, 1, extent, bits), "signed", -1, 1, extent)
    return _result(_clipped(array, extent), "clip" if normalize else "off", 0, 255, extent)


def _copied(array: npt.NDArray[np.uint8]) -> PixelResult:
    """Return 8-bit values as they are."""
    pixels = pooled_empty(array.shape, np.uint8)
    is_pooled = array.nbytes >= POOLED_BYTES
    if is_pooled and array.flags.c_contiguous and (copied := copy_pixels(array, pixels)):
        ends, digest = (copied.minimum, copied.maximum), copied.digest
    else:
        np.copyto(pixels, array)
        ends, digest = (
            (int(np.minimum.reduce(pixels, None)), int(np.maximum.reduce(pixels, None))),
            b"",
        )
    return PixelResult(pixels, "clip", 0, 255, *ends, 0, False, digest)


def keep_wide(array: _Array) -> PixelResult:
    """Return 16-bit pixels of an integer array, clipped to [0, 65535] and not scaled.

    Examples
    --------
    >>> keep_wide(np.array([[-1, 300, 70000]])).pixels
    array([[    0,   300, 65535]], dtype=uint16)
    """
    extent = _extent(array)
    pixels = np.clip(array, *_int_bounds(array.dtype, 65535)).astype(np.uint16, order="C")
    return _result(pixels, "wide", 0, 65535, extent)


def to_uint8(array: _Array, *, significant_bits: int | None = None) -> npt.NDArray[np.uint8]:
    """Return floats in [0, 1] times 255, integers in [0, 255] as they are, the rest clipped.

    Examples
    --------
    >>> to_uint8(np.array([0.0, 0.5, 1.5])), to_uint8(np.array([-3, 7, 256]))
    (array([  0, 127, 255], dtype=uint8), array([  0,   7, 255], dtype=uint8))
    """
    if array.dtype == np.bool_ or array.size == 0:
        return np.multiply(array, np.uint8(255), dtype=np.uint8, casting="unsafe", order="C")
    flat, bits = _widened(array.reshape(1, -1), significant_bits)
    if flat.dtype.kind == "f":
        return _scaled(flat, 0, 1, _extent(flat), bits).reshape(array.shape)
    return _clipped(flat, _extent(flat)).reshape(array.shape)


def _widened(array: _Array, significant_bits: int | None) -> tuple[_Array, int]:
    """Return the array, and the bits of it that count; float16 as float32, which is much faster."""
    if array.dtype == np.float16:
        return array.astype(np.float32), 11
    return array, significant_bits or _FLOAT32_BITS


def _result(
    pixels: _Array, rule: PixelRuleName, low: float, high: float, extent: _Extent
) -> PixelResult:
    clipped = not extent.within(low, high)
    return PixelResult(
        pixels, rule, low, high, extent.minimum, extent.maximum, extent.nan_count, clipped
    )


def _bool_ends(array: _Array) -> tuple[int, int]:
    return int(array.all()), int(array.any())


def _extent(array: _Array) -> _Extent:
    low, high = array.min(), array.max()
    if array.dtype.kind != "f":
        return _Extent(int(low), int(high), 0)
    if low == low:  # not NaN, so no value is
        return _Extent(float(low), float(high), 0)
    nan_count = int(np.count_nonzero(np.isnan(array)))
    if nan_count == array.size:
        return _Extent(None, None, nan_count)
    return _Extent(
        float(np.fmin.reduce(array, axis=None)), float(np.fmax.reduce(array, axis=None)), nan_count
    )


def _checked_range(value_range: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (low < high and np.isfinite(high - low)):
        raise OptionError(
            "value_range to be (lo, hi), two finite numbers with lo < hi",
            got=repr(value_range),
            fix="pass the values that black and white stand for, such as (0, 1)",
        )
    return low, high


def _scaled(
    array: _Array, low: float, high: float, extent: _Extent, bits: int
) -> npt.NDArray[np.uint8]:
    """Return ``trunc(255·(x - low) / (high - low))``, ends clipped, NaN as 0."""
    pixels = pooled_empty(array.shape, np.uint8)
    is_inside = extent.within(low, high)
    dtype = _work_dtype(array.dtype, low, high)
    for block, target in _blocks(array, pixels):
        unit = block.astype(dtype)
        if not is_inside:
            np.clip(unit, dtype.type(low), dtype.type(high), out=unit)
        if low != 0:
            unit -= dtype.type(low)
        if high - low != 1:
            unit /= dtype.type(high - low)
        unit *= 255
        if bits < _FLOAT32_BITS and dtype == np.float32:
            _round_to_bits(unit, bits)
        if extent.nan_count:
            unit[np.isnan(unit)] = 0
        target[...] = unit.astype(np.uint8)  # the cast truncates
    return pixels


def _work_dtype(dtype: np.dtype[Any], low: float, high: float) -> np.dtype[Any]:
    """Return the float dtype to scale in: the array's own, unless the range is beyond it."""
    own = dtype
    if dtype.kind != "f":
        own = np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
    fits = _FLOAT32_TINY < high - low < _FLOAT32_MAX and max(-low, high) < _FLOAT32_MAX
    return own if fits or own.itemsize > 4 else np.dtype(np.float64)


def _round_to_bits(block: npt.NDArray[np.float32], bits: int) -> None:
    """Round in place to the nearest of so many significant bits.

    IEEE 754 rounds ties to even; here they go up, which no pixel of float16 or bfloat16 shows.
    """
    lost = _FLOAT32_BITS - bits
    words = block.view(np.uint32)
    words += np.uint32(1 << (lost - 1))
    words &= np.uint32(0xFFFFFFFF >> lost << lost)


def _clipped(array: _Array, extent: _Extent) -> npt.NDArray[np.uint8]:
    """Return the values clipped to [0, 255] and truncated, NaN as 0."""
    pixels = pooled_empty(array.shape, np.uint8)
    if array.dtype == np.uint8 and array.flags.c_contiguous:
        np.copyto(pixels, array)
        return pixels
    is_inside = extent.within(0, 255) and not extent.nan_count
    bounds = (0, 255) if array.dtype.kind == "f" else _int_bounds(array.dtype, 255)
    for block, target in _blocks(array, pixels):
        if not is_inside:
            block = np.clip(block, *bounds)  # noqa: PLW2901
            if extent.nan_count:
                block[np.isnan(block)] = 0
        target[...] = block.astype(np.uint8, copy=False)
    return pixels


def _int_bounds(dtype: np.dtype[Any], limit: int) -> tuple[int, int]:
    """Return [0, limit] as far as the integer dtype reaches."""
    info = np.iinfo(dtype)
    return max(0, int(info.min)), min(limit, int(info.max))


def _blocks(array: _Array, pixels: _Array) -> Iterator[tuple[_Array, _Array]]:
    """Yield the rows of both in blocks; channel by channel where the array's memory has them so.

    numpy fills (H, W, 3) from channels-first memory four times faster by channels than at once.
    """
    if array.ndim == 3 and abs(array.strides[2]) > abs(array.strides[1]):
        for channel in range(array.shape[2]):
            yield from _blocks(array[..., channel], pixels[..., channel])
        return
    height = _BLOCK_BYTES * array.shape[0] // max(1, array.nbytes) or 1
    for top in range(0, array.shape[0], height):
        yield array[top : top + height], pixels[top : top + height]
