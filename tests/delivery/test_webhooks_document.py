"""The receiver in docs/webhooks.md does what it says, and the document's numbers are the code's."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from delivery.receiving import Receiver, World, run

from rosterd.delivery import sender, worker
from rosterd.service import webhook_messages
from rosterd.service.webhook_admin import MAX_SECRETS
from rosterd.testing.scenario import BY

TEXT = Path(__file__).parents[2].joinpath("docs", "webhooks.md").read_text()
UNITS = {"s": 1, "min": 60, "h": 3600}


def test_the_receiver_of_the_document_takes_every_message_once_and_no_forged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)

    async def test(world: World, hook: Receiver) -> None:
        world.clock.now = int(time.time() * 1000)  # a receiver refuses what is old
        acme = await world.directory("acme")
        made, secret = await world.webhook(hook.url)
        monkeypatch.setenv("WEBHOOK_SECRET", secret)
        names: dict[str, Any] = {}
        exec(compile(example, "webhooks.md", "exec"), names)  # noqa: S102 - our own document
        example_runner = web.AppRunner(names["app"])
        await example_runner.setup()
        site = web.TCPSite(example_runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{example_runner.addresses[0][1]}/hooks"
        made = await world.admin.update(made, url=url, by=BY)
        await world.happen(acme, 3)
        await world.worker.settle()
        await world.admin.replay(made, acme, by=BY)
        await world.worker.settle()
        statuses = [row.attempt.outcome.status for row in await world.store.attempts(made.id, None, 99)]
        assert statuses == [204] * 6
        assert capsys.readouterr().out.splitlines() == [f"user.created u{n}" for n in range(3)]
        tried = await world.admin.test(made, by=BY)
        assert tried.attempt.outcome.status == 204
        other, _ = await world.webhook(url)
        forged = await world.admin.test(other, by=BY)
        assert forged.attempt.outcome.status == 400
        await example_runner.cleanup()

    run(tmp_path, test)


def test_the_schedule_of_the_document_is_the_codes() -> None:
    words = " ".join(TEXT.split()).split("tried again after ")[1].split(", each")[0]
    told = [each.split(" ") for each in words.replace(" and ", ", ").split(", ")]
    found = [int(number) * UNITS[unit] for number, unit in told]
    assert tuple(found) == webhook_messages.RETRIES


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("within {} seconds", sender.TOTAL_SECONDS),
        ("may take {} seconds", sender.TOTAL_SECONDS),
        ("{} of them to connect", sender.CONNECT_SECONDS),
        ("Of a reply {} KiB are read", sender.MAX_REPLY // 1024),
        ("({} KiB) of the reply", sender.KEPT_REPLY // 1024),
        ("At most {} messages are under way", worker.SLOTS),
        ("{} for one webhook", worker.SLOTS_OF_ONE),
        ("at most {:,} entries", worker.LOG_MOST),
        ("of one that died; {}.", worker.LEASE_SECONDS),
    ],
)
def test_numbers_are_the_codes(words: str, value: int) -> None:
    assert words.format(value) in " ".join(TEXT.split())


def test_words_for_numbers_are_the_codes() -> None:
    days = webhook_messages.GIVE_UP // 86_400_000
    assert (days, worker.LOG_DAYS, MAX_SECRETS, len(webhook_messages.RETRIES) + 1) == (5, 7, 5, 13)
