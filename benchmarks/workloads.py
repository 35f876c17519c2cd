"""What is logged: the five workloads, their sizes, and how long a slow logger may take.

Standard library only, because the runner imports this module inside every peer's environment.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final


class FileType(str, Enum):
    """The file type that a workload asks the logger for."""

    PNG = "png"
    JPEG = "jpg"


class Pixels(str, Enum):
    """How the pixels are handed to the logger."""

    UINT8 = "uint8"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One set of images and the way it is logged.

    Attributes
    ----------
    name : str
        Short name, as on the command line.
    title : str
        One line for tables and pictures.
    source : str
        Stem of the ``.npy`` file that holds the pixels, uint8, (n, H, W) or (n, H, W, 3).
    count : int
        Images in one run.
    per_step : int
        Images handed over in one training step.
    file_type : FileType
        PNG (lossless) or JPEG.
    pixels : Pixels
        ``float32`` means values in [0, 1], made from the uint8 pixels before the clock starts.
    log_budget_secs : float
        A logger that has held its caller this long logs no further steps; its rates are those of
        the images it did log.
    pace_secs : float
        Pause between two steps of the paced pass, long enough that encoders keep up; 0 for no such
        pass.
    paced_secs : float
        How long the paced pass goes on, pauses included.
    is_paced_for_all : bool
        False when only the yardsticks take the paced pass, because an image takes others seconds.
    has_singles : bool
        Whether there is a third pass for the yardsticks, paced as well, with one image a step.
    """

    name: str
    title: str
    source: str
    count: int
    per_step: int
    file_type: FileType = FileType.PNG
    pixels: Pixels = Pixels.UINT8
    log_budget_secs: float = 30.0
    pace_secs: float = 0.0
    paced_secs: float = 4.0
    is_paced_for_all: bool = True
    has_singles: bool = False

    @property
    def steps(self) -> int:
        """Number of steps of one run; the last one may be short."""
        return -(-self.count // self.per_step)

    def cut_to(self, count: int) -> "Workload":
        """Return the same workload with at most `count` images and a short paced pass."""
        return replace(self, count=min(count, self.count), paced_secs=min(self.paced_secs, 0.5))

    @property
    def as_singles(self) -> "Workload":
        """The same images at the same rate, one a step."""
        return replace(self, per_step=1, pace_secs=self.pace_secs / self.per_step)


SETTLE_SECS: Final = 1.0
"""Pause between opening a run and the first log call, in which a training script loads its model;
it is not counted, but what a logger starts in the background may use it."""

JPEG_QUALITY: Final = 75
"""Pillow's default, which wandb and SwanLab cannot change; the others are set to it."""

WORKLOADS: Final = (
    Workload(
        name="photos",
        title="photos 512×512 RGB, PNG, 8 a step",
        source="photos",
        count=200,
        per_step=8,
        pace_secs=0.050,
        paced_secs=8.0,
        has_singles=True,
    ),
    Workload(
        name="photos-jpg",
        title="photos 512×512 RGB, JPEG, 8 a step",
        source="photos",
        count=200,
        per_step=8,
        file_type=FileType.JPEG,
    ),
    Workload(
        name="small",
        title="gray 28×28, PNG, 64 a step",
        source="small",
        count=4000,
        per_step=64,
        log_budget_secs=8.0,
        pace_secs=0.050,
        paced_secs=3.0,
    ),
    Workload(
        name="large",
        title="4096×4096 RGB, PNG, 1 a step",
        source="large",
        count=12,
        per_step=1,
        log_budget_secs=10.0,
        pace_secs=1.0,
        paced_secs=8.0,
        is_paced_for_all=False,
    ),
    Workload(
        name="float",
        title="float32 512×512×3 in [0, 1], PNG, 8 a step",
        source="photos",
        count=64,
        per_step=8,
        pixels=Pixels.FLOAT32,
        pace_secs=0.050,
    ),
)

QUICK_COUNTS: Final = {"photos": 24, "photos-jpg": 24, "small": 512, "large": 1, "float": 16}


def workload_named(name: str) -> Workload:
    """Return the workload called `name`.

    Raises
    ------
    LookupError
        If there is none.
    """
    for workload in WORKLOADS:
        if workload.name == name:
            return workload
    known = ", ".join(workload.name for workload in WORKLOADS)
    raise LookupError(f"no workload named {name!r}; choose from {known}")
