"""The receiver in docs/security-events.md does what it says, and the document's table is the code's."""

import asyncio
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from delivery.receiving import opened
from delivery.sets import ISSUER, signing_in

from rosterd.delivery.set_push import REFUSALS
from rosterd.service.set_polls import DEFAULT_EVENTS, MAX_WAIT, WINDOW
from rosterd.service.set_stream import Stream
from rosterd.service.signing_keys import AHEAD, KEEP
from rosterd.testing.scenario import BY

TEXT = Path(__file__).parents[2].joinpath("docs", "security-events.md").read_text()
DAY = 86_400_000


def test_the_receiver_of_the_document_takes_every_token_once_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    keys = tmp_path / "keys.json"
    for name, value in (("ISSUER", ISSUER), ("AUDIENCE", "app"), ("KEYS", keys.as_uri())):
        monkeypatch.setenv(f"SET_{name}", value)
    names: dict[str, Any] = {}
    exec(compile(example, "security-events.md", "exec"), names)  # noqa: S102 - our own document

    async def test() -> None:
        runner = web.AppRunner(names["app"])
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/sets"
        async with opened(tmp_path) as plain:
            sets = signing_in(plain)
            world = sets.world
            acme = await world.directory("acme")
            made, _ = await world.admin.create(url, stream=Stream("app"), by=BY)
            keys.write_bytes(orjson.dumps(await sets.signing.jwks()))
            assert (await world.admin.test(made, by=BY)).attempt.outcome.status == 202
            await world.happen(acme)
            await world.happen(acme, type="user.deleted")
            await world.worker.settle()
            await world.admin.replay(made, acme, by=BY)
            await world.worker.settle()
            statuses = [row.attempt.outcome.status for row in await world.store.attempts(made.id, None, 99)]
            assert statuses == [202] * 5
            assert capsys.readouterr().out.splitlines() == [
                "verification ",
                "urn:ietf:params:scim:event:prov:create:full /Users/u0",
                "urn:ietf:params:scim:event:prov:delete /Users/u0",
                "session-revoked /Users/u0",
            ]
            other, _ = await world.admin.create(url, stream=Stream("other"), by=BY)
            assert "(invalid_audience)" in (await world.admin.test(other, by=BY)).attempt.outcome.error
            await sets.signing.rotate(at_once=True, by=BY)
            assert "(invalid_key)" in (await world.admin.test(made, by=BY)).attempt.outcome.error
            await world.sender.close()
        await runner.cleanup()

    asyncio.run(test())


def test_the_document_says_what_becomes_of_each_refusal() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+) \| (.+) \|$", TEXT.partition("| `err` |")[2], re.M)
    told = {code: "dead letter" in text for codes, text in rows for code in re.findall(r"`(\w+_\w+)`", codes)}
    assert told == {code: final for code, (_, final) in REFUSALS.items()}


@pytest.mark.parametrize(
    "words",
    [
        f"**{AHEAD // DAY} days** before it signs",
        f"for **{KEEP // DAY} days** after it signed",
        f"0 to {WINDOW}; {DEFAULT_EVENTS} if not given",
        f"up to {MAX_WAIT} seconds",
    ],
)
def test_numbers_of_the_document_are_the_codes(words: str) -> None:
    assert words in " ".join(TEXT.split())
