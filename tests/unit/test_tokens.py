"""Tokens: form, lifetime, scopes, and who is let in."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace

import pytest

from rosterd.scim import errors
from rosterd.service.audit import Entry
from rosterd.service.control import Connection, Credential, Directory, Token
from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME, Tokens, digest, token_id, verify
from rosterd.testing.scenario import BY

NOW = 1_800_000_000_000


class Kept:
    """Keeps what Tokens hands over; only the calls that Tokens makes here."""

    def __init__(self) -> None:
        self.rows: list[Token] = []
        self.entries: list[Entry] = []

    async def connection_names(self, directory: int) -> Mapping[int, str]:
        return {2: "okta"}

    async def create_token(self, token: Token, entry: Entry) -> None:
        self.rows.append(token)
        self.entries.append(entry)

    async def tokens(self, directory: int, connection: int | None = None) -> tuple[Token, ...]:
        return tuple(t for t in self.rows if t.directory == directory)

    async def rotate_token(self, token: Token, old: str, at: int, entry: Entry) -> bool:
        self.rows = [replace(row, revoked=at) if row.id == old else row for row in self.rows]
        await self.create_token(token, entry)
        return True


def issue(**options: object) -> tuple[Kept, Token, str]:
    kept = Kept()
    tokens = Tokens(kept, lambda: NOW, os.urandom)  # type: ignore[arg-type]
    token, text = asyncio.run(tokens.issue(1, 2, by=BY, **options))  # type: ignore[arg-type]
    return kept, token, text


def credential(token: Token) -> Credential:
    return Credential(token, Connection(2, 1, "okta", 0), Directory(1, "default", 0, 0))


def test_a_token_says_its_id_and_keeps_its_secret() -> None:
    kept, token, text = issue(label="Okta")
    assert text.startswith(f"rst_{token.id}_") and len(text) == 66 and text.replace("_", "").isalnum()
    assert token_id(text) == token.id
    assert kept.rows == [token] and text not in repr(token) and token.digest == digest(text)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t[:-1],
        lambda t: t + "x",
        lambda t: t[:-1] + ("a" if t[-1] != "a" else "b"),
        lambda t: t[:20] + ("a" if t[20] != "a" else "b") + t[21:],
        lambda t: t.replace("rst_", "rsx_"),
        lambda t: t[:20] + "é" + t[21:],
        lambda t: "",
    ],
)
def test_a_mistyped_token_is_told_from_an_unknown_one(spoil) -> None:  # type: ignore[no-untyped-def]
    assert token_id(spoil(issue()[2])) is None


@pytest.mark.parametrize(
    ("lifetime", "fits"),
    [(MIN_LIFETIME, True), (MIN_LIFETIME - 1, False), (MAX_LIFETIME, True), (MAX_LIFETIME + 1, False)],
)
def test_a_lifetime_is_60_seconds_to_10_years(lifetime: int, fits: bool) -> None:
    if fits:
        assert issue(lifetime=lifetime)[1].expires == NOW + lifetime * 1000
    else:
        with pytest.raises(errors.InvalidValue, match="60 to 315360000 seconds"):
            issue(lifetime=lifetime)


@pytest.mark.parametrize("scopes", [(), ("scim.admin",), ("scim.read", "x")])
def test_unknown_or_no_scopes_are_refused(scopes: tuple[str, ...]) -> None:
    with pytest.raises(errors.InvalidValue, match=r"scim\.read, scim\.write"):
        issue(scopes=scopes)


@pytest.mark.parametrize(
    ("change", "text", "detail"),
    [
        ({}, "right", None),
        ({}, "wrong", "not known"),
        ({"expires": NOW}, "right", "expired"),
        ({"expires": NOW + 1}, "right", None),
        ({"revoked": NOW}, "right", "revoked"),
        ({"revoked": NOW + 1}, "right", None),
    ],
)
def test_only_the_right_valid_token_is_let_in(change: dict, text: str, detail: str | None) -> None:
    _, token, right = issue()
    row = credential(replace(token, **change))
    given = right if text == "right" else right[:-6] + "000000"
    if detail is None:
        assert verify(row, given, NOW) is row
    else:
        with pytest.raises(errors.Unauthorized, match=detail):
            verify(row, given, NOW)


def test_an_unknown_id_is_not_let_in() -> None:
    with pytest.raises(errors.Unauthorized, match="not known"):
        verify(None, issue()[2], NOW)


def test_rotation_leaves_both_tokens_valid_for_the_overlap() -> None:
    kept, token, _ = issue(label="Okta", lifetime=3600)
    tokens = Tokens(kept, lambda: NOW, os.urandom)  # type: ignore[arg-type]
    new, text = asyncio.run(tokens.rotate(1, token.id, overlap=60, by=BY))
    assert (new.label, new.connection, new.expires) == ("Okta", 2, NOW + 3_600_000)
    assert token_id(text) == new.id != token.id
    assert kept.rows[0].revoked == NOW + 60_000
    created, rotated = kept.entries
    assert (created.action, created.target) == ("token.created", f"token {token.id} of connection 'okta'")
    assert (rotated.action, rotated.target) == ("token.rotated", created.target)
    assert rotated.after["newToken"] == new.id


def test_a_token_of_another_directory_cannot_be_rotated() -> None:
    kept, token, _ = issue()
    tokens = Tokens(kept, lambda: NOW, os.urandom)  # type: ignore[arg-type]
    with pytest.raises(errors.NotFound):
        asyncio.run(tokens.rotate(7, token.id, by=BY))


def test_an_expired_token_cannot_be_rotated() -> None:
    kept, token, _ = issue()
    kept.rows[0] = replace(token, expires=NOW)
    with pytest.raises(errors.Conflict):
        asyncio.run(Tokens(kept, lambda: NOW, os.urandom).rotate(1, token.id, by=BY))  # type: ignore[arg-type]
