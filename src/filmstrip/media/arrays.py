"""Anything that holds numbers → numpy, without importing the library it comes from.

torch, JAX, TensorFlow and CuPy are recognised by what they offer (``__array__``, DLPack); a tensor
on a GPU is copied to the CPU, one with ``requires_grad`` is detached, bfloat16 and the 8-bit
floats become float32.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from filmstrip.errors import ImageTypeError
from filmstrip.media.layout import Layout

__all__ = ["ArrayInput", "array_from_any", "describe_array", "is_arraylike", "is_torch_tensor"]

_CPU = (1, 0)
"""DLPack's device of type CPU, number 0 (dlpack.h, ``kDLCPU``)."""


@dataclass(frozen=True, slots=True)
class ArrayInput:
    """An array as numpy sees it, and where it came from."""

    array: npt.NDArray[Any]
    """May share memory with the user's array: read it, never keep it."""
    kind: str
    """``numpy``, ``torch`` or ``array``."""
    dtype: str
    """Name of the dtype before any conversion."""
    convention: Layout
    """The axis order that the array's library is used with."""


def is_torch_tensor(value: Any) -> bool:
    """Return whether the value is a torch tensor; never imports torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_arraylike(value: Any) -> bool:
    """Return whether the value offers its numbers through ``__array__`` or DLPack."""
    return isinstance(value, np.ndarray) or (
        not isinstance(value, type)
        and (hasattr(value, "__array__") or hasattr(value, "__dlpack__"))
    )


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
        return ArrayInput(_real(value), "numpy", value.dtype.name, "HWC")
    array = _numpy_from_protocols(value)
    return ArrayInput(_real(array), "array", array.dtype.name, "HWC")


def describe_array(array: npt.NDArray[Any], *, shape: tuple[int, ...] | None = None) -> str:
    """Return shape, dtype and value range for a message.

    Examples
    --------
    >>> describe_array(np.array([[0.5, 2.0]]))
    'shape (1, 2), dtype float64, values 0.5 to 2'
    """
    text = f"shape {tuple(shape or array.shape)}, dtype {array.dtype.name}"
    if not array.size or array.dtype.kind not in "buif":
        return text
    low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    return f"{text}, values {float(low):.6g} to {float(high):.6g}"


def _from_torch(tensor: Any) -> ArrayInput:
    torch = sys.modules["torch"]
    dtype = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach()
    if tensor.is_sparse or tensor.is_quantized or tensor.is_complex():
        raise _dtype_error(f"a {dtype} tensor that is sparse, quantized or complex")
    if (
        tensor.dtype.is_floating_point
        and tensor.element_size() < 4
        and tensor.dtype != torch.float16
    ):
        tensor = tensor.float()
    return ArrayInput(_real(tensor.cpu().numpy()), "torch", dtype, "CHW")


def _numpy_from_protocols(value: Any) -> npt.NDArray[Any]:
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        reason = error
    try:
        return _numpy_from_dlpack(value)
    except (TypeError, ValueError, RuntimeError, BufferError, AttributeError):
        raise ImageTypeError(
            "an array that numpy can read",
            got=f"{type(value).__module__}.{type(value).__name__} ({reason})",
            fix="copy it to the CPU and pass a numpy array",
        ) from None


def _numpy_from_dlpack(value: Any) -> npt.NDArray[Any]:
    """Return the array of a library whose memory may be on a device (CuPy and its kin)."""
    if value.__dlpack_device__() == _CPU:
        return np.from_dlpack(value)
    get = getattr(value, "get", None)  # CuPy before the array API's copy to a device
    return np.asarray(get()) if callable(get) else np.from_dlpack(value, device="cpu")


def _real(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array with a dtype that the pixel rule knows."""
    if array.dtype.kind in "buif" and array.dtype.type.__module__ == "numpy":
        native = array.dtype.newbyteorder("=")
        return array if array.dtype == native else array.astype(native)
    if array.dtype.type.__module__ == "ml_dtypes":  # bfloat16 and the 8-bit floats of JAX
        return array.astype(np.float32)
    raise _dtype_error(describe_array(array))


def _dtype_error(described: str) -> ImageTypeError:
    return ImageTypeError(
        "booleans, integers or real floats",
        got=described,
        fix="convert it to a real number dtype such as uint8 or float32 first",
    )
