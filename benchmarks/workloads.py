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
    paced_steps : int
        Steps of the separate pass with a pause between steps; 0 for none.
    """

    name: str
    title: str
    source: str
    count: int
    per_step: int
    file_type: FileType = FileType.PNG
    pixels: Pixels = Pixels.UINT8
    log_budget_secs: float = 30.0
    paced_steps: int = 0

    @property
    def steps(self) -> int:
        """Number of steps of one run; the last one may be short."""
        return -(-self.count // self.per_step)

    def cut_to(self, count: int) -> "Workload":
        """Return the same workload with at most `count` images and fewer paced steps."""
        count = min(count, self.count)
        return replace(self, count=count, paced_steps=min(self.paced_steps, 2))


PACE_SECS: Final = 0.050
"""Pause between two steps of the paced pass: the rest of a training step."""

JPEG_QUALITY: Final = 75
"""Pillow's default, which wandb and SwanLab cannot change; the others are set to it."""

WORKLOADS: Final = (
    Workload(
        name="photos",
        title="photos 512×512 RGB, PNG, 8 a step",
        source="photos",
        count=200,
        per_step=8,
        paced_steps=10,
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
        log_budget_secs=12.0,
        paced_steps=10,
    ),
    Workload(
        name="large",
        title="4096×4096 RGB, PNG, 1 a step",
        source="large",
        count=20,
        per_step=1,
        log_budget_secs=10.0,
    ),
    Workload(
        name="float",
        title="float32 512×512×3 in [0, 1], PNG, 8 a step",
        source="photos",
        count=96,
        per_step=8,
        pixels=Pixels.FLOAT32,
        paced_steps=5,
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
