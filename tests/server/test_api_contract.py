"""Whatever the API document allows, and much that it does not, is answered as the document says."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from filmstrip.server.openapi import openapi_document

DOCUMENT = schemathesis.openapi.from_dict(openapi_document())
ENDLESS = "/api/events"
"""The stream of events does not end; `test_events.py` listens to it."""

few_examples = settings(
    max_examples=30,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", sorted(set(openapi_document()["paths"]) - {ENDLESS}))
def test_every_answer_is_one_that_the_document_names(served, path, mode):
    operation = DOCUMENT[path]["GET"]
    if mode is GenerationMode.NEGATIVE and not operation.path_parameters and not operation.query:
        return  # it takes nothing that could be wrong

    @given(operation.as_strategy(generation_mode=mode))
    @few_examples
    def check(case):
        base_url = f"http://127.0.0.1:{served.port}"
        # A query's grammar, a cursor's origin and a picture's size are in no schema.
        case.call_and_validate(base_url=base_url, excluded_checks=[positive_data_acceptance])

    check()


def test_the_document_is_what_is_served(served):
    answer = served.client.get("/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == openapi_document()
