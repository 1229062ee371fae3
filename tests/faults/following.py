"""A reader of the feed: from the first event to the last, each once, whichever server answers."""

import asyncio
import itertools
from collections.abc import Callable, Sequence

import httpx
from faults.asking import PATIENCE, PAUSE
from judges.harness import NO_TLS

LIMIT = 500
AWAY = (429, 502, 503)


async def follow(urls: Sequence[str], key: str, found: list[str], over: Callable[[], bool]) -> None:
    """Add the ids of events to ``found`` as they come; once all is over, until there are no more.

    Raises ``AssertionError`` for a reply that says neither what is new nor that the server is away.
    """
    after: dict[str, str] = {}
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE, verify=NO_TLS) as http:
        for turn in itertools.count():
            last = over()
            query = {"limit": LIMIT, "wait": 0 if last else 1, **after}
            try:
                reply = await http.get(f"{urls[turn % len(urls)]}/api/v1/events", params=query)
            except httpx.HTTPError:
                await asyncio.sleep(PAUSE)
                continue
            if reply.status_code != 200:
                assert reply.status_code in AWAY, reply.text
                await asyncio.sleep(PAUSE)
                continue
            page = reply.json()
            found += [event["id"] for event in page["events"]]
            after = {"after": page["next"]}
            if last and not page["events"] and not page["more"]:
                return
