"""What became of a webhook's messages, over the management API: lines, log, dead letters, replays, tests."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import page, ref, text, thing, time
from rosterd.http.api.webhook_schemas import EVENT_ID
from rosterd.http.api.webhooks import ONE, find
from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.control import Directory
from rosterd.service.keys import WEBHOOKS_READ, WEBHOOKS_WRITE
from rosterd.service.webhooks import DeadLetter, Endpoint, Line, StoredAttempt

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_MOST: Final = 2**63 - 1


async def test_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /webhooks/{webhook}/test."""
    stored = await api.webhooks.test(await find(api, request), by=request.by)
    return ApiReply(200, await _detail(api, stored))


async def list_lines(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /webhooks/{webhook}/lines."""
    endpoint = await find(api, request)
    listing = f"lines {endpoint.id}"
    place = api.place(request, listing)
    after = (place.seq, int(place.key or 0)) if place else (0, -1)
    rows = await api.webhook_control.lines(endpoint.id, after, request.limit + 1)
    names = await api.registry.directory_names({line.key.directory for line, _ in rows})
    return api.page(
        request,
        listing,
        rows,
        lambda row: _line(*row, names),
        lambda row: (row[0].key.directory, str(row[0].key.lane)),
    )


async def list_deliveries(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /webhooks/{webhook}/deliveries."""
    endpoint = await find(api, request)
    failed = request.query.get("failed") == "true"
    listing = f"deliveries {endpoint.id} {failed}"
    place = api.place(request, listing)
    rows = await api.webhook_control.attempts(
        endpoint.id, place.seq if place else None, request.limit + 1, failed
    )
    names = await _names(api, (row.attempt.directory for row in rows))
    return api.page(request, listing, rows, lambda row: _attempt(row, names), lambda row: (row.seq, None))


async def read_delivery(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /webhooks/{webhook}/deliveries/{delivery}."""
    endpoint = await find(api, request)
    text = request.path["delivery"]
    stored = None
    if _NUMBER.fullmatch(text):
        stored = await api.webhook_control.attempt(endpoint.id, int(text))
    if stored is None:
        raise errors.NotFound(f"The webhook has no delivery {text[:100]}.")
    return ApiReply(200, await _detail(api, stored))


async def list_dead_letters(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /webhooks/{webhook}/dead-letters."""
    endpoint = await find(api, request)
    listing = f"dead {endpoint.id}"
    place = api.place(request, listing)
    after = (place.seq, int(place.key or 0)) if place else (0, 0)
    rows = await api.webhook_control.dead_letters(endpoint.id, after, request.limit + 1)
    names = await api.registry.directory_names({row.directory for row in rows})
    return api.page(
        request, listing, rows, lambda row: _dead(row, names), lambda row: (row.directory, str(row.first))
    )


async def replay_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /webhooks/{webhook}/replay."""
    endpoint = await find(api, request)
    directory = await _wanted(api, request, endpoint)
    body = request.body
    first, last = (_seq(body.get(name, body.get("event")), directory, name) for name in ("first", "last"))
    line = await api.webhooks.replay(
        endpoint,
        directory,
        after=None if first is None else first - 1,
        through=last,
        since=_moment(body["since"]) if "since" in body else None,
        failed=body.get("failed", False),
        by=request.by,
    )
    return ApiReply(
        202,
        {
            "directory": directory.name,
            "lane": line.key.lane,
            "kind": line.kind,
            "firstEvent": f"{directory.id}-{line.cursor + 1}",
            "lastEvent": f"{directory.id}-{line.finish}",
        },
    )


async def _wanted(api: ApiContext, request: ApiRequest, endpoint: Endpoint) -> Directory:
    """The directory to replay: the one named, or the endpoint's only one. Raises ``InvalidValue``."""
    name = request.body.get("directory")
    if name is None and endpoint.directory is not None:
        name = (await api.registry.directory_names({endpoint.directory}))[endpoint.directory]
    if name is None:
        raise errors.InvalidValue("directory: is needed, as the webhook hears of all.")
    return await api.directory(request, name)


def _seq(event: str | None, directory: Directory, name: str) -> int | None:
    if event is None:
        return None
    home, _, seq = event.partition("-")
    if int(home) != directory.id:
        raise errors.InvalidValue(f"{name}: {event} is not an event of directory '{directory.name}'.")
    return int(seq)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise errors.InvalidValue("since: must be a time such as 2026-11-24T15:22:47Z.") from error


async def _names(api: ApiContext, ids: Iterable[int | None]) -> Mapping[int, str]:
    return await api.registry.directory_names({id for id in ids if id is not None})


async def _detail(api: ApiContext, stored: StoredAttempt) -> dict[str, Any]:
    attempt = stored.attempt
    names = await _names(api, (attempt.directory,))
    home = None
    if attempt.directory is not None:
        home = await api.registry.directory(names[attempt.directory])
    body = await api.webhooks.sent(attempt, home)
    return {
        **_attempt(stored, names),
        "request": {
            "headers": dict(attempt.outcome.request),
            "body": None if body is None else body.decode(),
        },
        "reply": {"headers": dict(attempt.outcome.reply), "body": attempt.outcome.body},
    }


def _attempt(stored: StoredAttempt, names: Mapping[int, str]) -> dict[str, Any]:
    attempt, outcome = stored.attempt, stored.attempt.outcome
    return {
        "id": stored.seq,
        "directory": None if attempt.directory is None else names[attempt.directory],
        "kind": attempt.kind,
        "message": attempt.message,
        "firstEvent": f"{attempt.directory}-{attempt.first}" if attempt.first else None,
        "lastEvent": f"{attempt.directory}-{attempt.last}" if attempt.last else None,
        "attempt": attempt.attempt,
        "at": format_time(outcome.at),
        "milliseconds": outcome.took,
        "status": outcome.status,
        "error": outcome.error,
    }


def _line(line: Line, last: int, names: Mapping[int, str]) -> dict[str, Any]:
    directory = line.key.directory
    end = last if line.finish is None else line.finish
    return {
        "directory": names[directory],
        "lane": line.key.lane,
        "kind": line.kind,
        "event": f"{directory}-{line.cursor}",
        "behind": max(0, end - line.cursor),
        "attempt": line.attempt,
        "nextAttempt": format_time(line.due) if line.due else None,
        "lostThrough": f"{directory}-{line.lost}" if line.lost else None,
        "lostAt": None if line.lost_at is None else format_time(line.lost_at),
    }


def _dead(dead: DeadLetter, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "directory": names[dead.directory],
        "message": dead.message,
        "firstEvent": f"{dead.directory}-{dead.first}",
        "lastEvent": f"{dead.directory}-{dead.last}",
        "at": format_time(dead.at),
        "attempts": dead.attempts,
        "status": dead.status,
        "error": dead.error,
    }


ROUTES: Final = (
    ApiRoute(
        "POST",
        f"{ONE}/test",
        WEBHOOKS_WRITE,
        test_webhook,
        "Send a test message once, and see what came of it",
        reply=ref("DeliveryDetail"),
    ),
    ApiRoute(
        "GET",
        f"{ONE}/lines",
        WEBHOOKS_READ,
        list_lines,
        "List how far the messages of each directory are, and replays",
        query=PAGE,
        reply=page("Line", "A page of lines."),
    ),
    ApiRoute(
        "GET",
        f"{ONE}/deliveries",
        WEBHOOKS_READ,
        list_deliveries,
        "List attempts, newest first",
        query={"failed": text("`true`: only what failed.", enum=["true", "false"]), **PAGE},
        reply=page("Delivery", "A page of attempts."),
    ),
    ApiRoute(
        "GET",
        f"{ONE}/deliveries/{{delivery}}",
        WEBHOOKS_READ,
        read_delivery,
        "Read an attempt with request and reply",
        reply=ref("DeliveryDetail"),
    ),
    ApiRoute(
        "GET",
        f"{ONE}/dead-letters",
        WEBHOOKS_READ,
        list_dead_letters,
        "List messages that were given up",
        query=PAGE,
        reply=page("DeadLetter", "A page of dead letters."),
    ),
    ApiRoute(
        "POST",
        f"{ONE}/replay",
        WEBHOOKS_WRITE,
        replay_webhook,
        "Send events once more: one, a range, those since a time, or dead letters",
        body=thing(
            "What to send; without any limit everything that is kept.",
            ("directory", "failed", "event", "first", "last", "since"),
            directory=text("Name of the directory; needed if the webhook hears of all.", maxLength=63),
            failed={"type": "boolean", "description": "Only messages that were given up."},
            event=text("Only this event, or the message that begins with it.", pattern=EVENT_ID),
            first=text("Begin with this event.", pattern=EVENT_ID),
            last=text("End with this event.", pattern=EVENT_ID),
            since=time("Begin with the first event that happened then or later."),
        ),
        reply=ref("Replay"),
        status=202,
    ),
)
