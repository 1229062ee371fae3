"""The discovery endpoints' documents."""

from typing import Any

import pytest

from rosterd.scim import discovery, urns
from rosterd.scim.errors import NotFound
from rosterd.scim.schema import Model, Schema
from rosterd.scim.schemas import CORE_MODEL, CORE_RESOURCE_TYPES, CORE_SCHEMAS

BASE = "https://scim.example.com/scim/v2"
DEVICE = {"id": "urn:example:Device", "name": "Device", "attributes": [{"name": "serial"}]}
MODEL = Model.build(
    [*CORE_SCHEMAS, DEVICE],
    [*CORE_RESOURCE_TYPES, {"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}],
)


def test_service_provider_config_says_what_is_so() -> None:
    config: dict[str, Any] = discovery.service_provider_config(
        BASE, max_operations=1000, max_payload_size=1_048_576, cursor_timeout=600
    )
    schemes = config.pop("authenticationSchemes")
    assert config == {
        "schemas": [urns.SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1_048_576},
        "filter": {"supported": True, "maxResults": 1000},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": 100,
            "maxPageSize": 1000,
            "cursorTimeout": 600,
        },
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{BASE}/ServiceProviderConfig"},
    }
    assert [(s["type"], s["primary"]) for s in schemes] == [("oauthbearertoken", True)]


def test_documentation_uri_is_there_if_given() -> None:
    config = discovery.service_provider_config(
        BASE, max_operations=1, max_payload_size=1, cursor_timeout=1, documentation_uri="https://example.com/"
    )
    assert config["documentationUri"] == "https://example.com/"


def test_resource_types() -> None:
    user, group, device = discovery.resource_types(MODEL, BASE)
    assert user == {
        "schemas": [urns.RESOURCE_TYPE],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": urns.USER,
        "schemaExtensions": [{"schema": urns.ENTERPRISE_USER, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": f"{BASE}/ResourceTypes/User"},
    }
    assert (group["endpoint"], device["endpoint"]) == ("/Groups", "/Devices")
    assert "schemaExtensions" not in group


PROTOCOL = [urns.SERVICE_PROVIDER_CONFIG, urns.RESOURCE_TYPE, urns.SCHEMA]


def test_schemas_are_those_of_the_model_and_the_protocol() -> None:
    found = discovery.schemas(MODEL, BASE)
    own = [urns.USER, urns.ENTERPRISE_USER, urns.GROUP, "urn:example:Device"]
    assert [s["id"] for s in found] == own + PROTOCOL
    for schema in found:
        assert schema["schemas"] == [urns.SCHEMA]
        assert schema["meta"] == {"resourceType": "Schema", "location": f"{BASE}/Schemas/{schema['id']}"}


def test_no_schema_lists_a_common_attribute() -> None:
    listed: Any = [s["attributes"] for s in discovery.schemas(CORE_MODEL, BASE) if s["id"] not in PROTOCOL]
    names = {attribute["name"] for attributes in listed for attribute in attributes}
    assert {"id", "externalId", "meta", "schemas"}.isdisjoint(names)


@pytest.mark.parametrize("urn", [urns.USER, urns.USER.upper(), "URN:EXAMPLE:device"])
def test_what_schemas_shows_reads_back_as_the_same_schema(urn: str) -> None:
    shown = discovery.schema(MODEL, BASE, urn)
    assert Schema.from_json(shown).to_json() == MODEL.schemas[urn.casefold()].to_json()


@pytest.mark.parametrize("id", ["User", "USER", "device"])
def test_one_resource_type_in_any_case(id: str) -> None:
    assert str(discovery.resource_type(MODEL, BASE, id)["id"]).casefold() == id.casefold()


def test_what_there_is_not() -> None:
    with pytest.raises(NotFound, match="there are: User, Group, Device"):
        discovery.resource_type(MODEL, BASE, "Users")
    with pytest.raises(NotFound, match="/Schemas lists"):
        discovery.schema(MODEL, BASE, "urn:example:nothing")
