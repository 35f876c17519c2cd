"""What the demo hands back: one run, and all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

OnStep: TypeAlias = Callable[[int], None]
"""Called with each step as soon as it was logged."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """One finished run of the demo.

    Parameters
    ----------
    run_id
        Its id in the store.
    run_dir
        Its folder.
    image_count
        How many images it logged.
    """

    run_id: str
    run_dir: Path
    image_count: int


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a call of `run_demo` left behind.

    Parameters
    ----------
    run_ids
        The finished runs, in the order in which they ran; two of each task.
    image_count
        How many images they logged together.
    elapsed_secs
        Wall time from the call to the end of the last run, in seconds.
    store_path
        The store they are in.
    """

    run_ids: tuple[str, ...]
    image_count: int
    elapsed_secs: float
    store_path: Path
