"""What stands below a picture in the terminal: where it stands, and what its overlays are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from filmstrip.cli.text import count_text, safe_text, size_text
from filmstrip.colors import color_of, color_of_label, is_background
from filmstrip.media.classes import class_name

if TYPE_CHECKING:
    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.media.masks import ImageMask
    from filmstrip.record import ClassLabel
    from filmstrip.store import LoggedImage

__all__ = ["LayerLegend", "LegendEntry", "box_legends", "mask_legends", "title_text"]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One class of a layer."""

    name: str
    color: str
    """``#rrggbb``; empty when it is not drawn."""
    amount: str
    """How many boxes, or which share of the mask."""


@dataclass(frozen=True, slots=True)
class LayerLegend:
    """One layer of boxes or masks."""

    name: str
    summary: str
    entries: list[LegendEntry]


def title_text(image: LoggedImage, *, num_images: int) -> str:
    """Return where the image stands and what it is, on one line.

    Parameters
    ----------
    image
        As it was read back.
    num_images
        How many images its key has at its step.
    """
    place = [safe_text(image.key), f"step {image.step}"]
    if num_images > 1:
        place.append(f"index {image.index} of 0–{num_images - 1}")
    facts = f"{image.width}×{image.height} {safe_text(image.format)}, {size_text(image.size_bytes)}"
    return " · ".join([*place, facts])


def box_legends(layers: Mapping[str, BoundingBoxes2D]) -> list[LayerLegend]:
    """Return what each layer of boxes holds: classes by number of boxes, ranges of scores."""
    return [_box_legend(name, boxes) for name, boxes in layers.items()]


def mask_legends(layers: Mapping[str, ImageMask]) -> list[LayerLegend]:
    """Return what each mask holds: classes by their share of its pixels."""
    return [_mask_legend(name, mask) for name, mask in layers.items()]


def _box_legend(layer: str, boxes: BoundingBoxes2D) -> LayerLegend:
    facts = [count_text(len(boxes), "box")]
    facts += [text for name, values in boxes.scores.items() if (text := _range_text(name, values))]
    if num_flagged := int(boxes.is_invalid().sum()):
        facts.append(f"{num_flagged} not drawn: NaN, infinite or inverted")
    labels = {label.id: label for label in boxes.labels}
    ids = Counter([] if boxes.class_id is None else boxes.class_id.tolist())
    entries = [
        LegendEntry(safe_text(_name(id_, labels)), _color(id_, labels), str(count))
        if id_ >= 0
        else LegendEntry("no class", color_of(layer), str(count))
        for id_, count in ids.most_common()
    ]
    return LayerLegend(safe_text(layer), ", ".join(facts), entries)


def _mask_legend(layer: str, mask: ImageMask) -> LayerLegend:
    ids, counts = np.unique(mask.array, return_counts=True)
    labels = {label.id: label for label in mask.labels}
    entries = [
        LegendEntry(
            safe_text(_name(id_, labels)),
            "" if is_background(id_, labels.get(id_)) else _color(id_, labels),
            _share_text(count / mask.array.size),
        )
        for count, id_ in sorted(zip(counts.tolist(), ids.tolist(), strict=True), reverse=True)
    ]
    return LayerLegend(safe_text(layer), "mask", sorted(entries, key=lambda entry: not entry.color))


def _name(class_id: int, labels: Mapping[int, ClassLabel]) -> str:
    return class_name(class_id, {id_: label.name for id_, label in labels.items()})


def _color(class_id: int, labels: Mapping[int, ClassLabel]) -> str:
    label = labels.get(class_id)
    return color_of(class_name(class_id, {})) if label is None else color_of_label(label)


def _range_text(name: str, values: Iterable[float]) -> str:
    """Return the range of a score; nothing when no box has it."""
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return ""
    low, high = f"{min(known):.3g}", f"{max(known):.3g}"
    return f"{safe_text(name)} {low}" if low == high else f"{safe_text(name)} {low}–{high}"


def _share_text(share: float) -> str:
    """Return a share as percent.

    Examples
    --------
    >>> _share_text(0.503), _share_text(0.001), _share_text(1.0)
    ('50 %', '<1 %', '100 %')
    """
    return "<1 %" if share < 0.005 else f"{share:.0%}".replace("%", " %")
