"""TypeScript types of everything that is sent, made of the API document.

``python -m filmstrip.server.typescript FILE`` writes them; `make gen` does so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from filmstrip.server.openapi import openapi_document

__all__ = ["typescript_types"]

_HEAD = """\
// Made by `make gen` from the API document of filmstrip.server; not to be edited.

export type NonFinite = "NaN" | "Infinity" | "-Infinity";

/** A number as JSON can hold it. */
export type Numeric = number | NonFinite;
"""
_NON_FINITE = {"NaN", "Infinity", "-Infinity"}
_NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


def typescript_types(components: dict[str, Any]) -> str:
    """Return one exported type a component.

    Parameters
    ----------
    components
        JSON schemas by name, as the API document has them.

    Examples
    --------
    >>> size = {"type": "object", "properties": {"side": {"type": "integer"}}, "required": ["side"]}
    >>> print(typescript_types({"Size": size}).partition("NonFinite;")[2].strip())
    export interface Size {
      side: number;
    }
    """
    return _HEAD + "".join(f"\n{_declaration(name, s)}" for name, s in components.items())


def main() -> None:
    """Write the types to the file that the command line names."""
    text = typescript_types(openapi_document()["components"]["schemas"])
    Path(sys.argv[1]).write_text(text, encoding="utf-8")


def _declaration(name: str, schema: dict[str, Any]) -> str:
    comment = _comment(schema.get("description", ""))
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema)};\n"
    required = set(schema.get("required", []))
    fields = "".join(
        f"  {field}{'' if field in required else '?'}: {_type(kind)};\n"
        for field, kind in schema["properties"].items()
    )
    return f"{comment}export interface {name} {{\n{fields}}}\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "anyOf" in schema:
        return _union(schema["anyOf"])
    kind = schema.get("type")
    if kind == "array":
        return _array(schema)
    if kind == "object":
        return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
    return "null" if kind == "null" else _NAMES.get(str(kind), "unknown")


def _union(schemas: list[dict[str, Any]]) -> str:
    kinds = dict.fromkeys(
        "NonFinite" if set(schema.get("enum", ())) == _NON_FINITE else _type(schema)
        for schema in schemas
    )
    if kinds.keys() >= {"number", "NonFinite"}:
        kinds = {"Numeric": None} | {k: None for k in kinds if k not in ("number", "NonFinite")}
    return " | ".join(kinds)


def _array(schema: dict[str, Any]) -> str:
    item = _type(schema.get("items", {}))
    return f"({item})[]" if " | " in item else f"{item}[]"


def _comment(description: str) -> str:
    first = " ".join(description.strip().partition("\n\n")[0].split())
    return f"/** {first} */\n".replace("``", "`") if first else ""


if __name__ == "__main__":
    main()
