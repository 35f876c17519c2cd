"""What ``Image`` is given beside the picture, checked and in the form that records hold."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from filmstrip.errors import LogValueError, OptionError
from filmstrip.freeform import FreeformError, text_value, to_json_value
from filmstrip.media.formats import FileType

__all__ = [
    "batch_row",
    "checked_caption",
    "checked_grouping",
    "checked_layers",
    "checked_lossless",
    "checked_meta",
    "checked_quality",
]


def checked_caption(value: Any) -> str | None:
    """Return the caption as plain text.

    Raises
    ------
    LogValueError
        It is no text, or text that UTF-8 cannot hold.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise LogValueError("caption as text", got=repr(value), fix="pass str(caption)")
    try:
        return text_value(value)
    except FreeformError as error:
        raise LogValueError(
            "caption as text", got=error.got, fix="encode it as UTF-8 first"
        ) from None


def checked_grouping(value: Any) -> int | str | None:
    """Return the grouping as a plain integer or text.

    Raises
    ------
    LogValueError
        It is neither.
    """
    if value is None:
        return None
    try:
        grouping = to_json_value(value)
        if isinstance(grouping, bool) or not isinstance(grouping, (int, str)):
            raise FreeformError(type(value).__name__)
    except FreeformError as error:
        raise LogValueError(
            "grouping as an integer or text", got=error.got, fix="pass a label"
        ) from None
    return grouping


def checked_meta(meta: Any) -> dict[str, Any]:
    """Return ``meta`` as JSON holds it, sharing nothing with what was given.

    Raises
    ------
    LogValueError
        It is no mapping, or holds something that JSON cannot.
    """
    if meta is None:
        return {}
    if not isinstance(meta, Mapping):
        raise LogValueError("meta as a dict", got=type(meta).__name__, fix="pass {name: value}")
    try:
        kept: dict[str, Any] = to_json_value(meta)
    except FreeformError as error:
        raise LogValueError(
            "meta that JSON holds",
            got=f"{error.got} at {error.where!r}",
            fix="pass numbers, text, lists, dicts",
        ) from None
    return kept


def checked_quality(quality: Any, file_type: FileType) -> int | None:
    """Return the quality as a plain integer.

    Raises
    ------
    OptionError
        It is not from 1 to 100, or the file type has none.
    """
    if quality is None:
        return None
    number = 0 if isinstance(quality, bool) or not hasattr(quality, "__index__") else quality
    if not 1 <= operator.index(number) <= 100:
        raise OptionError(
            "quality from 1 to 100", got=repr(quality), fix="leave it out for the default"
        )
    if file_type.name in ("png", "bmp"):
        raise OptionError(
            "quality only for jpg and webp",
            got=f"file_type {file_type.name}",
            fix="it is lossless anyway",
        )
    return operator.index(number)


def checked_lossless(lossless: Any, file_type: FileType) -> bool | None:
    """Return whether the file is to be lossless, None where nothing was said.

    Raises
    ------
    OptionError
        It is neither True nor False, or not what the file type is.
    """
    if lossless is None:
        return None
    if not isinstance(lossless, bool):
        raise OptionError("lossless to be True or False", got=repr(lossless), fix="leave it out")
    if file_type.name != "webp" and lossless != file_type.is_lossless:
        raise OptionError(
            f"lossless={file_type.is_lossless} for {file_type.name}, which knows no other",
            got=repr(lossless),
            fix="take file_type='webp' or leave it out",
        )
    return lossless


def checked_layers(what: str, value: Any) -> dict[str, Any]:
    """Return ``boxes`` or ``masks`` by layer.

    Raises
    ------
    OptionError
        It is no mapping, or the name of a layer is no text that UTF-8 can hold.
    """
    if value is None:
        return {}
    fix = f"write {what}={{'predictions': ...}}"
    if not isinstance(value, Mapping):
        raise OptionError(f"{what} as {{layer: {what}}}", got=type(value).__name__, fix=fix)
    return {_layer_name(name, what, fix): layer for name, layer in value.items()}


def _layer_name(name: Any, what: str, fix: str) -> str:
    try:
        return text_value(name)
    except FreeformError:
        raise OptionError(
            f"{what} as {{layer: {what}}} with layers named by text", got=ascii(name), fix=fix
        ) from None


def batch_row(columns: Mapping[str, Any], index: int, count: int) -> dict[str, Any]:
    """Return the arguments of one image of a batch, from one list an argument.

    Raises
    ------
    OptionError
        A list is not of length `count`.
    """
    row = {}
    for name, column in columns.items():
        if column is None:
            continue
        is_list = hasattr(column, "__len__") and not isinstance(column, (str, Mapping))
        if not is_list or len(column) != count:
            raise OptionError(
                f"one {name} for each of {count} images",
                got=f"{len(column)}" if is_list else type(column).__name__,
                fix="pass a list with None where an image has none",
            )
        if count:
            row[name] = column[index]
    return row
