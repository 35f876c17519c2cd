"""`export_run`: a run's pictures in a format that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from filmstrip.errors import ExportError, OptionError
from filmstrip.export.coco import write_coco
from filmstrip.export.files import write_files, write_zip
from filmstrip.export.gif import write_gifs
from filmstrip.export.mp4 import write_mp4s
from filmstrip.export.page import write_html
from filmstrip.export.request import ExportRequest, Tally
from filmstrip.export.summary import ExportSummary
from filmstrip.export.target import check_target, staged
from filmstrip.export.webdataset import write_webdataset
from filmstrip.export.yolo import write_yolo
from filmstrip.shard.append import SHARD_BYTES

if TYPE_CHECKING:
    from filmstrip.export.steps import StepSelection
    from filmstrip.store import LoggedImage, StoredRun

__all__ = ["FORMATS", "Format", "export_run"]

_MIN_FPS, _MAX_FPS = 0.1, 240

_Write: TypeAlias = Callable[[ExportRequest, Path, Tally], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to export."""

    name: str
    summary: str
    """What it writes, in a line."""
    write: _Write
    """Writes to a path that is staged."""
    ending: str = ""
    """Ending of a target that is one file; empty for formats that are always a folder."""
    is_always_file: bool = False
    takes_overlays: bool = True


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format(name="files", summary="a folder of pictures as they are stored", write=write_files),
        Format(
            name="zip",
            summary="the same in one .zip",
            write=write_zip,
            ending=".zip",
            is_always_file=True,
        ),
        Format(
            name="html",
            summary="one page that opens from disk, with overlays, slider and compare",
            write=write_html,
            ending=".html",
            is_always_file=True,
        ),
        Format(name="gif", summary="a GIF a series of pictures", write=write_gifs, ending=".gif"),
        Format(name="mp4", summary="a video a series of pictures", write=write_mp4s, ending=".mp4"),
        Format(
            name="webdataset", summary="tars with every picture in full", write=write_webdataset
        ),
        Format(name="coco", summary="COCO boxes and masks", write=write_coco, takes_overlays=False),
        Format(name="yolo", summary="YOLO boxes", write=write_yolo, takes_overlays=False),
    )
}
"""By name."""


def export_run(
    run: StoredRun,
    target: Path,
    *,
    format: str,
    keys: Iterable[str] | None = None,
    steps: StepSelection | None = None,
    overlays: bool = False,
    fps: float = 8.0,
    overwrite: bool = False,
    shard_bytes: int = SHARD_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> ExportSummary:
    """Write pictures of a run in another format.

    Nothing stands at `target` until all of it is written. A picture that cannot be read is left out
    and named in the summary.

    Parameters
    ----------
    run
        The run, from `filmstrip.open`.
    target
        The folder to write; for ``zip`` and ``html`` the file; for ``gif`` and ``mp4`` the file
        when its name ends so and one key with one picture a step is selected.
    format
        A name in `FORMATS`: ``files``, ``zip``, ``html``, ``gif``, ``mp4``, ``webdataset``,
        ``coco`` or ``yolo``.
    keys
        Only these; all by default.
    steps
        Only these, from `parse_steps`; all by default.
    overlays
        Whether masks and boxes are drawn on the pictures; not for ``coco`` and ``yolo``.
    fps
        Frames per second of ``gif`` (at most 50) and ``mp4``.
    overwrite
        Whether files of the same name may be replaced. Other files in `target` always stay.
    shard_bytes
        Size at which ``webdataset`` begins another tar.
    progress
        Called after each picture with how many are done and how many there are.

    Raises
    ------
    OptionError
        There is no such format, it draws no overlays, or `fps` is out of its range.
    KeyNotFoundError
        The run has no images under one of `keys`.
    ExportError
        Nothing is selected, the target cannot be used, or the format cannot hold what is selected.
    MissingDependencyError
        ``mp4`` without PyAV.
    OSError
        The target cannot be written.

    Examples
    --------
    >>> import filmstrip, numpy as np, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with filmstrip.init(dir=folder / "store", id="r1") as run:
    ...     run.log({"eyes": filmstrip.Image(np.eye(2))}, step=3)
    >>> stored = filmstrip.open(folder / "store").run("r1")
    >>> summary = export_run(stored, folder / "out", format="files")
    >>> summary.images, sorted(file.name for file in summary.path.rglob("*.*"))
    (1, ['3-0.json', '3-0.png', 'index.csv', 'index.json'])
    """
    chosen = _checked_format(format, overlays=overlays, fps=fps)
    images = _selected(run, keys, steps)
    target = Path(target)
    is_file = chosen.is_always_file or (
        bool(chosen.ending) and target.suffix.lower() == chosen.ending and not target.is_dir()
    )
    place = check_target(target, is_file=is_file, overwrite=overwrite, runs_dir=run.dir.parent)
    request = ExportRequest(
        run=run,
        images=images,
        is_file=is_file,
        overlays=overlays,
        fps=fps,
        shard_bytes=shard_bytes,
    )
    tally = Tally(len(images), progress)
    with staged(place) as path:
        chosen.write(request, path, tally)
        written = [path] if is_file else [file for file in path.rglob("*") if file.is_file()]
        size_bytes = sum(file.stat().st_size for file in written)
    return ExportSummary(
        path=place.path,
        files=len(written),
        images=tally.images,
        size_bytes=size_bytes,
        skipped=tuple(tally.skipped),
        num_boxes_left_out=tally.num_boxes_left_out,
    )


def _checked_format(name: str, *, overlays: bool, fps: float) -> Format:
    chosen = FORMATS.get(name)
    if chosen is None:
        raise OptionError(
            f"format to be one of {', '.join(FORMATS)}", got=repr(name), fix="pick one of them"
        )
    if overlays and not chosen.takes_overlays:
        raise OptionError(
            f"overlays left out for {name}, whose pictures are to be trained on",
            got="overlays",
            fix="export files, zip, html, gif, mp4 or webdataset",
        )
    if not _MIN_FPS <= fps <= _MAX_FPS:
        raise OptionError(
            f"fps from {_MIN_FPS} to {_MAX_FPS}", got=repr(fps), fix="leave it out for 8"
        )
    return chosen


def _selected(
    run: StoredRun, keys: Iterable[str] | None, steps: StepSelection | None
) -> tuple[LoggedImage, ...]:
    """Return the pictures by key, step and index.

    Raises
    ------
    KeyNotFoundError
        The run has no images under a key.
    ExportError
        There is none to export.
    """
    wanted = run.keys() if keys is None else list(dict.fromkeys(keys))
    if not wanted:
        raise ExportError("a run with images", got=f"none in run {run.id}", fix="pick another run")
    images: list[LoggedImage] = []
    seen: set[int] = set()
    for key in wanted:
        available = run.steps(key)
        seen.update(available)
        images += run.images(key, None if steps is None else steps.choose(available))
    if not images:
        raise ExportError(
            f"steps with images, which are between {min(seen)} and {max(seen)}",
            got=repr(steps.text) if steps else "none",
            fix="select other steps",
        )
    return tuple(images)
