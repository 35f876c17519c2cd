"""MP4: H.264 that browsers, phones and slide shows play: yuv420p, even sides, BT.709."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from filmstrip.errors import ExportError, MissingDependencyError
from filmstrip.export.animation import Frames, write_animations
from filmstrip.export.request import ExportRequest, Tally

__all__ = ["MAX_SIDE", "write_mp4s"]

MAX_SIDE = 8192
"""Longest side in pixels: H.264 level 6.2 ends there, and many players long before."""

_CRF = "17"
"""x264's quality scale: about where a difference to the source can no longer be seen."""
_BT709 = 1
"""Colour primaries, transfer and matrix of ITU-R BT.709, as ITU-T H.273 numbers all three."""
_LIMITED_RANGE = 1


def write_mp4s(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write an MP4 a key and index; see `write_animations`.

    Raises
    ------
    MissingDependencyError
        PyAV is not installed.
    ExportError
        A side is too long for H.264, or as `write_animations`.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingDependencyError("av", purpose="mp4 export", extra="video") from None
    write_animations(request, staged, tally, ending="mp4", write=_write)


def _write(frames: Frames, path: Path) -> None:
    import av

    if max(frames.width, frames.height) > MAX_SIDE:
        raise ExportError(
            f"sides of at most {MAX_SIDE} pixels for mp4",
            got=f"width {frames.width} and height {frames.height}",
            fix="export gif or files",
        )
    # faststart: the index comes first, so that a browser plays while it loads.
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(frames.fps).limit_denominator(1001))
        pad = ((0, frames.height % 2), (0, frames.width % 2), (0, 0))
        stream.width, stream.height = frames.width + pad[1][1], frames.height + pad[0][1]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": _CRF, "preset": "medium"}
        _tag_colors(stream.codec_context)
        for picture in frames.pictures:
            # The last column and row are doubled where a side is odd.
            pixels = np.pad(np.asarray(picture), pad, mode="edge")
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(_yuv(frame)))
        container.mux(stream.encode(None))


def _tag_colors(context: Any) -> None:
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED_RANGE


def _yuv(frame: Any) -> Any:
    from av.video.reformatter import ColorRange, Colorspace

    return frame.reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
