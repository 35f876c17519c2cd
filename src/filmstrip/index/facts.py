"""What can be searched of a record: words, classes, scores, meta."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from filmstrip.freeform import from_json_value
from filmstrip.index.schema import FactKind, stored_text
from filmstrip.record import BoxLayer, ImageRecord, float_from_number

__all__ = [
    "CAPTION_HEAD_LENGTH",
    "FLAG_BOXES",
    "FLAG_CAPTION",
    "FLAG_FLAGGED",
    "FLAG_MASKS",
    "Facts",
    "facts_of",
    "folded",
    "folded_words",
]

FLAG_BOXES, FLAG_MASKS, FLAG_CAPTION, FLAG_FLAGGED = 1, 2, 4, 8
"""Bits of ``images.flags``: what an image has."""

MAX_WORDS_LENGTH = 4096
"""How much of a caption is searched, in characters."""

CAPTION_HEAD_LENGTH = 64
"""How much of a caption counts when images are sorted by it, in characters."""

_MAX_TEXT = 128
"""Length in characters of a text that is compared; of longer ones only so much counts."""
_MAX_META_FIELDS = 64
_MAX_LIST = 64
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)


@dataclass(slots=True)
class Facts:
    """What is searched of one image."""

    words: str = ""
    """The caption's words, each with a space before it, and one behind the last."""
    flags: int = 0
    marks: set[tuple[str, str, str]] = field(default_factory=set)
    """Kind, name and text of what it can have any number of."""
    labels: set[tuple[str, str, str]] = field(default_factory=set)
    measures: set[tuple[str, str, float]] = field(default_factory=set)


def facts_of(record: ImageRecord) -> Facts:
    """Return what is searched of an image."""
    facts = Facts()
    if record.caption:
        _add_caption(facts, record.caption)
    if record.masks:
        facts.flags |= FLAG_MASKS
    if record.grouping is not None:
        facts.labels.add((FactKind.GROUP, "", folded(str(record.grouping))))
    if record.boxes:
        _add_boxes(facts, record)
    if record.meta:
        _add_meta(facts, "", from_json_value(record.meta))
    return facts


def folded(text: str) -> str:
    """Return the text as texts are compared: without case, its beginning only.

    Examples
    --------
    >>> folded("Straße")
    'strasse'
    """
    return stored_text(text[:_MAX_TEXT].casefold()[:_MAX_TEXT])


def folded_words(text: str) -> list[str]:
    """Return the words of a text, without case; each sign of Chinese, Japanese or Korean is one.

    Examples
    --------
    >>> folded_words("A red-ish CAR, 7 m")
    ['a', 'red', 'ish', 'car', '7', 'm']
    """
    return _WORD.findall(text[:MAX_WORDS_LENGTH].casefold())


def _add_caption(facts: Facts, caption: str) -> None:
    facts.flags |= FLAG_CAPTION
    words = folded_words(caption)
    if words:
        facts.words = f" {' '.join(words)} "
        facts.marks.update((FactKind.WORD, "", word[:_MAX_TEXT]) for word in words)
        facts.marks.add((FactKind.CAPTION, "", facts.words[:CAPTION_HEAD_LENGTH]))


def _add_boxes(facts: Facts, record: ImageRecord) -> None:
    scores: dict[str, float] = {}
    for layer in record.boxes:
        if layer.xyxy:
            facts.flags |= FLAG_BOXES
        if _has_flagged(layer, record.width, record.height):
            facts.flags |= FLAG_FLAGGED
        names = {label.id: label.name for label in layer.class_labels}
        for class_id in set(layer.class_id) - {None}:
            name = names.get(class_id) or f"class_{class_id}"  # type: ignore[arg-type]
            facts.marks.add((FactKind.CLASS, "", folded(name)))
        for column in layer.scores:
            values = [float_from_number(value) for value in column.values if value is not None]
            finite = [value for value in values if not math.isnan(value)]
            if finite:
                scores[column.name] = max(scores.get(column.name, -math.inf), *finite)
    facts.measures.update((FactKind.SCORE, name, value) for name, value in scores.items())


def _has_flagged(layer: BoxLayer, width: int, height: int) -> bool:
    """Return whether a box is NaN, inverted, or not inside the picture."""
    for corners in layer.xyxy:
        x_min, y_min, x_max, y_max = map(float_from_number, corners)
        if not (0 <= x_min <= x_max <= width and 0 <= y_min <= y_max <= height):
            return True
    return False


def _add_meta(facts: Facts, path: str, value: Any) -> None:
    if len(facts.labels) + len(facts.measures) >= _MAX_META_FIELDS:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _add_meta(facts, f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for inner in value[:_MAX_LIST]:
            _add_meta(facts, path, inner)
    elif isinstance(value, (bool, str)):
        text = str(value).lower() if isinstance(value, bool) else value
        facts.labels.add((FactKind.META, path, folded(text)))
    elif isinstance(value, (int, float)) and not math.isnan(value):
        facts.measures.add((FactKind.META, path, float(value)))
