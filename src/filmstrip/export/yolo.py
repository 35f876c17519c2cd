"""YOLO: pictures, a text file of boxes for each, and ``data.yaml``.

A line is ``class cx cy w h`` in fractions of the picture, the five columns that training reads;
scores are not written. (docs.ultralytics.com, "Detection datasets")
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filmstrip.errors import ExportError
from filmstrip.export.detection import Categories, box_layer_names, detections
from filmstrip.export.request import ExportRequest, Tally
from filmstrip.export.samples import EncodedPicture, flat_stem, read_upright
from filmstrip.shard.names import slug_from_text

if TYPE_CHECKING:
    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.store import LoggedImage

__all__ = ["quoted_yaml", "write_yolo"]


@dataclass(frozen=True, slots=True)
class _Annotated:
    """What is read of one picture."""

    picture: EncodedPicture
    boxes: dict[str, BoundingBoxes2D]


@dataclass(frozen=True, slots=True)
class _Labels:
    """The text of one label file."""

    text: str
    num_left_out: int


def write_yolo(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write ``images/``, ``labels/`` and ``data.yaml``.

    Several layers get a folder of these three each. Boxes are cut to the picture. A picture without
    the layer has no label file, one whose layer has no boxes an empty one; readers take both for
    pictures of nothing.

    Raises
    ------
    ExportError
        No picture has boxes.
    """
    layers = box_layer_names(request.images)
    if not layers:
        raise ExportError(
            "pictures with boxes for yolo", got="none", fix="select other keys, or export coco"
        )
    categories = Categories()
    for image in request.images:
        for boxes in image.boxes.values():
            categories.add_boxes(boxes)
    place_by_name = {name: place for place, name in enumerate(categories.id_by_name())}
    roots = {name: staged if len(layers) == 1 else staged / slug_from_text(name) for name in layers}
    for root in roots.values():
        _begin(root, list(place_by_name))
    for image, annotated in tally.readable(request.images, _read):
        stem = flat_stem(image)
        for layer, root in roots.items():
            (root / "images" / f"{stem}.{annotated.picture.ending}").write_bytes(
                annotated.picture.data
            )
            if layer in annotated.boxes:
                labels = _labels(annotated.boxes[layer], image, place_by_name)
                (root / "labels" / f"{stem}.txt").write_text(
                    labels.text, encoding="ascii", newline="\n"
                )
                tally.num_boxes_left_out += labels.num_left_out


def _read(image: LoggedImage) -> _Annotated:
    return _Annotated(read_upright(image), image.boxes)


def _begin(root: Path, names: list[str]) -> None:
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    # Without a `path:` readers take the folder of this file: the dataset can be moved.
    lines = ["train: images", "val: images", "names:"]
    lines += [f"  {place}: {quoted_yaml(name)}" for place, name in enumerate(names)]
    (root / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _labels(boxes: BoundingBoxes2D, image: LoggedImage, place_by_name: dict[str, int]) -> _Labels:
    width, height = image.width, image.height
    found = detections(boxes, clip_to=(width, height))
    lines = []
    for box in found.kept:
        x1, y1, x2, y2 = box.xyxy
        parts = (
            (x1 + x2) / 2 / width,
            (y1 + y2) / 2 / height,
            (x2 - x1) / width,
            (y2 - y1) / height,
        )
        lines.append(f"{place_by_name[box.category]} " + " ".join(f"{part:.8f}" for part in parts))
    return _Labels("".join(f"{line}\n" for line in lines), found.num_left_out)


def quoted_yaml(text: str) -> str:
    r"""Return the text as a double-quoted scalar of YAML 1.2, section 7.3.1.

    Examples
    --------
    >>> print(quoted_yaml('a "b"\n'))
    "a \"b\"\U0000000a"
    """
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
