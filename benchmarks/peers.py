"""The loggers that are compared, and the environment each one runs in."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.workloads import FileType, Workload

OURS: Final = "filmstrip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One logger.

    Attributes
    ----------
    name : str
        Its adapter module, its environment's folder and its requirements file.
    title : str
        Name as its authors write it.
    package : str
        Distribution whose version is shown.
    module : str
        What `import` takes, for the import times.
    has_jpeg : bool
        Whether it can store an array as JPEG.
    is_yardstick : bool
        Whether a goal names it: then it gets every repeat, however slow it is.
    remarks : dict of str to str
        By workload, what its user has to do or gets instead; shown below the tables.
    """

    name: str
    title: str
    package: str
    module: str
    has_jpeg: bool = True
    is_yardstick: bool = False
    remarks: dict[str, str] = field(default_factory=dict, hash=False)

    def reason_to_skip(self, workload: Workload) -> str | None:
        """Say why this logger cannot take part in `workload`, or None when it can."""
        if workload.file_type is FileType.JPEG and not self.has_jpeg:
            return "stores arrays as PNG only"
        return None

    def remark(self, workload: Workload) -> str | None:
        """Return what to know when reading this logger's row of `workload`."""
        return self.remarks.get(workload.name)


_PNG_WORKLOADS: Final = ("photos", "small", "large")
_NO_FLOATS: Final = "takes no float arrays; the user scales to uint8 (counted as held)"
_BLACK_FLOATS: Final = (
    "stores floats in [0, 1] as black; the user scales to uint8 (counted as held)"
)

PEERS: Final = (
    Peer(name=OURS, title="filmstrip", package="filmstrip", module="filmstrip", is_yardstick=True),
    Peer(
        name="wandb",
        title="wandb",
        package="wandb",
        module="wandb",
        is_yardstick=True,
        remarks={"float": _BLACK_FLOATS},
    ),
    Peer(
        name="rerun",
        title="Rerun",
        package="rerun-sdk",
        module="rerun",
        is_yardstick=True,
        remarks={
            **dict.fromkeys(_PNG_WORKLOADS, "keeps raw pixels in compressed chunks, its default"),
            "photos-jpg": "`rr.Image(...).compress()`",
            "float": "keeps the floats as they are, four bytes a value",
        },
    ),
    Peer(
        name="mlflow",
        title="MLflow",
        package="mlflow",
        module="mlflow",
        remarks={
            **dict.fromkeys(_PNG_WORKLOADS, "writes a WebP thumbnail too; its queue has no bound"),
            "photos-jpg": "time-stepped images are PNG only, so these are artifact files",
        },
    ),
    Peer(name="aim", title="Aim", package="aim", module="aim", remarks={"float": _NO_FLOATS}),
    Peer(
        name="swanlab",
        title="SwanLab",
        package="swanlab",
        module="swanlab",
        remarks={
            "large": "writes the file of an image of over 10 MB but drops its record",
            "float": _BLACK_FLOATS,
        },
    ),
    Peer(
        name="tensorboardx",
        title="tensorboardX",
        package="tensorboardX",
        module="tensorboardX",
        has_jpeg=False,
    ),
    Peer(
        name="trackio",
        title="trackio",
        package="trackio",
        module="trackio",
        has_jpeg=False,
        remarks={
            **dict.fromkeys(_PNG_WORKLOADS, "turns every image into RGBA"),
            "float": _NO_FLOATS,
        },
    ),
)


def peer_named(name: str) -> Peer:
    """Return the peer called `name`.

    Raises
    ------
    LookupError
        If there is none.
    """
    for peer in PEERS:
        if peer.name == name:
            return peer
    known = ", ".join(peer.name for peer in PEERS)
    raise LookupError(f"no peer named {name!r}; choose from {known}")


def environment(home: Path, output: Path) -> dict[str, str]:
    """Return the whole environment of a peer's process: nothing of the user's, and no network.

    Parameters
    ----------
    home : Path
        Stands in for the user's home, so that no account, key or cache is found.
    output : Path
        The run's output folder.
    """
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONSAFEPATH": "1",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "DO_NOT_TRACK": "true",
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_DISABLE_GIT": "true",
        "WANDB_DISABLE_CODE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "SWANLAB_MODE": "offline",
        "TRACKIO_DIR": str(output),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TELEMETRY_ENABLED": "false",
    }
