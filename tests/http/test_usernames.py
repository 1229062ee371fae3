"""A userName that looks the same is the same, however its characters are composed (RFC 7644 §5)."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from service.management import World, run

from rosterd.scim import urns
from rosterd.scim.folding import prepared

NFC = unicodedata.normalize("NFC", "José@x.example")
NFD = unicodedata.normalize("NFD", NFC)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ann@x.example", "Ann@x.example"),
        (NFD, NFC),
        ("Ａnn＠x.example", "Ann@x.example"),
        ("ｱ", "ア"),
        ("Straße ﬁ ²", "Straße ﬁ ²"),
        ("", ""),
    ],
)
def test_width_and_composition_are_made_one(written: str, kept: str) -> None:
    assert prepared(written) == kept
    assert prepared(kept) == kept


def body(name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": name, **more}


def test_one_name_makes_one_account_and_is_found_by_either_form(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await world.user(NFD)
        assert made["userName"] == NFC
        for name in (NFC, NFD, NFD.upper(), NFC.replace("x", "ｘ")):
            again = await world.scim.post("/Users", json=body(name))
            assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness"), ascii(name)
            for text in (f'userName eq "{name}"', f'userName sw "{name[:5]}"', f'not (userName ne "{name}")'):
                found = (await world.scim.get("/Users", params={"filter": text})).json()
                assert [one["id"] for one in found["Resources"]] == [made["id"]], ascii(text)
        same = await world.scim.put(f"/Users/{made['id']}", json=body(NFD))
        assert same.json()["meta"]["version"] == made["meta"]["version"]

    run(tmp_path, test)


def test_other_attributes_stay_as_they_are_written(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await world.user("ann", nickName=NFD, displayName=NFD)
        assert (made["nickName"], made["displayName"]) == (NFD, NFD)

    run(tmp_path, test)
