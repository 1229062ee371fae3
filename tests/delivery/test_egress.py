"""Where rosterd does not connect to, by whatever spelling, name, redirect or change of mind."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from delivery.receiving import Got, Receiver, World, run

from rosterd.delivery import connecting, egress
from rosterd.delivery.egress import Policy
from rosterd.scim.errors import InvalidValue
from rosterd.service.webhooks import Outcome
from rosterd.testing.scenario import BY, ENTRY

PUBLIC = Policy()

# What a URL may not name, each a way to this machine, its network or its cloud.
URLS = """
https://127.0.0.1/ https://127.1.2.3/ https://0.0.0.0/ https://0.1.2.3/ https://10.0.0.1/ https://10.255.255.255/
https://100.64.0.1/ https://100.127.255.254/ https://169.254.169.254/latest/meta-data/ https://169.254.170.2/
https://172.16.0.1/ https://172.31.255.255/ https://192.168.0.1/ https://192.0.0.170/ https://192.0.2.1/
https://192.88.99.1/ https://198.18.0.1/ https://198.19.255.255/ https://198.51.100.7/ https://203.0.113.9/
https://224.0.0.1/ https://239.255.255.255/ https://240.0.0.1/ https://255.255.255.255/
https://localhost/ https://LOCALHOST/ https://foo.localhost/ https://localhost./
https://2130706433/ https://0x7f000001/ https://0x7F.0.0.1/ https://0177.0.0.1/ https://017700000001/
https://127.1/ https://127.0.1/ https://0/ https://0x0/ https://127.0.0.1./ https://0x7f.1/ https://10.1/
https://[::1]/ https://[::]/ https://[0:0:0:0:0:0:0:1]/ https://[::127.0.0.1]/ https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/ https://[::ffff:10.0.0.1]/ https://[::ffff:169.254.169.254]/ https://[::ffff:0:127.0.0.1]/
https://[64:ff9b::127.0.0.1]/ https://[64:ff9b::a9fe:a9fe]/ https://[64:ff9b:1::1]/ https://[100::1]/
https://[2001::1]/ https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/ https://[2001:db8::1]/ https://[2001:10::1]/
https://[2002:7f00:1::]/ https://[2002:a9fe:a9fe::1]/ https://[3fff::1]/ https://[3ffe::1]/ https://[5f00::1]/
https://[fc00::1]/ https://[fd00:ec2::254]/ https://[fe80::1]/ https://[fe80::1%25eth0]/ https://[fec0::1]/
https://[ff02::1]/ https://[ff0e::1]/ https://[4000::1]/
https://app.example/#part https://user:pass@app.example/ https://app.example@127.0.0.1/ https://user@app.example/
http://app.example/ ftp://app.example/ file:///etc/passwd gopher://app.example/ //app.example/ app.example
https:/// https://:443/ https://app.example:99999/ https://app.example:x/ https://app.example\\@127.0.0.1/
https://[::1/ https://１２７.0.0.1/ https://ⓛocalhost/ https://-/ https://a..b/
"""

ALLOWED = ["https://app.example.com/hooks?x=1", "https://app.example.com:8443/", "https://93.184.216.34/"]
ALLOWED += ["https://[2606:2800:220:1:248:1893:25c8:1946]/", "https://[64:ff9b::93.184.216.34]/"]
ALLOWED += ["https://1.example/", "https://xn--bcher-kva.example/"]


@pytest.mark.parametrize("url", [*URLS.split(), "https://app .example/"])
def test_a_url_that_leads_inside_is_refused_when_it_is_said(url: str) -> None:
    with pytest.raises(InvalidValue):
        PUBLIC.check_url(url)


@pytest.mark.parametrize("url", ALLOWED)
def test_a_url_that_leads_out_is_taken(url: str) -> None:
    PUBLIC.check_url(url)


def test_there_are_many_tricks() -> None:
    assert len(set(URLS.split())) >= 80


@pytest.mark.parametrize(
    ("allow", "url", "taken"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:8000/", True),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("127.0.0.0/8", "http://93.184.216.34/", False),
        ("127.0.0.0/8", "https://10.0.0.1/", False),
        ("127.0.0.0/8, ::1", "http://localhost:8000/", True),
        ("hooks.internal", "http://hooks.internal/", True),
        ("10.0.0.0/8", "http://2130706433/", False),
        ("fd00::/8", "https://[fd00::1]/", True),
    ],
)
def test_what_is_on_the_list_is_taken(allow: str, url: str, taken: bool) -> None:
    policy = Policy.parse(allow)
    if taken:
        policy.check_url(url)
    else:
        with pytest.raises(InvalidValue):
            policy.check_url(url)


@pytest.mark.parametrize("allow", ["127.0.0.1/33", "10.0.0.0/x", "127.1", "2130706433", "a b", "https://x"])
def test_a_list_that_cannot_be_meant_is_refused(allow: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        Policy.parse(allow)


@pytest.mark.parametrize(("ports", "port", "taken"), [("443,8443", 8443, True), ("443", 8443, False)])
def test_ports_can_be_limited(ports: str, port: int, taken: bool) -> None:
    policy = Policy.parse("", ports)
    if taken:
        policy.check_url(f"https://app.example:{port}/")
    else:
        with pytest.raises(InvalidValue):
            policy.check_url(f"https://app.example:{port}/")


class Answers(AbstractResolver):
    """A resolver that says one thing after the other, and the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


async def sent(world: World, url: str) -> Outcome:
    """What comes of a test message to an endpoint that is there already, whatever its URL."""
    made, _ = await world.webhook("https://app.example/")
    await world.store.update_webhook(made, replace(made, url=url), ENTRY)
    return (await world.admin.test(await world.endpoint(made.id), by=BY)).attempt.outcome


def refused(
    tmp_path: Path,
    resolver: AbstractResolver,
    test: Callable[[World, Receiver], Awaitable[None]],
    allow: str = "",
) -> None:
    run(tmp_path, test, policy=Policy.parse(allow), resolver=resolver)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%1"],
        ["93.184.216.34", "127.0.0.1"],
        ["fd00:ec2::254"],
        ["100.100.100.200"],
    ],
)
def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(
    tmp_path: Path, addresses: list[str]
) -> None:
    async def test(world: World, hook: Receiver) -> None:
        outcome = await sent(world, "https://rebound.example/")
        assert outcome.status is None
        assert "ROSTERD_EGRESS_ALLOW" in outcome.error or "zone" in outcome.error
        assert hook.got == []

    refused(tmp_path, Answers(addresses), test)


def test_what_was_looked_at_is_what_is_connected_to(tmp_path: Path) -> None:
    """A resolver that says something else the second time is not asked a second time."""

    async def test(world: World, hook: Receiver) -> None:
        port = hook.url.split(":")[2].split("/")[0]
        outcome = await sent(world, f"http://rebound.example:{port}/")
        assert outcome.accepted
        assert hook.got[0].headers["host"] == f"rebound.example:{port}"
        assert answers.asked == 1

    answers = Answers(["127.0.0.1"], ["10.0.0.1"])
    refused(tmp_path, answers, test, "127.0.0.0/8")


def test_every_new_connection_is_looked_at_anew(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        async def closing(got: Got) -> web.Response:
            return web.Response(headers={"Connection": "close"})

        hook.answer = closing
        port = hook.url.split(":")[2].split("/")[0]
        first = await sent(world, f"http://rebound.example:{port}/")
        second = await sent(world, f"http://rebound.example:{port}/")
        assert first.accepted
        assert "10.0.0.1" in second.error
        assert "private" in second.error or "http" in second.error
        assert len(hook.got) == 1

    refused(tmp_path, Answers(["127.0.0.1"], ["10.0.0.1"]), test, "127.0.0.0/8")


def test_the_socket_itself_is_looked_at_if_nobody_asked_a_resolver(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        connector = connecting.connector(Policy(), plain=False)
        info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 443))
        with pytest.raises(egress.Refused, match="loopback"):
            connector._socket_factory(info)  # type: ignore[misc]
        await connector.close()

    run(tmp_path, test)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(tmp_path: Path, status: int) -> None:
    async def test(world: World, hook: Receiver) -> None:
        async def redirect(got: Got) -> web.Response:
            return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/inside"})

        hook.answer = redirect
        made, _ = await world.webhook(hook.url)
        outcome = (await world.admin.test(made, by=BY)).attempt.outcome
        assert outcome.status == status
        assert "redirects are not followed" in outcome.error
        assert len(hook.got) == 1

    run(tmp_path, test)


def test_http_is_for_the_list_only_and_proxies_of_the_environment_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    async def test(world: World, hook: Receiver) -> None:
        made, _ = await world.webhook(hook.url)
        assert (await world.admin.test(made, by=BY)).attempt.outcome.accepted
        outcome = await sent(world, "http://public.example/")
        assert "http" in outcome.error

    refused(tmp_path, Answers(["93.184.216.34"]), test, "127.0.0.0/8")


def test_a_name_on_the_list_may_lead_anywhere(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        port = hook.url.split(":")[2].split("/")[0]
        assert (await sent(world, f"http://hooks.internal:{port}/")).accepted

    refused(tmp_path, Answers(["127.0.0.1"]), test, "hooks.internal")


def test_a_name_that_many_wait_for_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    answered = threading.Event()

    def look_up(host: str, *rest: object, **more: object) -> list[object]:
        asked.append(host)
        assert answered.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def main() -> None:
        resolver = connecting.PooledResolver()
        waiting = [asyncio.create_task(resolver.resolve("slow.example", 443)) for _ in range(50)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # who gives up does not take the answer from the others
        answered.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert asked == ["slow.example"]
        assert [each[0]["host"] for each in found[1:] if not isinstance(each, BaseException)] == [
            "192.0.2.1"
        ] * 49
        await resolver.close()

    asyncio.run(main())


def test_the_real_resolver_is_used_and_its_answers_are_looked_at() -> None:
    async def main() -> None:
        checked = connecting.CheckedResolver(Policy(), plain=False)
        for name in ("localhost", "2130706433", "0x7f.1"):
            with pytest.raises(OSError, match=r"loopback|not known|service"):
                await checked.resolve(name, 443)
        await checked.close()

    asyncio.run(main())


@pytest.mark.parametrize("url", ["HTTP://app.example/", "Http://app.example/", "\x01https://app.example/"])
def test_a_scheme_in_other_letters_does_not_pass_for_https(url: str) -> None:
    with pytest.raises(InvalidValue):
        Policy.parse("10.0.0.0/8").check_url(url)
