"""HTML: one file that opens from disk and shows its pictures as the viewer does.

Everything is in the file: script and style as the viewer's sources make them, the records as JSON,
pictures and masks as base64. Records and files stand in elements that browsers do not run, with
``<`` escaped, so that no caption or key can end its element; and the page's own policy lets no
script run but the one whose checksum it names.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import numpy as np

from filmstrip.codec import encode_png
from filmstrip.draw import display_rgb
from filmstrip.errors import ExportError
from filmstrip.export.request import ExportRequest, Tally
from filmstrip.export.samples import read_sample
from filmstrip.freeform import to_json_value
from filmstrip.record import ImageRecord, decode_record

if TYPE_CHECKING:
    from filmstrip.store import LoggedImage

__all__ = ["STATIC_DIR", "PageItem", "write_html"]

STATIC_DIR = Path(__file__).with_name("static")
"""Where ``page.js`` and ``page.css`` are built to."""

_SHOWN_FORMATS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "avif": "image/avif",
}
"""What every browser decodes."""


class PageItem(msgspec.Struct, frozen=True, kw_only=True):
    """One picture, as the server would send it."""

    id: str
    run_id: str
    key: str
    step: int
    index: int
    digest: str
    record: ImageRecord
    mask_digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class _File:
    """A stored file, or one to look at in its stead."""

    kind: str
    """``digest`` or ``display``."""
    digest: str
    """Of the stored file."""
    data: bytes
    media_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class _Picture:
    """What a picture brings to the page."""

    item: PageItem
    files: tuple[_File, ...]


def write_html(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write the page; see the module.

    Raises
    ------
    ExportError
        The page's script was not built.
    """
    script, style = _built("page.js"), _built("page.css")
    with staged.open("w", encoding="utf-8", newline="\n") as page:
        page.write(_head(request.run.info.name, script, style))
        items = _write_files(page, request, tally)
        page.write(_data("index", _index(request, items)))
        page.write(f"<script>{script}</script>\n</body>\n</html>\n")


def _built(name: str) -> str:
    """Return a built file; it ends no element that it is put in."""
    try:
        text = (STATIC_DIR / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ExportError(
            "the page's built script", got=f"none at {STATIC_DIR}", fix="run `make viewer` once"
        ) from None
    return text.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _head(title: str, script: str, style: str) -> str:
    policy = (
        f"default-src 'none'; script-src '{_checksum(script)}'; style-src '{_checksum(style)}'; "
        "img-src blob: data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{html.escape(title)} · filmstrip</title>\n<style>{style}</style>\n"
        "</head>\n<body>\n"
        '<div id="app"></div>\n'
        "<noscript>This page draws its pictures with a script of its own; allow scripts to see "
        "them.</noscript>\n"
    )


def _checksum(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _write_files(page: TextIO, request: ExportRequest, tally: Tally) -> list[PageItem]:
    """Write each different file once; return what the page shows."""
    items: list[PageItem] = []
    written: set[tuple[str, str]] = set()
    read = partial(_read, overlays=request.overlays)
    for _, picture in tally.readable(request.images, read):
        for file in picture.files:
            if (file.kind, file.digest) not in written:
                page.write(_element(file))
                written.add((file.kind, file.digest))
        items.append(picture.item)
    return items


def _read(image: LoggedImage, *, overlays: bool) -> _Picture:
    sample = read_sample(image, overlays=overlays)
    record = decode_record(sample.files[-1].data)
    if not isinstance(record, ImageRecord):
        raise TypeError(record)
    digests = [member.sha256 for member in record.members]
    names = {member.name: member.sha256 for member in record.members}
    if overlays:  # they are in the picture now
        record = msgspec.structs.replace(record, boxes=[], masks=[])
    media_type = _SHOWN_FORMATS.get(record.format, "application/octet-stream")
    files = [_File("digest", digests[0], sample.files[0].data, media_type)]
    files += [_File("digest", names[file.name], file.data) for file in sample.files[1:-1]]
    if not _is_shown(record):
        files.append(_File("display", digests[0], _display(image)))
    item = PageItem(
        id=f"{image.key}/{image.step}/{image.index}",
        run_id=image.run_id,
        key=image.key,
        step=image.step,
        index=image.index,
        digest=digests[0],
        record=record,
        mask_digests={layer.name: names[layer.member] for layer in record.masks},
    )
    return _Picture(item, tuple(files[:1] if overlays else files))


def _is_shown(record: ImageRecord) -> bool:
    """Return whether a browser, or the page's own PNG decoder, decodes the stored file."""
    is_wide = record.mode.startswith("I") or record.mode == "F"
    return record.format in _SHOWN_FORMATS and (not is_wide or record.format == "png")


def _display(image: LoggedImage) -> bytes:
    return encode_png(np.asarray(display_rgb(image.pil())))


def _element(file: _File) -> str:
    text = base64.b64encode(file.data).decode("ascii")
    attributes = f'data-{file.kind}="{file.digest}" data-type="{file.media_type}"'
    return f'<script type="text/plain" {attributes}>{text}</script>\n'


def _index(request: ExportRequest, items: Iterable[PageItem]) -> dict[str, Any]:
    info = request.run.info
    listed = list(items)
    steps = {item.step for item in listed}
    return {
        "run": {
            "id": info.id,
            "name": info.name,
            "project": info.project,
            "notes": info.notes,
            "tags": info.tags,
            "config": info.config,
        },
        "items": listed,
        "values": [
            {"step": logged.step, "values": to_json_value(logged.values)}
            for logged in request.run.values()
            if logged.step in steps
        ],
    }


def _data(name: str, value: Any) -> str:
    """Return an element of JSON that no text inside can end."""
    text = msgspec.json.encode(value).decode().replace("<", r"\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'
