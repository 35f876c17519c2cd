"""The API document (OpenAPI 3.1), made of the route table and the structs."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

import filmstrip
from filmstrip.server.routes import API_ROUTES, MEDIA_ROUTES, ApiRoute, MediaRoute
from filmstrip.server.schema import KeyChange, ProblemEvent, Refusal, RunEvent

__all__ = ["openapi_document", "openapi_json"]

_REF = "#/components/schemas/{name}"
_REASONS = {
    400: "The request makes no sense",
    404: "There is no such thing in the store",
    410: "It was logged, and is deleted or damaged",
    422: "The stored bytes do not decode",
}


@cache
def openapi_json() -> bytes:
    """Return the document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(openapi_document()), indent=1) + b"\n"


def openapi_document() -> dict[str, Any]:
    """Return the document.

    Examples
    --------
    >>> document = openapi_document()
    >>> document["openapi"], "/api/runs" in document["paths"]
    ('3.1.0', True)
    """
    schemas, components = _schemas()
    paths: dict[str, Any] = {}
    for route in API_ROUTES:
        paths[route.path] = {"get": _api_operation(route, schemas)}
    for media in MEDIA_ROUTES:
        paths[media.path] = {"get": _media_operation(media)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "filmstrip", "version": filmstrip.__version__},
        "paths": paths,
        "components": {"schemas": components},
    }


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of what each route returns, and the components that these refer to."""
    kinds = [route.returns for route in API_ROUTES]
    others = [Refusal, KeyChange, RunEvent, ProblemEvent]
    found, components = msgspec.json.schema_components([*kinds, *others], ref_template=_REF)
    return dict(zip(map(repr, kinds), found, strict=False)), dict(sorted(components.items()))


def _api_operation(route: ApiRoute, schemas: dict[Any, Any]) -> dict[str, Any]:
    answer = {"application/json": {"schema": schemas[repr(route.returns)]}}
    responses = {"200": {"description": "The answer", "content": answer}}
    responses |= {str(status): _error(_REASONS[status]) for status in route.errors}
    return {
        "operationId": route.handler.__name__,
        "summary": _summary(route.handler.__doc__ or ""),
        "parameters": [
            *_parameters(route.path_type, "path"),
            *_parameters(route.query, "query"),
        ],
        "responses": responses,
    }


def _media_operation(route: MediaRoute) -> dict[str, Any]:
    binary = {kind: {"schema": {"type": "string"}} for kind in route.media_types}
    responses: dict[str, Any] = {}
    for status, text in route.statuses.items():
        if status in (200, 206):
            responses[str(status)] = {"description": text, "content": binary}
        else:
            responses[str(status)] = {"description": text} if status == 304 else _error(text)
    return {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [
            *_parameters(route.path_type, "path"),
            *_parameters(route.query, "query"),
        ],
        "responses": responses,
    }


def _parameters(kind: type[msgspec.Struct], place: str) -> list[dict[str, Any]]:
    """Return the parameters that a struct's fields are."""
    _, components = msgspec.json.schema_components([kind], ref_template=_REF)
    schema = components[kind.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": place, "required": name in required, "schema": _parameter(field)}
        for name, field in schema["properties"].items()
    ]


def _parameter(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema without null: a parameter that is not given is not sent."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    if not kinds:
        return field
    return {**kinds[0], **{k: v for k, v in field.items() if k not in ("anyOf", "default")}}


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=Refusal.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _summary(docstring: str) -> str:
    return re.sub(r"\s+", " ", docstring.strip().split("\n\n")[0]).rstrip(".")
