"""What can be searched of a record: words, classes, scores, meta."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from filmstrip.freeform import from_json_value
from filmstrip.index.schema import FactKind, stored_text
from filmstrip.record import BoxLayer, ImageRecord, Number

__all__ = [
    "CAPTION_HEAD_LENGTH",
    "FLAG_BOXES",
    "FLAG_CAPTION",
    "FLAG_FLAGGED",
    "FLAG_MASKS",
    "FactRows",
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
_MAX_META_VALUES = 64
_MAX_LIST = 64

_WORD, _CLASS, _CAPTION = (FactKind.WORD, ""), (FactKind.CLASS, ""), (FactKind.CAPTION, "")
_ONE_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)


class FactRows:
    """Rows of what is searched of images, as they are gathered.

    Parameters
    ----------
    fields
        Number of each field, by kind and name.
    """

    __slots__ = ("_fields", "labels", "marks", "measures")

    def __init__(self, fields: Mapping[tuple[str, str], int]) -> None:
        self._fields = fields
        self.marks: list[tuple[int, str, int]] = []
        """Number of the field, text, number of the image."""
        self.labels: list[tuple[int, str, int]] = []
        self.measures: list[tuple[int, float, int, int]] = []
        """Number of the field, value, numbers of the image and of its key."""

    def add(self, record: ImageRecord, num: int, key_num: int) -> tuple[int, str | None]:
        """Gather the rows of an image; return its flags, and its caption's words."""
        flags, words = 0, None
        if record.caption:
            flags |= FLAG_CAPTION
            words = self._add_caption(record.caption, num)
        if record.masks:
            flags |= FLAG_MASKS
        if record.boxes:
            flags |= self._add_boxes(record, num, key_num)
        if record.grouping is not None:
            group = folded(str(record.grouping))
            self.labels.append((self._fields[FactKind.GROUP, ""], group, num))
        if record.meta:
            self._add_meta(record.meta, num, key_num)
        return flags, words

    def _add_caption(self, caption: str, num: int) -> str | None:
        """Gather a caption's rows; return its words with a space around each."""
        words = folded_words(caption)
        if not words:
            return None
        joined = f" {' '.join(words)} "
        field = self._fields[_WORD]
        self.marks += [(field, word[:_MAX_TEXT], num) for word in set(words)]
        self.marks.append((self._fields[_CAPTION], joined[:CAPTION_HEAD_LENGTH], num))
        return joined

    def _add_boxes(self, record: ImageRecord, num: int, key_num: int) -> int:
        flags = 0
        scores: dict[str, float] = {}
        classes: set[str] = set()
        for layer in record.boxes:
            if layer.xyxy:
                flags |= FLAG_BOXES
                if _has_flagged(layer.xyxy, record.width, record.height):
                    flags |= FLAG_FLAGGED
            if layer.class_id:
                classes |= _class_names(layer)
            for column in layer.scores:
                best = _highest(column.values)
                if best is not None and best >= scores.get(column.name, -math.inf):
                    scores[column.name] = best
        field = self._fields[_CLASS]
        self.marks += [(field, name, num) for name in classes]
        for name, value in scores.items():
            self.measures.append((self._fields[FactKind.SCORE, name], value, num, key_num))
        return flags

    def _add_meta(self, meta: dict[str, Any], num: int, key_num: int) -> None:
        for path, value in set(islice(_meta_scalars("", meta), _MAX_META_VALUES)):
            field = self._fields[FactKind.META, path]
            if isinstance(value, str):
                self.labels.append((field, value, num))
            else:
                self.measures.append((field, value, num, key_num))


@lru_cache(maxsize=4096)
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
    return _ONE_WORD.findall(text[:MAX_WORDS_LENGTH].casefold())


def _class_names(layer: BoxLayer) -> set[str]:
    ids = set(layer.class_id)
    ids.discard(None)
    named = {label.id: label.name for label in layer.class_labels if label.id in ids}
    return {folded(named.get(class_id) or f"class_{class_id}") for class_id in ids}  # type: ignore[arg-type]


def _highest(values: list[Number | None]) -> float | None:
    """Return the highest of a box layer's scores; ``None`` when no box has a number."""
    try:
        best = max(values, default=None)  # type: ignore[type-var]  # most often all are numbers
    except TypeError:
        best = "NaN"
    if not isinstance(best, str):
        return best
    numbers = [float(value) for value in values if value is not None]
    return max((number for number in numbers if not math.isnan(number)), default=None)


def _has_flagged(boxes: list[list[Number]], width: int, height: int) -> bool:
    """Return whether a box is NaN, inverted, or not inside the picture."""
    try:
        for x_min, y_min, x_max, y_max in boxes:
            if not (0 <= x_min <= x_max <= width and 0 <= y_min <= y_max <= height):  # type: ignore[operator]
                return True
    except (TypeError, ValueError):  # NaN and infinities are texts in a record
        return True
    return False


def _meta_scalars(path: str, value: Any) -> Iterator[tuple[str, str | float]]:
    """Yield each text, flag and number of ``meta``, with the path to it."""
    if isinstance(value, str):
        yield path, folded(value)
    elif isinstance(value, bool):
        yield path, str(value).lower()
    elif isinstance(value, (int, float)):
        yield path, float(value)
    elif isinstance(value, list):
        for inner in value[:_MAX_LIST]:
            yield from _meta_scalars(path, inner)
    elif isinstance(value, dict):
        plain = from_json_value(value) if "$float" in value else value
        if isinstance(plain, float):
            if not math.isnan(plain):
                yield path, plain
            return
        for name, inner in plain.items():
            yield from _meta_scalars(f"{path}.{name}" if path else name, inner)
