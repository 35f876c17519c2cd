"""Native: what is compiled, because it goes over every byte of a picture, and how it is called.

``hatch_build.py`` compiles the C files beside this one into one library that needs no other. A
package built without it does the same with numpy and isal, slower.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["LIBRARY_PATH", "function_named"]

LIBRARY_PATH = Path(__file__).with_name("libfilmstrip.so")


@functools.cache
def function_named(
    name: str, parameters: Sequence[Any], result: Any = None
) -> Callable[..., Any] | None:
    """Return a compiled function, None where the package has none for this machine.

    Parameters
    ----------
    name
        As in C, without ``filmstrip_``.
    parameters, result
        Types of `ctypes`. While the function runs others have the interpreter lock.

    Examples
    --------
    >>> function_named("fold_paper", ()) is None
    True
    """
    library = _library()
    function = None if library is None else getattr(library, f"filmstrip_{name}", None)
    if function is not None:
        function.argtypes, function.restype = parameters, result
    return function


@functools.cache
def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(LIBRARY_PATH))
    except OSError:
        return None
