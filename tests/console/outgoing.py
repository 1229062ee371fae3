"""What the application gets, prepared in a company's directory: webhooks in each state, and a mapping."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from console.company import prepare as prepare_company
from delivery.receiving import receiver

from rosterd.service.mapping import Rules
from rosterd.service.webhooks import Attempt, DeadLetter, Endpoint, Key, Outcome, Progress
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service
from rosterd.wiring.ids import now as wall_clock

RULES = Rules(
    (("email", "user.emails.filter(e, e.primary)[0].value"), ("team", "user.title")),
    (("engineer", "'Engineers' in groups"),),
)


@dataclass(frozen=True)
class Outgoing:
    """Ids of webhooks, and the id of an event; a delivery that failed, and one that was accepted."""

    working: str
    failing: str
    disabled: str
    event: str
    accepted: int
    refused: int
    anna: str


def prepare(data: Path) -> Outgoing:
    """Make a data directory that holds it."""
    company = prepare_company(data)
    return asyncio.run(_prepare(data, company.anna))


async def dead(service: Service, hook: Endpoint, directory: int, *events: int) -> int:
    """Let messages about these events be given up, as a worker does; the number of the last attempt."""
    now = wall_clock()
    key = Key(directory, hook.id)
    (line,) = await service.control.claim_lines([key], "test", now, now + 1000)
    outcome = Outcome(
        now,
        84,
        503,
        "The receiver answered with status 503.",
        30,
        {"webhook-id": f"msg_{directory}-{events[-1]}", "content-type": "application/json"},
        {"content-type": "text/plain"},
        "We are down for <b>maintenance</b>.",
    )
    attempts, letters = [], []
    for seq in events:
        message = f"msg_{directory}-{seq}"
        attempts.append(Attempt(hook.id, directory, "feed", message, seq, seq, 13, outcome))
        letters.append(DeadLetter(directory, hook.id, seq, seq, message, now, 13, 503, outcome.error))
    await service.control.note_progress(
        Progress("test", now + 1000, [line], [key], attempts, letters, health={hook.id: now})
    )
    return (await service.control.attempts(hook.id, None, 1))[0].seq


async def _prepare(data: Path, anna: str) -> Outgoing:
    async with open_service(Settings(data=data, egress_allow="127.0.0.0/8")) as service, receiver() as target:
        acme = await service.control.directory("acme")
        assert acme is not None
        (failing,) = await service.control.webhook_page(acme.id, "", 1)
        working, _ = await service.webhooks.create(
            target.url, label="Billing", types="user.*,group.*", directory=acme.id, by=BY
        )
        disabled, _ = await service.webhooks.create(target.url, label="Old", max_events=50, by=BY)
        long = f"{target.url}{'a-long-path-without-blanks' * 5}"
        await service.webhooks.create(
            long, directory=acme.id, by=BY
        )  # without a label it is known by its URL
        sent = await service.webhooks.test(working, by=BY)
        await service.webhooks.disable(disabled, reason="The application is switched off.", by=BY)
        events = (await service.store.reader(acme.id).feed(0, 200)).events
        refused = await dead(service, failing, acme.id, *(stored.seq for stored in events[:3]))
        await service.mappings.save(acme, RULES, by=BY)
        while await service.projecting.catch_up():
            pass
        update = next(e.seq for e in events if e.event.type == "user.updated")
        return Outgoing(working.id, failing.id, disabled.id, f"{acme.id}-{update}", sent.seq, refused, anna)
