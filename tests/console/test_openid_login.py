"""Logging in by an OpenID provider, which runs on a port of its own and can be made to lie."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from console.pages import ORIGIN, Shown, Visit, World
from console.pages import run as run_console
from console.provider import (
    CLIENT,
    CLIENT_SECRET,
    Provider,
    by_a_key_of_ones_own,
    by_the_public_key,
    unsigned,
    with_the_key_inside,
)
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from rosterd.http import openid
from rosterd.service.visitor import OPERATOR, VIEWER
from rosterd.testing.scenario import BY

CALLBACK = "/login/openid/callback"
Test = Callable[[World, Provider], Awaitable[None]]


def run(path: Path, test: Test, **settings: Any) -> None:
    """Run a test with a provider that knows ann, who is an administrator too."""
    provider = Provider()

    async def with_provider(world: World) -> None:
        await world.service.access.administrators.create("Ann@example.com", OPERATOR, by=BY)
        async with provider.running():
            await test(world, provider)

    given = {"oidc_issuer": provider.origin, "oidc_client_id": CLIENT, "oidc_client_secret": CLIENT_SECRET}
    run_console(path, with_provider, **{**given, **settings})


async def begun(visit: Visit, **query: str) -> str:
    """Begin a log-in; the address at the provider."""
    shown = await visit.get("/login/openid", **query)
    assert "rosterd-openid" in visit.client.cookies
    return shown.leads_to


async def whole(visit: Visit, provider: Provider, **query: str) -> Shown:
    """Begin, be known to the provider, come back."""
    return await visit.get(provider.authorize(await begun(visit, **query)))


async def refused(visit: Visit, shown: Shown, *words: str, status: int = 403) -> None:
    """It did not work: the log-in page says why, there is no session, and the flow is over."""
    assert shown.status == status, shown.words
    assert shown.heading == "Log in"
    for word in words:
        assert word in shown.words
    assert "rosterd" not in visit.client.cookies
    assert "rosterd-openid" not in visit.client.cookies
    assert (await visit.get("/account")).leads_to.startswith("/login?next=")


def test_whoever_the_provider_knows_comes_in_and_goes_on_where_they_wanted(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        visit = world.guest()
        login = await visit.get("/login", next="/account")
        assert "Log in with The Firm" in login.words
        assert "/login/openid?next=%2Faccount" in login.html or "/login/openid?next=/account" in login.html
        shown = await whole(visit, provider, next="/account")
        assert shown.leads_to == "/account"
        assert "rosterd-openid" not in visit.client.cookies
        assert (await visit.get("/account")).heading == "Ann@example.com"
        assert (await whole(visit, provider)).leads_to == "/"
        assert provider.asked.count("/.well-known/openid-configuration") == 1
        assert provider.asked.count("/keys") == 1
        linked = await world.service.access.administrators.named("ann@example.com")
        assert (linked.issuer, linked.subject) == (provider.origin, "s1")

    run(tmp_path, test, oidc_name="The Firm")


def test_without_a_provider_there_is_no_such_way(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = world.guest()
        assert "/login/openid" not in (await visit.get("/login")).html
        for path in ("/login/openid", CALLBACK):
            assert (await visit.get(path)).status == 404

    run_console(tmp_path, test)


# What the provider, or somebody in its place, says wrongly: attribute or claim, and the words on the page.
CLAIMS: list[tuple[str, dict[str, Any], str]] = [
    ("of another log-in", {"nonce": "another"}, "'nonce'"),
    ("without a nonce", {"nonce": None}, "'nonce'"),
    ("for somebody else", {"aud": "another client"}, "'aud'"),
    ("for somebody else and others", {"aud": ["another", "third"]}, "'aud'"),
    ("for us among others, by nobody", {"aud": [CLIENT, "another"]}, "'azp'"),
    ("for us among others, by another", {"aud": [CLIENT, "another"], "azp": "another"}, "'azp'"),
    ("by another", {"azp": "another"}, "'azp'"),
    ("of another issuer", {"iss": "https://evil.example"}, "'iss'"),
    ("of no issuer", {"iss": None}, "'iss'"),
    ("expired", {"exp": int(time.time()) - 61}, "'exp'"),
    ("without an end", {"exp": None}, "'exp'"),
    ("with an end in words", {"exp": "tomorrow"}, "'exp'"),
    ("of tomorrow", {"iat": int(time.time()) + 86_400}, "'iat'"),
    ("of yesterday", {"iat": int(time.time()) - 86_400}, "'iat'"),
    ("without a beginning", {"iat": None}, "'iat'"),
    ("that does not hold yet", {"nbf": int(time.time()) + 3600}, "'nbf'"),
    ("that holds from a word on", {"nbf": "now"}, "'nbf'"),
    ("of nobody", {"sub": None}, "'sub'"),
    ("of an empty name", {"sub": ""}, "'sub'"),
    ("of a number", {"sub": 7}, "'sub'"),
    ("with an address nobody checked", {"email_verified": False}, "checked your e-mail"),
    ("that does not say who checked", {"email_verified": None}, "checked your e-mail"),
    ("with a lie about it", {"email_verified": 1.5}, "checked your e-mail"),
    ("of a stranger", {"email": "eve@example.com"}, "no administrator here"),
    ("with a list of addresses", {"email": ["ann@example.com"]}, "checked your e-mail"),
]


@pytest.mark.parametrize(("claims", "words"), [row[1:] for row in CLAIMS], ids=[row[0] for row in CLAIMS])
def test_an_id_token_that_is_not_right_lets_nobody_in(
    tmp_path: Path, claims: dict[str, Any], words: str
) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.claims.update(claims)
        visit = world.guest()
        await refused(visit, await whole(visit, provider), words)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (unsigned, "signed by none"),
        (by_the_public_key, "signed by HS256"),
        (by_a_key_of_ones_own, "signature"),
        (with_the_key_inside, "does not publish"),
        (lambda provider, claims: "a.b.c", "signature"),
        (lambda provider, claims: "", "signature"),
        (lambda provider, claims: None, "no ID token"),
    ],
    ids=[
        "alg none",
        "HS256 with the public key",
        "another key",
        "key inside",
        "no token",
        "empty",
        "missing",
    ],
)
def test_a_signature_that_is_not_the_providers_lets_nobody_in(tmp_path: Path, sign: Any, words: str) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.sign = sign
        visit = world.guest()
        await refused(visit, await whole(visit, provider), words)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"state": ""}, "state"),
        ({"state": "another"}, "state"),
        ({"code": "guessed"}, "refused the code (invalid_grant)"),
        ({"code": ""}, "no code"),
        ({"code": "", "error": "access_denied"}, "access_denied"),
        ({"iss": "https://evil.example"}, "another issuer"),
    ],
    ids=["no state", "another state", "guessed code", "no code", "error", "mixed up"],
)
def test_an_answer_that_does_not_fit_lets_nobody_in(
    tmp_path: Path, answer: dict[str, str], words: str
) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.answer = answer
        visit = world.guest()
        await refused(visit, await whole(visit, provider), words)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"authorization_endpoint": None}, "no authorization_endpoint"),
        ({"token_endpoint": "file:///etc"}, "no token_endpoint"),
    ],
    ids=["another issuer", "no endpoint", "no address"],
)
def test_metadata_that_is_not_right_begins_nothing(
    tmp_path: Path, metadata: dict[str, Any], words: str
) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.metadata = metadata
        visit = world.guest()
        await refused(visit, await visit.get("/login/openid"), words)

    run(tmp_path, test)


def test_an_issuer_that_says_it_names_itself_must(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.metadata = {"authorization_response_iss_parameter_supported": True}
        provider.answer = {"iss": ""}
        visit = world.guest()
        await refused(visit, await whole(visit, provider), "another issuer")
        provider.answer = {}
        assert (await whole(visit, provider)).leads_to == "/"

    run(tmp_path, test)


def test_an_answer_counts_once_and_in_its_own_browser_only(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        mine, theirs = world.guest(), world.guest()
        back = provider.authorize(await begun(mine))
        await refused(theirs, await theirs.get(back), "not begun in this browser")
        await begun(theirs)
        await refused(theirs, await theirs.get(back), "state")
        cookie = mine.client.cookies["rosterd-openid"]
        assert (await mine.get(back)).leads_to == "/"
        again = world.guest()
        await refused(again, await again.get(back), "not begun in this browser")
        again.client.cookies.set("rosterd-openid", cookie, domain="sp.example", path="/")
        await refused(again, await again.get(back), "refused the code")

    run(tmp_path, test)


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: "x" + c, lambda c: ".", lambda c: c.split(".")[0]]
)
def test_a_flow_that_was_not_signed_here_is_none(tmp_path: Path, change: Callable[[str], str]) -> None:
    async def test(world: World, provider: Provider) -> None:
        visit = world.guest()
        back = provider.authorize(await begun(visit))
        forged = change(visit.client.cookies["rosterd-openid"])
        visit.client.cookies.set("rosterd-openid", forged, domain="sp.example", path="/")
        await refused(visit, await visit.get(back), "not begun in this browser")

    run(tmp_path, test)


@pytest.mark.parametrize(("site", "begins"), [("cross-site", False), ("same-site", False), ("none", True)])
def test_another_site_begins_no_log_in(tmp_path: Path, site: str, begins: bool) -> None:
    async def test(world: World, provider: Provider) -> None:
        client = world.guest().client
        reply = await client.get(
            "/login/openid", params={"next": "/account"}, headers={"Sec-Fetch-Site": site}
        )
        assert (reply.status_code, "rosterd-openid" in client.cookies) == (
            (303, True) if begins else (200, False)
        )
        if not begins:
            assert "/login/openid?next=" in reply.text
            assert not provider.asked

    run(tmp_path, test)


def test_a_log_in_that_took_too_long_is_over(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        visit = world.guest()
        back = provider.authorize(await begun(visit))
        now = world.service.http.openid._now  # type: ignore[union-attr]
        world.service.http.openid._now = lambda: now() + openid.FLOW_SECONDS * 1000 + 1  # type: ignore[union-attr]
        await refused(visit, await visit.get(back), "took too long")

    run(tmp_path, test)


@pytest.mark.parametrize(
    "to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", ""]
)
def test_nobody_is_led_elsewhere(tmp_path: Path, to: str) -> None:
    async def test(world: World, provider: Provider) -> None:
        visit = world.guest()
        assert (await whole(visit, provider, next=to)).leads_to == "/"

    run(tmp_path, test)


def test_every_log_in_has_secrets_of_its_own_and_says_the_verifier_to_nobody(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        seen: list[str] = []
        for _ in range(2):
            visit = world.guest()
            query = parse_qs(urlsplit(await begun(visit)).query)
            assert query["redirect_uri"] == [ORIGIN + CALLBACK]
            seen += [*query["state"], *query["nonce"], *query["code_challenge"]]
            flow = openid.unseal(
                visit.client.cookies["rosterd-openid"], world.service.http.console._console.secret
            )
            assert flow is not None
            assert flow.verifier not in str(query)
        assert len(set(seen)) == 6
        assert all(len(value) >= 43 for value in seen)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS512", lambda: RSAKey.generate_key(2048, auto_kid=True)),
        ("PS256", lambda: RSAKey.generate_key(2048, auto_kid=True)),
        ("ES256", lambda: ECKey.generate_key("P-256", auto_kid=True)),
        ("ES384", lambda: ECKey.generate_key("P-384", auto_kid=True)),
    ],
)
def test_signatures_that_are_taken(tmp_path: Path, algorithm: str, key: Callable[[], Any]) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.key, provider.algorithm = key(), algorithm
        provider.published.append(provider.key)
        assert (await whole(world.guest(), provider)).leads_to == "/"

    run(tmp_path, test)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_key_that_can_be_broken_lets_nobody_in(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.key = RSAKey.import_key(rsa.generate_private_key(65537, 1024), {"kid": "short"})  # noqa: S505
        provider.published.append(provider.key)
        visit = world.guest()
        await refused(visit, await whole(visit, provider), "too short")

    run(tmp_path, test)


def test_a_key_without_an_id_is_the_only_one_of_its_kind(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        def nameless(provider: Provider, claims: dict[str, Any]) -> str:
            return jwt.encode({"alg": "RS256"}, claims, provider.key, ["RS256"])

        provider.sign = nameless
        assert (await whole(world.guest(), provider)).leads_to == "/"

    run(tmp_path, test)


def test_keys_are_fetched_again_for_an_unknown_one_but_not_often(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        visit = world.guest()
        assert (await whole(visit, provider)).leads_to == "/"
        provider.rotate()
        blocked = world.guest()
        await refused(blocked, await whole(blocked, provider), "does not publish")
        assert provider.asked.count("/keys") == 1
        now = world.service.http.openid._now  # type: ignore[union-attr]
        world.service.http.openid._now = lambda: now() + 59_000  # type: ignore[union-attr]
        await refused(blocked, await whole(blocked, provider), "does not publish")
        world.service.http.openid._keys_at -= 60_000  # type: ignore[union-attr]
        assert (await whole(blocked, provider)).leads_to == "/"
        assert provider.asked.count("/keys") == 2

    run(tmp_path, test)


def test_what_the_id_token_leaves_out_is_asked_for(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.claims.update(email=None, email_verified=None)
        provider.user_info = {"sub": "another", "email": "ann@example.com", "email_verified": True}
        visit = world.guest()
        await refused(visit, await whole(visit, provider), "somebody else")
        provider.user_info["sub"] = "s1"
        assert (await whole(visit, provider)).leads_to == "/"

    run(tmp_path, test)


def test_a_provider_that_is_away_is_told(tmp_path: Path) -> None:
    async def away(world: World) -> None:
        visit = world.guest()
        with structlog.testing.capture_logs() as lines:
            shown = await visit.get("/login/openid")
        await refused(visit, shown, "does not answer", status=503)
        (line,) = [line for line in lines if line["event"] == "the identity provider does not answer"]
        assert line["log_level"] == "warning"
        assert "Connect" in line["cause"]
        assert shown.response.headers["retry-after"] == "60"

    gone = Provider()
    gone._socket.close()
    settings = {"oidc_issuer": gone.origin, "oidc_client_id": CLIENT, "oidc_client_secret": CLIENT_SECRET}
    run_console(tmp_path, away, **settings)


def test_a_default_role_lets_everybody_of_the_issuer_in(tmp_path: Path) -> None:
    async def test(world: World, provider: Provider) -> None:
        provider.claims.update(sub="s2", email="eve@example.com")
        visit = world.guest()
        assert (await whole(visit, provider)).leads_to == "/"
        eve = await world.service.access.administrators.named("eve@example.com")
        assert (eve.role, eve.subject, eve.password) == (VIEWER, "s2", None)

    run(tmp_path, test, oidc_default_role=VIEWER)
