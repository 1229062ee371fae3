"""``rosterd webhook``, continued: what became of messages, and sending them once more."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from rosterd.cli import codes, exits, options, output
from rosterd.cli.webhook import Id, app
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.webhooks import Endpoint, StoredAttempt
from rosterd.wiring import Service

__all__ = ["app"]

_Limit = Annotated[int, typer.Option(help="The most lines.", min=1, max=1000)]


@app.command("test", epilog=options.examples("rosterd webhook test we_7Qm2kPz0aB1c"))
def send_test(webhook_id: Id, data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """Send a test message once, and tell what came of it; ends with 1 if it was not accepted."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            return _described(await service.webhooks.test(endpoint, by=options.by()), {})

    found = exits.run(work())
    if json:
        output.as_json(found)
    else:
        told = found["error"] or f"The receiver answered {found['status']}."
        output.line(f"{told} It took {found['milliseconds']} ms.")
    if found["error"]:
        raise typer.Exit(codes.FAILED)


@app.command(
    epilog=options.examples(
        "rosterd webhook deliveries we_7Qm2kPz0aB1c", "rosterd webhook deliveries we_7Qm2kPz0aB1c --failed"
    )
)
def deliveries(
    webhook_id: Id,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    limit: _Limit = 50,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List attempts, newest first: the log of seven days."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            names = await _names(service)
            rows = await service.control.attempts(endpoint.id, None, limit, failed)
            return [_described(row, names) for row in rows]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (
            each["at"], each["directory"] or "-", each["message"] or "-", each["kind"], str(each["attempt"]),
            str(each["status"] or "-"), f"{each['milliseconds']} ms", each["error"],
        )
        for each in found
    ]  # fmt: skip
    columns = ("TIME", "DIRECTORY", "MESSAGE", "KIND", "ATTEMPT", "STATUS", "TOOK", "ERROR")
    output.table(columns, rows, empty="Nothing was sent yet.")


@app.command("dead-letters", epilog=options.examples("rosterd webhook dead-letters we_7Qm2kPz0aB1c"))
def dead_letters(
    webhook_id: Id,
    limit: _Limit = 50,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List messages that were given up after every attempt."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            names = await _names(service)
            return [
                {
                    "directory": names[dead.directory],
                    "message": dead.message,
                    "firstEvent": f"{dead.directory}-{dead.first}",
                    "lastEvent": f"{dead.directory}-{dead.last}",
                    "at": output.iso(dead.at),
                    "attempts": dead.attempts,
                    "status": dead.status,
                    "error": dead.error,
                }
                for dead in await service.control.dead_letters(endpoint.id, (0, 0), limit)
            ]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (each["at"], each["directory"], each["message"], str(each["attempts"]), each["error"])
        for each in found
    ]
    output.table(("GIVEN UP", "DIRECTORY", "MESSAGE", "ATTEMPTS", "ERROR"), rows, empty="There are none.")


@app.command(
    epilog=options.examples(
        "rosterd webhook replay we_7Qm2kPz0aB1c --failed",
        "rosterd webhook replay we_7Qm2kPz0aB1c --event 1-4711",
        "rosterd webhook replay we_7Qm2kPz0aB1c --directory acme --since 2026-11-24T00:00:00Z",
    )
)
def replay(
    webhook_id: Id,
    directory: Annotated[
        str | None,
        typer.Option("--directory", "-d", help="Name of the directory, if the webhook hears of all."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only messages that were given up.")] = False,
    event: Annotated[
        str | None, typer.Option(help="Only this event, or the message that begins with it.")
    ] = None,
    first: Annotated[str | None, typer.Option(help="Begin with this event.")] = None,
    last: Annotated[str | None, typer.Option(help="End with this event.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin with what happened then or later.")] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Send events once more, beside what is sent anyway; a running server does it."""
    begin_replay(
        data, webhook_id, directory, first or event, last or event, since,
        failed=failed, json=json, quiet=quiet,
    )  # fmt: skip


def begin_replay(
    data: Path,
    webhook_id: str,
    directory: str | None,
    first: str | None,
    last: str | None,
    since: str | None,
    *,
    failed: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Let a running server send events to a webhook once more, and say which."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            home = await home_of(service, endpoint, directory)
            begin, end = seq_of(first, home), seq_of(last, home)
            line = await service.webhooks.replay(
                endpoint,
                home,
                after=None if begin is None else begin - 1,
                through=end,
                since=None if since is None else moment(since),
                failed=failed,
                by=options.by(),
            )
            return {
                "directory": home.name,
                "lane": line.key.lane,
                "kind": line.kind,
                "firstEvent": f"{home.id}-{line.cursor + 1}",
                "lastEvent": f"{home.id}-{line.finish}",
            }

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        what = "dead letters" if failed else "events"
        output.line(f"The {what} from {found['firstEvent']} to {found['lastEvent']} will be sent.")


async def _names(service: Service) -> dict[int | None, str]:
    return {directory.id: directory.name for directory in await service.control.directories()}


async def home_of(service: Service, endpoint: Endpoint, name: str | None) -> Directory:
    """The directory of that name, or the endpoint's own. Raises ``InvalidValue``, ``NotFound``."""
    directories = await service.control.directories()
    if name is None and endpoint.directory is not None:
        return next(each for each in directories if each.id == endpoint.directory)
    if name is None:
        raise errors.InvalidValue("The webhook hears of all directories: name one with --directory.")
    return await options.find_directory(service, name)


def seq_of(event: str | None, home: Directory) -> int | None:
    """The number in an event's id. Raises ``InvalidValue`` if it is not of the directory."""
    if event is None:
        return None
    directory, _, seq = event.partition("-")
    if directory != str(home.id) or not seq.isdecimal():
        raise errors.InvalidValue(f"'{event}' is not the id of an event of directory '{home.name}'.")
    return int(seq)


def moment(text: str) -> int:
    """A time as milliseconds. Raises ``InvalidValue``."""
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise errors.InvalidValue("--since: must be a time such as 2026-11-24T15:22:47Z.") from error


def _described(stored: StoredAttempt, names: dict[int | None, str]) -> dict[str, Any]:
    attempt, outcome = stored.attempt, stored.attempt.outcome
    return {
        "id": stored.seq,
        "directory": names.get(attempt.directory),
        "kind": attempt.kind,
        "message": attempt.message,
        "attempt": attempt.attempt,
        "at": output.iso(outcome.at),
        "milliseconds": outcome.took,
        "status": outcome.status,
        "error": outcome.error,
        "request": dict(outcome.request),
        "reply": {"headers": dict(outcome.reply), "body": outcome.body},
    }
