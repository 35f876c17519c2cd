"""Notebooks: pictures and runs show themselves in a cell, and the viewer opens in one.

Pixels are loaded when something is shown, never before. The viewer runs in a child process, which
ends with this one.
"""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from filmstrip.colors import color_of, color_of_label, ink_on, is_background
from filmstrip.errors import FilmstripError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.media.image import Image
    from filmstrip.media.masks import ImageMask
    from filmstrip.store import LoggedImage, StoredRun
    from filmstrip.viewer_process import ViewerProcess

__all__ = ["RunInNotebook", "ViewerFrame", "image_html", "image_png"]

_MAX_SIDE_PX = 2048
_MIN_SHOWN_PX = 160
"""Smaller pictures are shown enlarged, in whole squares."""
_THUMBNAIL_PX = 112
_MAX_KEYS, _MAX_THUMBNAILS = 12, 6
_MAX_LABELS = 40
_MUTED = "opacity:.65"
_CARD = "font:13px/1.45 system-ui,sans-serif;margin:4px 0"


def image_png(image: Image | LoggedImage) -> bytes:
    """Return the picture with its overlays drawn, as PNG of at most 2048 pixels a side.

    Raises
    ------
    DamagedError
        Stored bytes are not those that were written.
    """
    return _png(_drawn(image, _MAX_SIDE_PX))


def image_html(image: Image | LoggedImage) -> str:
    """Return the picture with its overlays, caption and classes; all texts are escaped."""
    try:
        picture = _drawn(image, _MAX_SIDE_PX)
    except (FilmstripError, OSError) as error:
        return f'<div style="{_CARD}">{_escaped(repr(image))}<br>{_escaped(str(error))}</div>'
    caption = f"<div>{_escaped(image.caption)}</div>" if image.caption else ""
    return (
        f'<figure style="{_CARD}">{_img(picture, _MIN_SHOWN_PX)}'
        f"<figcaption>{caption}{_legend(image)}"
        f'<div style="{_MUTED}">{_escaped(_facts(image))}</div></figcaption></figure>'
    )


class _Placed(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def dir(self) -> Path: ...


class RunInNotebook:
    """What a run shows in a notebook: its newest pictures, and the viewer."""

    __slots__ = ()

    def view(self: _Placed, *, height: int = 640) -> ViewerFrame:
        """Return the viewer on this run, which a notebook shows as the result of its cell.

        It is served from a process of its own, on this machine only, until this one ends.

        Parameters
        ----------
        height
            Of the frame, in pixels.

        Raises
        ------
        ViewerError
            The viewer did not start.
        """
        from filmstrip.viewer_process import viewer_of

        return ViewerFrame(viewer_of(self.dir.parent.parent), f"?runs={quote(self.id)}", height)

    def _repr_html_(self: _Placed) -> str:
        from filmstrip.store import StoredRun

        if self.dir.name != self.id or not self.dir.is_dir():  # a run that stores nothing
            return f'<div style="{_CARD}">{_escaped(repr(self))}</div>'
        return _run_html(StoredRun(self.dir))


class ViewerFrame:
    """The viewer, as a notebook shows it.

    Parameters
    ----------
    process
        What serves it.
    query
        The state that the page opens in.
    height
        Of the frame, in pixels.
    """

    __slots__ = ("_height", "_process", "_query")

    def __init__(self, process: ViewerProcess, query: str, height: int) -> None:
        self._process, self._query, self._height = process, query, height

    @property
    def url(self) -> str:
        """Address of the page, for a tab of its own."""
        return self._process.url + self._query

    def close(self) -> None:
        """Stop serving; frames of the same store go dark with it."""
        self._process.close()

    def _repr_html_(self) -> str:
        url = _escaped(self.url)
        return (
            f'<iframe src="{url}" title="filmstrip" width="100%" height="{int(self._height)}" '
            'style="border:0;border-radius:6px"></iframe>'
            f'<div style="{_CARD}"><a href="{url}" target="_blank" rel="noopener">{url}</a></div>'
        )

    def __repr__(self) -> str:
        return f"ViewerFrame({self.url!r})"


def _run_html(run: StoredRun) -> str:
    info = run.info
    head = (
        f"<div><b>{_escaped(info.name)}</b> "
        f'<span style="{_MUTED}">{_escaped(info.project)} · {_escaped(run.state)} · '
        f"{_escaped(str(run.dir))}</span></div>"
    )
    keys = run.keys()
    rows = "".join(_key_html(run, key) for key in keys[:_MAX_KEYS])
    more = len(keys) - _MAX_KEYS
    rest = f'<div style="{_MUTED}">and {more} more keys</div>' if more > 0 else ""
    return f'<div style="{_CARD}">{head}{rows or "<div>No images yet.</div>"}{rest}</div>'


def _key_html(run: StoredRun, key: str) -> str:
    steps = run.steps(key)
    images = run.images(key, steps[-1])
    pictures = "".join(_thumbnail(image) for image in images[:_MAX_THUMBNAILS])
    more = f"; {len(images) - _MAX_THUMBNAILS} more images" if len(images) > _MAX_THUMBNAILS else ""
    place = f"step {steps[-1]}" + (f", the newest of {len(steps)}" if len(steps) > 1 else "")
    return (
        f'<div style="margin:8px 0 2px">{_escaped(key)} <span style="{_MUTED}">'
        f"{place}{more}</span></div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:6px">{pictures}</div>'
    )


def _thumbnail(image: LoggedImage) -> str:
    try:
        return _img(_drawn(image, _THUMBNAIL_PX), _THUMBNAIL_PX, title=image.caption or "")
    except (FilmstripError, OSError) as error:
        return f"<span>{_escaped(str(error))}</span>"


def _drawn(image: Image | LoggedImage, max_side: int) -> PILImage:
    """Return the picture with its overlays, reduced to a longest side."""
    import PIL.Image

    from filmstrip.draw import draw_overlays

    picture = draw_overlays(image)
    longest = max(picture.size)
    if longest <= max_side:
        return picture
    width, height = (max(1, round(side * max_side / longest)) for side in picture.size)
    return picture.resize((width, height), PIL.Image.Resampling.BOX, reducing_gap=2.0)


def _png(picture: PILImage) -> bytes:
    import numpy as np

    from filmstrip.codec import encode_png

    return encode_png(np.asarray(picture))


def _img(picture: PILImage, min_side: int, *, title: str = "") -> str:
    factor = max(1, min_side // max(picture.size))
    width, height = (side * factor for side in picture.size)
    sharp = "image-rendering:pixelated;" if factor > 1 else ""
    data = base64.b64encode(_png(picture)).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{_escaped(title)}" title="{_escaped(title)}" '
        f'style="{sharp}max-width:100%;height:auto;border-radius:3px">'
    )


def _legend(image: Image | LoggedImage) -> str:
    """Return the classes of all layers, each in its colour."""
    colors: dict[str, str] = {}
    layers: list[BoundingBoxes2D | ImageMask] = [*image.masks.values(), *image.boxes.values()]
    for layer in layers:
        given = {label.name: color_of_label(label) for label in layer.labels}
        backgrounds = {label.name for label in layer.labels if is_background(label.id, label)}
        for name in layer.class_labels.values():
            if name in backgrounds:
                continue
            colors.setdefault(name, given.get(name, color_of(name)))
    shown = list(colors.items())[:_MAX_LABELS]
    chips = "".join(
        f'<span style="background:{color};color:{ink_on(color)};padding:0 5px;border-radius:3px;'
        f'margin-right:4px;display:inline-block">{_escaped(name)}</span>'
        for name, color in shown
    )
    more = f"and {len(colors) - len(shown)} more" if len(colors) > len(shown) else ""
    return f'<div style="margin:3px 0">{chips}{more}</div>' if chips else ""


def _facts(image: Image | LoggedImage) -> str:
    step = getattr(image, "step", None)
    place = f"{getattr(image, 'key', '')}, step {step}, " if step is not None else ""
    return f"{place}{image.width} × {image.height} {image.mode}, {image.format}"


def _escaped(text: Any) -> str:
    return html.escape(str(text), quote=True)
