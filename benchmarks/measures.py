"""What one process measured, and what it was asked to do: the two messages between processes.

Standard library only: the runner writes these inside a peer's environment, the driver reads them.
"""

from dataclasses import dataclass
from enum import Enum


class Pass(str, Enum):
    """Which loop the runner runs."""

    FLAT_OUT = "flat out"
    PACED = "paced"
    SINGLES = "paced, one image a step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of one logger over one workload.

    Attributes
    ----------
    peer : str
        Name of the adapter module.
    workload : str
        Name of the workload.
    count : int
        Images to load, and to log flat out; a paced pass goes round them.
    pass_ : Pass
        Steps one after the other, or with a pause between them.
    paced_secs : float
        How long a paced pass goes on.
    times_copies : bool
        Whether to time plain copies of the same arrays before the first log call.
    pixels_path : str
        The ``.npy`` file with the pixels.
    folder : str
        Empty folder that takes all output.
    """

    peer: str
    workload: str
    count: int
    pass_: Pass
    paced_secs: float
    times_copies: bool
    pixels_path: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What the runner measured in its own process.

    Attributes
    ----------
    images_logged : int
        Images handed to the logger; fewer than asked for when its time was up.
    images_stored : int or None
        Images found in the logger's own store afterwards; None where it cannot be counted.
    held_ms : tuple of float
        For each step, milliseconds an image held the caller (image object and log call).
    copy_ms : tuple of float
        For each step, milliseconds an image that ``np.copyto`` into warm memory took; empty where
        that was not asked for.
    total_secs : float
        From the first log call to the end of the close call.
    cpu_secs : float
        User and system time of the process tree over the same span.
    rss_start_bytes : int
        Resident memory of the process tree just before the first log call, images included; pages
        that processes share count once.
    rss_peak_bytes : int
        High-water mark of the runner's own process since then, without its children.
    size_bytes : int
        Lengths of all files in the output folder once the logger is closed, hard links once.
    files : int
        Names in the output folder that are no folders.
    """

    images_logged: int
    images_stored: int | None
    held_ms: tuple[float, ...]
    copy_ms: tuple[float, ...]
    total_secs: float
    cpu_secs: float
    rss_start_bytes: int
    rss_peak_bytes: int
    size_bytes: int
    files: int
