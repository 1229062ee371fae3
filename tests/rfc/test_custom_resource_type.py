"""RFC 7643 §2 and §7: a resource type of one's own obeys the characteristics of its attributes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges.harness import Server, check_error, created, page, patch, running, scim_client

CUSTOM = Path(__file__).parents[1] / "judges" / "custom"
DEVICE = "urn:example:params:scim:schemas:core:2.0:Device"
LEASE = "urn:example:params:scim:schemas:extension:lease:2.0:Device"


@pytest.fixture(scope="module")
def server_with_devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = [f"--schemas={CUSTOM / 'device-schemas.json'}"]
    options += [f"--resource-types={CUSTOM / 'device-resource-types.json'}"]
    with running(tmp_path_factory.mktemp("devices") / "data", *options) as server:
        yield server


@pytest.fixture
def scim(server_with_devices: Server) -> Iterator[httpx.Client]:
    with scim_client(server_with_devices.base_url, server_with_devices.token()) as client:
        yield client
        for listed in page(client, "/Devices")["Resources"]:
            client.delete(f"/Devices/{listed['id']}")


@pytest.fixture(scope="module")
def strict(server_with_devices: Server) -> Iterator[httpx.Client]:
    """A connection that tolerates nothing."""
    server_with_devices.cli("connection", "create", "strict", "--profile", "strict")
    token = server_with_devices.token("--connection", "strict")
    with scim_client(server_with_devices.base_url, token) as client:
        yield client


def device(serial: str, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [DEVICE], "serialNumber": serial, **attributes}


FULL = device(
    "SN-1",
    schemas=[DEVICE, LEASE],
    displayName="Babs's laptop",
    model="laptop",
    assetTag="A-7",
    unlockCode="4711",
    remarks="dented",
    cores=8,
    weight=1.25,
    managed=True,
    boughtOn="2024-02-29T10:00:00Z",
    certificate="MIIB",
    manual="https://example.com/manual",
    owner={"value": "u1"},
    labels=["red", "blue"],
    addresses=[{"value": "10.0.0.7", "type": "wired", "primary": True}, {"value": "10.0.0.8"}],
    **{
        LEASE: {
            "contract": "C1",
            "endsOn": "2027-01-01T00:00:00Z",
            "rate": {"amount": 9.5, "currency": "EUR"},
        }
    },
)


def test_every_kind_of_value_comes_back(scim: httpx.Client) -> None:
    made = created(scim, "/Devices", FULL)
    kept = {k: v for k, v in made.items() if k not in ("id", "meta")}
    assert kept.pop("remarks", "dented") == "dented"
    assert kept == {k: v for k, v in FULL.items() if k not in ("unlockCode", "remarks")}
    assert made["meta"]["resourceType"] == "Device"
    assert made["meta"]["location"].endswith(f"/Devices/{made['id']}")
    read = scim.get(f"/Devices/{made['id']}").json()
    assert read == {k: v for k, v in made.items() if k != "remarks"}


def test_returned_never_and_request(scim: httpx.Client) -> None:
    path = f"/Devices/{created(scim, '/Devices', FULL)['id']}"
    asked = scim.get(path, params={"attributes": "remarks,unlockCode"}).json()
    assert asked["remarks"] == "dented"
    assert "unlockCode" not in asked
    response = scim.get("/Devices", params={"filter": 'unlockCode eq "4711"'})
    assert response.json()["scimType"] == "invalidFilter"


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"cores": 1.5}, "cores"),
        ({"cores": "many"}, "cores"),
        ({"weight": "heavy"}, "weight"),
        ({"managed": 1}, "managed"),
        ({"boughtOn": "yesterday"}, "boughtOn"),
        ({"boughtOn": "2024-02-30T10:00:00Z"}, "boughtOn"),
        ({"certificate": "not base64!"}, "certificate"),
        ({"labels": "red"}, "labels"),
        ({"labels": [{"value": "red"}]}, "labels"),
        ({"owner": "u1x"}, "owner"),
        ({"displayName": ["x"]}, "displayName"),
        ({"addresses": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]}, "addresses"),
        ({LEASE: {"endsOn": "2027-01-01T00:00:00Z"}}, "contract"),
    ],
)
def test_a_value_of_another_type_is_refused(
    strict: httpx.Client, attributes: dict[str, Any], named: str
) -> None:
    response = strict.post("/Devices", json=device("SN-x", **attributes))
    assert response.status_code == 400, response.text
    assert response.json()["scimType"] == "invalidValue"
    assert named in response.json()["detail"]


def test_returned_request_is_in_the_reply_to_a_change_that_names_it(scim: httpx.Client) -> None:
    """RFC 7643 §2.2: "returned in response to any PUT, POST, or PATCH operations if … specified"."""
    made = created(scim, "/Devices", FULL)
    path = f"/Devices/{made['id']}"
    change = patch({"op": "replace", "path": "remarks", "value": "scratched"})
    replies = [made, scim.put(path, json=FULL).json(), scim.patch(path, json=change).json()]
    assert [reply.get("remarks") for reply in replies] == ["dented", "dented", "scratched"]
    silent = scim.patch(path, json=patch({"op": "add", "path": "displayName", "value": "x"})).json()
    assert "remarks" not in silent


def test_required_and_unique(scim: httpx.Client) -> None:
    missing = scim.post("/Devices", json={"schemas": [DEVICE], "displayName": "x"})
    assert (missing.status_code, missing.json()["scimType"]) == (400, "invalidValue")
    created(scim, "/Devices", device("SN-2"))
    taken = scim.post("/Devices", json=device("SN-2"))
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    assert "serialNumber" in taken.json()["detail"]
    created(scim, "/Devices", device("sn-2"))


def test_an_immutable_value_is_given_once(scim: httpx.Client) -> None:
    path = f"/Devices/{created(scim, '/Devices', device('SN-3'))['id']}"
    assert scim.patch(path, json=patch({"op": "add", "path": "assetTag", "value": "A"})).status_code == 200
    for response in (
        scim.patch(path, json=patch({"op": "replace", "path": "assetTag", "value": "B"})),
        scim.patch(path, json=patch({"op": "remove", "path": "assetTag"})),
        scim.put(path, json=device("SN-3", assetTag="B")),
    ):
        assert (response.status_code, response.json()["scimType"]) == (400, "mutability"), response.text
        check_error(response.json(), 400)
    assert scim.put(path, json=device("SN-3", assetTag="A")).status_code == 200
    assert scim.put(path, json=device("SN-3")).json()["assetTag"] == "A"


def test_filters_and_sorting_know_the_types(scim: httpx.Client) -> None:
    created(scim, "/Devices", FULL)
    created(scim, "/Devices", device("SN-4", cores=16, weight=10, boughtOn="2025-01-01T00:00:00+02:00"))
    created(scim, "/Devices", device("SN-5", cores=4, weight=9.75, managed=False))
    for text, serials in (
        ("cores gt 4", ["SN-1", "SN-4"]),
        ("cores le 8", ["SN-1", "SN-5"]),
        ("weight lt 9.8", ["SN-1", "SN-5"]),
        ("weight ge 10.0", ["SN-4"]),
        ("managed eq false", ["SN-5"]),
        ('boughtOn gt "2024-12-31T21:59:59Z"', ["SN-4"]),
        ('boughtOn eq "2024-12-31T22:00:00Z"', ["SN-4"]),
        ('boughtOn le "2024-02-29T11:00:00+01:00"', ["SN-1"]),
        ('labels eq "BLUE"', ["SN-1"]),
        ('addresses[type eq "wired" and primary eq true]', ["SN-1"]),
        ('addresses co "10.0"', ["SN-1"]),
        (f'{LEASE}:rate.currency eq "eur"', ["SN-1"]),
        (f"{LEASE}:rate.amount lt 10", ["SN-1"]),
        ('serialNumber eq "sn-4"', []),
        ("not (cores pr)", []),
    ):
        found = page(scim, "/Devices", filter=text)
        assert [r["serialNumber"] for r in found["Resources"]] == serials, text
    by_weight = page(scim, "/Devices", sortBy="weight", sortOrder="descending")["Resources"]
    assert [r["weight"] for r in by_weight] == [10, 9.75, 1.25]
    by_date = page(scim, "/Devices", sortBy="boughtOn")["Resources"]
    assert [r["serialNumber"] for r in by_date] == ["SN-1", "SN-4", "SN-5"]


def test_the_definition_is_shown_as_it_was_given(scim: httpx.Client) -> None:
    shown = scim.get(f"/Schemas/{DEVICE}").json()
    by_name = {a["name"]: a for a in shown["attributes"]}
    assert by_name["assetTag"]["mutability"] == "immutable"
    assert by_name["unlockCode"]["returned"] == "never"
    assert by_name["model"]["canonicalValues"] == ["laptop", "phone"]
    assert by_name["owner"]["subAttributes"][1]["referenceTypes"] == ["User"]
    assert scim.get("/ResourceTypes/Device").json()["schemaExtensions"] == [
        {"schema": LEASE, "required": False}
    ]
