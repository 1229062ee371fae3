"""``rosterd webhook create-stream`` and ``rosterd set-key`` as users and scripts see them."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from judges import commands

from rosterd.wiring import Settings, open_service

ISSUER = "https://id.example"
AUDIENCE = "https://app.example"


said = partial(commands.said, ROSTERD_BASE_URL=ISSUER)
result = partial(commands.result, ROSTERD_BASE_URL=ISSUER)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the default directory, in which nothing has happened."""

    async def make() -> None:
        async with open_service(Settings(data=tmp_path / "data")) as service:
            await service.setup()

    asyncio.run(make())
    return tmp_path / "data"


def test_a_stream_that_is_polled_is_made_shown_and_changed(data: Path) -> None:
    create = ("webhook", "create-stream", AUDIENCE, "--directory", "default", "--data", data)
    id = said(*create, "--quiet").strip()
    made = result("webhook", "show", id, "--data", data)
    assert (made["url"], made["secrets"]) == ("", [])
    assert made["stream"] == {
        "audience": AUDIENCE,
        "method": "poll",
        "detail": "full",
        "vocabulary": "both",
        "authorization": False,
    }
    changed = result("webhook", "update-stream", id, "--detail", "notice", "--data", data)
    assert changed["stream"] == made["stream"] | {"detail": "notice"}
    shown = said("webhook", "show", id, "--data", data)
    assert "polled" in shown
    assert AUDIENCE in shown
    said("webhook", "test", id, "--data", data, code=4)


def test_a_push_has_its_authorization_from_a_file_or_from_the_input(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "authorization"
    file.write_text("Bearer s3cret\n")
    create = ("webhook", "create-stream", AUDIENCE, "--url", "https://app.example/sets", "--data", data)
    for given, typed in ((str(file), None), ("-", "Bearer s3cret\n")):
        made = result(*create, "--authorization-file", given, typed=typed)
        assert (made["directory"], made["stream"]["method"]) == (None, "push")
        assert made["stream"]["authorization"] is True
        assert "s3cret" not in str(made)


def test_without_a_public_url_the_reason_is_told(data: Path) -> None:
    create = ("webhook", "create-stream", AUDIENCE, "--directory", "default", "--data", data)
    told = said(*create, code=2, ROSTERD_BASE_URL="")
    assert "ROSTERD_BASE_URL" in told
    assert result("set-key", "list", "--data", data) == []


def test_keys_are_listed_and_rotated(data: Path) -> None:
    said("webhook", "create-stream", AUDIENCE, "--directory", "default", "--data", data)
    (first,) = result("set-key", "list", "--data", data)
    assert (first["algorithm"], first["state"]) == ("ES256", "signing")
    told = said("set-key", "rotate", "--algorithm", "RS256", "--data", data)
    following, former = result("set-key", "list", "--data", data)
    assert following["kid"] in told
    assert (following["state"], former["kid"]) == ("next", first["kid"])
    assert following["signs"] in told
    refused = said("set-key", "rotate", "--data", data, code=4)
    assert following["signs"][:16] in refused
    alone = result("set-key", "rotate", "--at-once", "--data", data)
    assert [key["kid"] for key in result("set-key", "list", "--data", data)] == [alone["kid"]]
    assert first["kid"] in said("audit", "list", "--data", data, "--json")
