"""The API document and the types made of it say what the routes do, and are fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from filmstrip.server.openapi import openapi_document
from filmstrip.server.routes import API_ROUTES, MEDIA_ROUTES
from filmstrip.server.typescript import typescript_types

TYPES = Path(__file__).parents[2] / "web/src/api/types.gen.ts"
DOCUMENT = openapi_document()
OPERATIONS = [path["get"] for path in DOCUMENT["paths"].values()]


def test_the_typescript_types_are_fresh():
    assert TYPES.read_text("utf-8") == typescript_types(DOCUMENT["components"]["schemas"]), (
        "make gen"
    )


def test_every_route_is_described():
    described = {route.path for route in (*API_ROUTES, *MEDIA_ROUTES)}
    assert set(DOCUMENT["paths"]) == described


def test_operations_have_names_of_their_own_and_summaries():
    names = [operation["operationId"] for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for operation in OPERATIONS)


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_each_part_of_a_path_is_a_required_parameter(path):
    parameters = DOCUMENT["paths"][path]["get"]["parameters"]
    in_path = {p["name"] for p in parameters if p["in"] == "path" and p["required"]}
    assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_references_lead_somewhere():
    references = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert references <= set(DOCUMENT["components"]["schemas"])
