"""What can be searched of a record: words, classes, scores, meta."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

from filmstrip.freeform import from_json_value
from filmstrip.index.cells import FactKind, stored_text
from filmstrip.record import BoxLayer, ImageRecord, Number

__all__ = [
    "CAPTION_HEAD_LENGTH",
    "FLAG_BOXES",
    "FLAG_CAPTION",
    "FLAG_FLAGGED",
    "FLAG_MASKS",
    "Facts",
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
_GROUP = (FactKind.GROUP, "")
_ONE_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)

_Field: TypeAlias = tuple[str, str]


def _nums_by_text() -> dict[str, list[int]]:
    return defaultdict(list)


class Facts:
    """What is searched of images, as it is gathered: by kind and name of the field."""

    __slots__ = ("labels", "marks", "measures")

    def __init__(self) -> None:
        self.marks: dict[_Field, dict[str, list[int]]] = defaultdict(_nums_by_text)
        """Numbers of the images that have a text."""
        self.labels: dict[_Field, dict[str, list[int]]] = defaultdict(_nums_by_text)
        self.measures: dict[_Field, list[tuple[float, int, int]]] = defaultdict(list)
        """Value, number of the image, place of its key."""

    def add(self, record: ImageRecord, num: int, key_at: int) -> tuple[int, str | None]:
        """Gather the facts of an image; return its flags, and its caption's words.

        Parameters
        ----------
        num
            Number of the image.
        key_at
            Place of its key in a list of keys.
        """
        flags, words = 0, None
        if record.caption:
            flags |= FLAG_CAPTION
            words = self._add_caption(record.caption, num)
        if record.masks:
            flags |= FLAG_MASKS
        if record.boxes:
            flags |= self._add_boxes(record, num, key_at)
        if record.grouping is not None:
            self.labels[_GROUP][folded(str(record.grouping))].append(num)
        if record.meta:
            self._add_meta(record.meta, num, key_at)
        return flags, words

    def _add_caption(self, caption: str, num: int) -> str | None:
        """Gather a caption's facts; return its words with a space around each."""
        words = folded_words(caption)
        if not words:
            return None
        joined = f" {' '.join(words)} "
        nums_by_word = self.marks[_WORD]
        for word in set(words):
            nums_by_word[word[:_MAX_TEXT]].append(num)
        self.marks[_CAPTION][joined[:CAPTION_HEAD_LENGTH]].append(num)
        return joined

    def _add_boxes(self, record: ImageRecord, num: int, key_at: int) -> int:
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
        for name in classes:
            self.marks[_CLASS][name].append(num)
        for name, value in scores.items():
            self.measures[FactKind.SCORE, name].append((value, num, key_at))
        return flags

    def _add_meta(self, meta: dict[str, Any], num: int, key_at: int) -> None:
        for path, value in set(islice(_meta_scalars([("", meta)]), _MAX_META_VALUES)):
            field = (FactKind.META, path)
            if isinstance(value, str):
                self.labels[field][value].append(num)
            else:
                self.measures[field].append((value, num, key_at))


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


def _meta_scalars(items: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str | float]]:
    """Yield each text, flag and number of ``meta``, with the path to it."""
    for path, value in items:
        if isinstance(value, str):
            yield path, folded(value)
        elif isinstance(value, bool):
            yield path, str(value).lower()
        elif isinstance(value, (int, float)):
            yield path, float(value)
        elif isinstance(value, list):
            yield from _meta_scalars([(path, inner) for inner in value[:_MAX_LIST]])
        elif isinstance(value, dict):
            plain = from_json_value(value) if "$float" in value else value
            if not isinstance(plain, float):
                before = f"{path}." if path else ""
                yield from _meta_scalars([(before + name, plain[name]) for name in plain])
            elif not math.isnan(plain):
                yield path, plain
