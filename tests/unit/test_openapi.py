"""The OpenAPI document is valid, complete, and says what every part means."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from rosterd.http.api.openapi import described, operation_id
from rosterd.http.api.routes import ROUTES
from rosterd.service.keys import SCOPES

DOCUMENT = described(ROUTES)


def schemas(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in the document, with its place."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from schemas(item, f"{place}/{index}")
    elif isinstance(node, dict):
        for name, value in node.items():
            at = f"{place}/{name}"
            if name in ("schema", "items") and isinstance(value, dict) and "schemas" not in value:
                yield at, value
            if name in ("properties", "schemas") and isinstance(value, dict):
                yield from ((f"{at}/{n}", v) for n, v in value.items() if isinstance(v, dict))
            yield from schemas(value, at)


def test_it_is_valid() -> None:
    jsonschema.validators.validator_for(OPENAPI_31)(OPENAPI_31).validate(DOCUMENT)
    for _, schema in schemas(DOCUMENT):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_schema_says_what_it_means() -> None:
    found = dict(schemas(DOCUMENT))
    assert len(found) > 100
    described_elsewhere = re.compile(r"/parameters/\d+/schema$")  # the parameter has the words
    silent = [
        place
        for place, schema in found.items()
        if "$ref" not in schema and not schema.get("description") and not described_elsewhere.search(place)
    ]  # fmt: skip
    assert silent == []
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            assert all(p["description"] for p in operation.get("parameters", ()))


def test_every_reference_leads_somewhere() -> None:
    names = {s["$ref"].rsplit("/", 1)[1] for _, s in schemas(DOCUMENT) if "$ref" in s}
    assert names == set(DOCUMENT["components"]["schemas"])


def test_operations_have_names_of_their_own() -> None:
    names = [operation_id(route) for route in ROUTES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.template}")
def test_a_route_is_told_as_it_is(route: Any) -> None:
    operation = DOCUMENT["paths"][route.template][route.method.lower()]
    assert operation["summary"] == route.summary
    assert route.scope is None or route.scope in SCOPES
    assert ("security" in operation) == (route.scope is None)
    assert str(route.status) in operation["responses"]
    named = set(re.findall(r"\{(\w+)\}", route.template))
    assert {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"} == named
