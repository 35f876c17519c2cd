"""Anything that holds numbers → numpy, without importing the library it comes from.

torch, JAX, TensorFlow and CuPy are recognised by what they offer (``__array__``, DLPack); a tensor
on a GPU is copied to the CPU, one with ``requires_grad`` is detached, bfloat16 and the 8-bit floats
become float32.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from filmstrip.errors import ImageTypeError
from filmstrip.media.layout import Layout

__all__ = ["ArrayInput", "array_from_any", "describe_array", "is_arraylike", "is_torch_tensor"]

_UNREADABLE = (TypeError, ValueError, RuntimeError, BufferError, AttributeError)
"""What array libraries are known to raise when numpy may not read their values."""

_SIGNIFICANT_BITS = {"float16": 11, "bfloat16": 8}
"""Of the narrow floats whose products are rounded to their own precision, not to float32's."""

_CPU = (1, 0)
"""DLPack's device of type CPU, number 0 (dlpack.h, ``kDLCPU``)."""


class ArrayInput(msgspec.Struct, frozen=True):
    """An array as numpy sees it, and where it came from."""

    array: npt.NDArray[Any]
    """May share memory with the user's array: read it, never keep it."""
    kind: str
    """``numpy``, ``torch`` or ``array``."""
    dtype: str
    """Name of the dtype before any conversion."""
    convention: Layout
    """The axis order that the array's library is used with."""

    @property
    def significant_bits(self) -> int | None:
        """Bits of a float that was narrower than the array's dtype, else None."""
        return _SIGNIFICANT_BITS.get(self.dtype)

    def describe(self) -> str:
        """Return shape, dtype and value range for a message."""
        return describe_array(self.array, dtype=self.dtype)


def is_torch_tensor(value: Any) -> bool:
    """Return whether the value is a torch tensor; never imports torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_arraylike(value: Any) -> bool:
    """Return whether the value offers its numbers through ``__array__`` or DLPack."""
    if isinstance(value, np.ndarray):
        return True
    if isinstance(value, (type, str, bytes)):  # numpy's own texts have __array__ and are paths
        return False
    return hasattr(value, "__array__") or hasattr(value, "__dlpack__")


def array_from_any(value: Any) -> ArrayInput:
    """Return the numbers of any array or tensor.

    Raises
    ------
    ImageTypeError
        The dtype is none of booleans, integers and real floats, or the array cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> array_from_any(np.zeros((2, 3), np.float16)).dtype
    'float16'
    """
    if is_torch_tensor(value):
        return _from_torch(value)
    if isinstance(value, np.ndarray):
        array = value if type(value) is np.ndarray else np.asarray(value)
        return ArrayInput(_real(array), "numpy", _dtype_name(array.dtype), "HWC")
    array = _numpy_from_protocols(value)
    return ArrayInput(_real(array), "array", _dtype_name(array.dtype), "HWC")


def describe_array(array: npt.NDArray[Any], *, dtype: str | None = None) -> str:
    """Return shape, dtype and value range for a message.

    Examples
    --------
    >>> describe_array(np.array([[0.5, 2.0]]))
    'shape (1, 2), dtype float64, values 0.5 to 2'
    """
    text = f"shape {array.shape}, dtype {dtype or array.dtype.name}"
    if not array.size or array.dtype.kind not in "buif":
        return text
    low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    return f"{text}, values {float(low):.6g} to {float(high):.6g}"


def _from_torch(tensor: Any) -> ArrayInput:
    torch = sys.modules["torch"]
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.layout != torch.strided or tensor.is_quantized:
        is_sparse = tensor.layout != torch.strided
        raise ImageTypeError(
            "a dense tensor",
            got=f"{_describe_tensor(tensor)} that is {'sparse' if is_sparse else 'quantized'}",
            fix=f"call its {'to_dense' if is_sparse else 'dequantize'}() first",
        )
    if tensor.is_complex():
        raise _dtype_error(_describe_tensor(tensor))
    try:
        if tensor.is_floating_point() and tensor.element_size() < 4:
            tensor = tensor.detach().cpu().float()
        array = tensor.numpy(force=True)  # detached, on the CPU
    except _UNREADABLE as error:
        raise _unreadable(f"{_describe_tensor(tensor)} on {tensor.device}", error) from error
    return ArrayInput(_real(array), "torch", dtype, "CHW")


def _describe_tensor(tensor: Any) -> str:
    return f"a {str(tensor.dtype).removeprefix('torch.')} tensor of shape {tuple(tensor.shape)}"


def _numpy_from_protocols(value: Any) -> npt.NDArray[Any]:
    """Return the values by ``__array__`` or else DLPack; those of a list by numpy itself."""
    reason: Exception | None = None
    if hasattr(value, "__array__") or not hasattr(value, "__dlpack__"):
        try:
            return np.asarray(value)
        except _UNREADABLE as error:
            reason = error
    try:
        return _numpy_from_dlpack(value)
    except _UNREADABLE as error:
        reason = reason or error
    raise _unreadable(f"{type(value).__module__}.{type(value).__name__}", reason) from reason


def _unreadable(described: str, reason: Exception) -> ImageTypeError:
    return ImageTypeError(
        "an array that numpy can read",
        got=f"{described} ({reason})",
        fix="copy it to the CPU and pass a numpy array",
    )


def _numpy_from_dlpack(value: Any) -> npt.NDArray[Any]:
    """Return the array of a library whose memory may be on a device (CuPy and its kin)."""
    if value.__dlpack_device__() == _CPU:
        return np.from_dlpack(value)
    get = getattr(value, "get", None)  # CuPy before the array API's copy to a device
    return np.asarray(get()) if callable(get) else np.from_dlpack(value, device="cpu")


@lru_cache(maxsize=64)
def _dtype_name(dtype: np.dtype[Any]) -> str:
    """Return the dtype's name; numpy takes longer to spell it than to copy a small picture."""
    return dtype.name


def _real(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array with a dtype that the pixel rule knows, in native byte order."""
    dtype = array.dtype
    if dtype.type.__module__ == "ml_dtypes":  # bfloat16 and the narrower numbers of JAX
        return array.astype(np.float32)
    if dtype.kind not in "buif" or dtype.type.__module__ != "numpy":
        raise _dtype_error(describe_array(array))
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def _dtype_error(described: str) -> ImageTypeError:
    return ImageTypeError(
        "booleans, integers or real floats",
        got=described,
        fix="convert it to a real number dtype such as uint8 or float32 first",
    )
