"""COCO: boxes and masks as the COCO dataset has them (cocodataset.org, "Data format").

Each layer of boxes or masks is a set of annotations of its own: ground truth and predictions do not
mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from filmstrip.colors import is_background
from filmstrip.draw.masks import scaled_ids
from filmstrip.errors import ExportError
from filmstrip.export.detection import Categories, box_layer_names, detections, mask_layer_names
from filmstrip.export.request import ExportRequest, Tally
from filmstrip.export.rle import regions
from filmstrip.export.samples import EncodedPicture, flat_stem, read_upright
from filmstrip.shard.names import slug_from_text

if TYPE_CHECKING:
    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.media.masks import ImageMask
    from filmstrip.store import LoggedImage

__all__ = ["write_coco"]

IMAGES_DIR = "images"


class CocoImage(msgspec.Struct, frozen=True, kw_only=True):
    """A picture; the last four fields are ours, readers pass over them."""

    id: int
    file_name: str
    """Relative to ``images``."""
    width: int
    height: int
    key: str
    step: int
    index: int
    caption: str | None


class CocoRle(msgspec.Struct, frozen=True):
    """A region as run lengths, uncompressed."""

    size: tuple[int, int]
    """Height and width."""
    counts: list[int]


class CocoAnnotation(msgspec.Struct, frozen=True, kw_only=True):
    """One object. ``segmentation`` is an empty list for boxes."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    """Left, top, width, height in pixels."""
    area: float
    segmentation: msgspec.Raw
    iscrowd: int = 0
    score: float | msgspec.UnsetType = msgspec.UNSET


class CocoCategory(msgspec.Struct, frozen=True, kw_only=True):
    """One class."""

    id: int
    name: str


class CocoDataset(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON file."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


_Kind: TypeAlias = Literal["boxes", "masks"]
_NO_SEGMENTATION = msgspec.Raw(b"[]")


@dataclass(frozen=True, slots=True)
class _Finding:
    """An annotation whose category has no id yet: that follows when all names are known."""

    image_id: int
    category: str
    xywh: tuple[float, float, float, float]
    area: float
    segmentation: msgspec.Raw
    score: float | None


@dataclass(frozen=True, slots=True)
class _Layer:
    """A set of annotations."""

    kind: _Kind
    name: str
    findings: list[_Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Annotated:
    """What is read of one picture."""

    picture: EncodedPicture
    boxes: dict[str, BoundingBoxes2D]
    masks: dict[str, ImageMask]


def write_coco(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write ``images/`` and ``annotations.json``.

    Several layers get an ``annotations-<boxes or masks>-<layer>.json`` each.

    Raises
    ------
    ExportError
        No picture has boxes or masks.
    """
    layers = [_Layer("boxes", name) for name in box_layer_names(request.images)]
    layers += [_Layer("masks", name) for name in mask_layer_names(request.images)]
    if not layers:
        raise ExportError(
            "pictures with boxes or masks for coco",
            got="none",
            fix="select other keys, or export files",
        )
    (staged / IMAGES_DIR).mkdir()
    categories = Categories()
    images: list[CocoImage] = []
    for image, annotated in tally.readable(request.images, _read):
        name = f"{flat_stem(image)}.{annotated.picture.ending}"
        (staged / IMAGES_DIR / name).write_bytes(annotated.picture.data)
        images.append(_coco_image(image, len(images) + 1, name))
        for layer in layers:
            tally.num_boxes_left_out += _collect(layer, annotated, images[-1], categories)
    id_by_name = categories.id_by_name()
    for layer in layers:
        name = (
            "annotations"
            if len(layers) == 1
            else f"annotations-{layer.kind}-{slug_from_text(layer.name)}"
        )
        dataset = _dataset(layer, images, id_by_name)
        (staged / f"{name}.json").write_bytes(msgspec.json.encode(dataset))


def _read(image: LoggedImage) -> _Annotated:
    return _Annotated(read_upright(image), image.boxes, image.masks)


def _coco_image(image: LoggedImage, image_id: int, name: str) -> CocoImage:
    return CocoImage(
        id=image_id,
        file_name=name,
        width=image.width,
        height=image.height,
        key=image.key,
        step=image.step,
        index=image.index,
        caption=image.caption,
    )


def _collect(layer: _Layer, annotated: _Annotated, image: CocoImage, categories: Categories) -> int:
    """Add what a picture has in a layer; return how many boxes were left out."""
    if layer.kind == "boxes" and layer.name in annotated.boxes:
        boxes = annotated.boxes[layer.name]
        categories.add_boxes(boxes)
        found = detections(boxes)
        for box in found.kept:
            x1, y1, x2, y2 = box.xyxy
            xywh = (x1, y1, x2 - x1, y2 - y1)
            finding = _Finding(
                image.id, box.category, xywh, xywh[2] * xywh[3], _NO_SEGMENTATION, box.score
            )
            layer.findings.append(finding)
        return found.num_left_out
    if layer.kind == "masks" and layer.name in annotated.masks:
        layer.findings.extend(_segments(annotated.masks[layer.name], image, categories))
    return 0


def _segments(mask: ImageMask, image: CocoImage, categories: Categories) -> Iterator[_Finding]:
    labels = {label.id: label for label in mask.labels}
    for label in mask.labels:
        if not is_background(label.id, label):
            categories.add(label.name, label.id)
    for region in regions(scaled_ids(mask.array, image.width, image.height)):
        if is_background(region.id, labels.get(region.id)):
            continue
        name = mask.name_of(region.id)
        categories.add(name, region.id)
        rle = CocoRle((image.height, image.width), region.counts)
        # Encoded at once: a list of counts takes ten times the memory of its text.
        yield _Finding(
            image.id, name, region.xywh, region.area, msgspec.Raw(msgspec.json.encode(rle)), None
        )


def _dataset(layer: _Layer, images: list[CocoImage], id_by_name: dict[str, int]) -> CocoDataset:
    return CocoDataset(
        images=images,
        annotations=[
            CocoAnnotation(
                id=place,
                image_id=finding.image_id,
                category_id=id_by_name[finding.category],
                bbox=finding.xywh,
                area=finding.area,
                segmentation=finding.segmentation,
                score=msgspec.UNSET if finding.score is None else finding.score,
            )
            for place, finding in enumerate(layer.findings, 1)
        ],
        categories=[CocoCategory(id=class_id, name=name) for name, class_id in id_by_name.items()],
    )
