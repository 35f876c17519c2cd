"""Copying: pixels that need no arithmetic, with all that is to be known of them in one go.

The compiled code of ``native/pixels.c`` takes half of the time of numpy and xxhash, which read the
pixels three times more.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filmstrip.media.frame import DIGEST_SEED
from filmstrip.native import function_named

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Copied", "copy_pixels"]

SMALLEST_BYTES = 241
"""XXH3 is another for fewer bytes."""

_ALIGNMENT = 32

# Of the specification of XXH3: the secret that a seed is added to.
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


class _Facts(ctypes.Structure):
    """``struct facts`` of ``pixels.c``."""

    _fields_ = (
        ("low", ctypes.c_uint64),
        ("high", ctypes.c_uint64),
        ("minimum", ctypes.c_uint8),
        ("maximum", ctypes.c_uint8),
    )


@dataclass(frozen=True, slots=True)
class Copied:
    """What is known of pixels that were copied."""

    minimum: int
    maximum: int
    digest: bytes
    """`filmstrip.media.frame.digest_of` them."""


def copy_pixels(source: npt.NDArray[np.uint8], target: npt.NDArray[np.uint8]) -> Copied | None:
    """Copy pixels past the cache, to where nobody reads them soon.

    Parameters
    ----------
    source, target
        uint8 arrays of one size, C-contiguous.

    Returns
    -------
    Copied or None
        None when nothing was copied: there is no compiled code for this machine, the target does
        not lie on a multiple of 32 bytes, or there are too few bytes.

    Examples
    --------
    >>> import numpy as np
    >>> source = np.arange(16, dtype=np.uint8)
    >>> copy_pixels(source, np.empty_like(source)) is None
    True
    """
    function = function_named("copy_pixels", _PARAMETERS)
    address = target.ctypes.data
    if function is None or address % _ALIGNMENT or source.nbytes < SMALLEST_BYTES:
        return None
    facts = _Facts()
    function(source.ctypes.data, address, source.nbytes, _SEEDED_SECRET, facts)
    return Copied(facts.minimum, facts.maximum, struct.pack(">QQ", facts.high, facts.low))


def _seeded(secret: bytes, seed: int) -> bytes:
    """Return the secret of a seed: it is added to every second word, and taken from the others."""
    words = struct.unpack("<24Q", secret)
    mixed = [(word - seed if i % 2 else word + seed) % 2**64 for i, word in enumerate(words)]
    return struct.pack("<24Q", *mixed)


_SEEDED_SECRET = _seeded(_SECRET, DIGEST_SEED)

_PARAMETERS = (
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_char_p,
    ctypes.POINTER(_Facts),
)
