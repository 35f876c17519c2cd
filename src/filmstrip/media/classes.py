"""Classes: the ids a model predicts, their names, and the colours they are drawn in."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from filmstrip.errors import ClassesError
from filmstrip.freeform import FreeformError, text_value
from filmstrip.record import ClassLabel

__all__ = ["Classes", "ClassesLike", "class_name", "labels_from_mapping", "merged_labels"]

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class Classes(Sequence[ClassLabel]):
    """A list of classes, each id once.

    Parameters
    ----------
    class_set
        ``{"id": int, "name": str}`` for each class, ``"color": "#rrggbb"`` allowed.

    Raises
    ------
    ClassesError
        An entry has no integer id or no name, a colour is not ``#rrggbb``, or an id stands twice.

    Examples
    --------
    >>> classes = Classes([{"id": 1, "name": "cat"}, {"id": 2, "name": "dog", "color": "#aa3300"}])
    >>> classes.names
    {1: 'cat', 2: 'dog'}
    """

    __slots__ = ("_labels",)

    def __init__(self, class_set: Sequence[Mapping[str, Any] | ClassLabel]) -> None:
        if isinstance(class_set, (str, bytes, Mapping)) or not isinstance(class_set, Sequence):
            raise ClassesError(
                "a list of {'id': int, 'name': str}",
                got=type(class_set).__name__,
                fix="wrap the classes in a list",
            )
        self._labels = tuple(_label(entry) for entry in class_set)
        seen: dict[int, str] = {}
        for label in self._labels:
            if label.id in seen:
                raise ClassesError(
                    "each class id once",
                    got=f"id {label.id} for both {seen[label.id]!r} and {label.name!r}",
                    fix="give each class an id of its own",
                )
            seen[label.id] = label.name

    @property
    def names(self) -> dict[int, str]:
        """The name of each id."""
        return {label.id: label.name for label in self._labels}

    @property
    def labels(self) -> list[ClassLabel]:
        """The classes as records hold them."""
        return list(self._labels)

    def __getitem__(self, item: Any) -> Any:
        return self._labels[item]

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[ClassLabel]:
        return iter(self._labels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classes) and self._labels == other._labels

    def __hash__(self) -> int:
        return hash(self._labels)

    def __repr__(self) -> str:
        return f"Classes({self.names})"


ClassesLike: TypeAlias = Classes | Sequence[Mapping[str, Any]]


def class_name(class_id: int, names: Mapping[int, str]) -> str:
    """Return the name of a class, ``class_<id>`` when it has none.

    Examples
    --------
    >>> class_name(3, {})
    'class_3'
    """
    return names.get(class_id, f"class_{class_id}")


def labels_from_mapping(class_labels: Mapping[int, str] | None) -> list[ClassLabel]:
    """Return a layer's own classes.

    Raises
    ------
    ClassesError
        `class_labels` is not a mapping of integers to text.
    """
    if class_labels is None:
        return []
    if not isinstance(class_labels, Mapping):
        raise ClassesError(
            "class_labels as {id: name}",
            got=type(class_labels).__name__,
            fix="pass a dict such as {0: 'background', 1: 'cat'}",
        )
    return [_label({"id": id_, "name": name}) for id_, name in class_labels.items()]


def merged_labels(own: Sequence[ClassLabel], classes: Classes | None) -> list[ClassLabel]:
    """Return a layer's own classes, then those of its image that it lacks.

    A class of the layer that has no colour takes it from the image's class of the same id and name.

    Examples
    --------
    >>> merged_labels([ClassLabel(id=1, name="cat")], Classes([{"id": 2, "name": "dog"}]))[1].name
    'dog'
    """
    if not classes:
        return list(own)
    colors = {(label.id, label.name): label.color for label in classes}
    colored = [
        ClassLabel(id=c.id, name=c.name, color=c.color or colors.get((c.id, c.name), ""))
        for c in own
    ]
    have = {label.id for label in own}
    return colored + [label for label in classes if label.id not in have]


def _label(entry: Mapping[str, Any] | ClassLabel) -> ClassLabel:
    if isinstance(entry, ClassLabel):
        return entry
    if not isinstance(entry, Mapping) or "id" not in entry or "name" not in entry:
        raise ClassesError(
            "each class as {'id': int, 'name': str}", got=repr(entry), fix="give both id and name"
        )
    name, color = entry["name"], entry.get("color") or ""
    try:
        name = text_value(name)
    except FreeformError:
        raise ClassesError(
            "a class name that is text", got=ascii(name), fix="pass str(name)"
        ) from None
    if not isinstance(color, str) or (color and not _COLOR.fullmatch(color)):
        raise ClassesError(
            f"the colour of class {name!r} as '#rrggbb'",
            got=repr(color),
            fix="write six hex digits",
        )
    return ClassLabel(id=_class_id(entry["id"]), name=name, color=color.lower())


def _class_id(value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ClassesError(
            "a class id that is an integer", got=repr(value), fix="pass int(id)"
        ) from None
    if not -(2**63) <= number < 2**63:
        raise ClassesError("a class id of 64 bits", got=repr(value), fix="renumber the classes")
    return number
