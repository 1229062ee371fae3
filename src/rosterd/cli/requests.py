"""``rosterd requests``: why a user did not arrive, from the database file, also while the server runs."""

import asyncio
from typing import Annotated, Any

import orjson
import typer

from rosterd.cli import codes, exits, options, output
from rosterd.service.request_log import Wanted
from rosterd.service.requests import Explained, parse_status
from rosterd.wiring import Service

app = typer.Typer(help="Requests of identity providers, and what came of them.")

POLL_SECONDS = 1.0
MAX_LIMIT = 1000

Connection = Annotated[
    str | None,
    typer.Option("--connection", "-c", help="Only those of this connection.", rich_help_panel="Which"),
]
Status = Annotated[
    str | None, typer.Option(help="Only this status, or a class such as 4xx.", rich_help_panel="Which")
]
Method = Annotated[str | None, typer.Option(help="Only this method.", rich_help_panel="Which")]
Resource = Annotated[
    str | None, typer.Option(help="Only those about the resource of this id.", rich_help_panel="Which")
]
Text = Annotated[
    str,
    typer.Option(
        "--query", "-q", help="Only those with this in subject or path, or this request id.",
        rich_help_panel="Which",
    ),
]  # fmt: skip
Errors = Annotated[bool, typer.Option("--errors", help="Only those refused.", rich_help_panel="Which")]


@app.command(
    "list",
    epilog=options.examples(
        "rosterd requests list --errors",
        "rosterd requests list --query ann@example.com",
        "rosterd requests list --directory acme --connection okta --status 409 --json",
    ),
)
def list_(
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    connection: Connection = None,
    status: Status = None,
    method: Method = None,
    resource: Resource = None,
    query: Text = "",
    errors: Errors = False,
    limit: Annotated[int, typer.Option(help="The most requests.", min=1, max=MAX_LIMIT)] = 50,
    json: options.Json = False,
) -> None:
    """List requests, the newest first."""

    async def work() -> list[Explained]:
        wanted = _wanted(status, method, resource, query, errors)
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            whose = await _connection(service, home.name, connection)
            portions = service.requests.older(home, whose, wanted, limit)
            return [one async for portion in portions for one in portion]

    found = exits.run(work())
    if json:
        output.as_json([one.document(bodies=False) for one in found])
        return
    head = ("TIME", "ID", "STATUS", "REQUEST", "ABOUT", "WHY")
    output.table(head, map(_cells, found), empty="There is no such request.")


@app.command(epilog=options.examples("rosterd requests show 1795544124842000"))
def show(
    id: Annotated[str, typer.Argument(help="Id of the request, as in the list.")],
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    json: options.Json = False,
) -> None:
    """Show a request with its bodies, secrets masked, and explain it."""

    async def work() -> Explained:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return await service.requests.one(home, id)

    found = exits.run(work())
    document = found.document()
    if json:
        output.as_json(document)
        return
    for sentence in document.pop("explanation"):
        output.line(sentence)
    output.line()
    body, reply = document.pop("body"), document.pop("reply")
    output.fields({name: _text(value) for name, value in document.items() if value not in (None, "", [])})
    for title, text in (("Request", body), ("Reply", reply)):
        if text is not None:
            output.line(f"\n{title}:\n{_indented(text)}")


@app.command(
    epilog=options.examples(
        "rosterd requests tail", "rosterd requests tail --errors", "rosterd requests tail --limit 1 --json"
    )
)
def tail(
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    connection: Connection = None,
    status: Status = None,
    method: Method = None,
    resource: Resource = None,
    query: Text = "",
    errors: Errors = False,
    limit: Annotated[
        int | None, typer.Option(help="End after so many requests.", min=1, show_default="none")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each request as one line of JSON.")] = False,
) -> None:
    """Print requests as they come, one a line, until Ctrl-C."""

    async def work() -> None:
        wanted, left = _wanted(status, method, resource, query, errors), limit
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            whose = await _connection(service, home.name, connection)
            after = await service.requests.last(home)
            while True:
                found = await service.requests.newer(home, whose, after, wanted)
                for one in found:
                    after = one.stored.seq
                    output.line(orjson.dumps(one.document()).decode() if json else "  ".join(_cells(one)))
                    if left is not None and (left := left - 1) == 0:
                        return
                if not found:
                    await asyncio.sleep(POLL_SECONDS)

    try:
        exits.run(work())
    except KeyboardInterrupt:
        raise typer.Exit(codes.OK) from None


def _wanted(status: str | None, method: str | None, resource: str | None, query: str, errors: bool) -> Wanted:
    return Wanted(
        parse_status(status) if status else None, method.upper() if method else None, resource, query, errors
    )


async def _connection(service: Service, directory: str, name: str | None) -> int | None:
    if name is None:
        return None
    home = await options.find_directory(service, directory)
    return (await options.find_connection(service, home, name)).id


def _cells(found: Explained) -> tuple[str, ...]:
    document: dict[str, Any] = found.document(bodies=False)
    return (
        document["at"],
        document["id"],
        str(document["status"]),
        f"{document['method']} {document['path']}",
        document["subject"] or document["resource"] or "-",
        found.explanation[0],
    )


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _indented(text: str) -> str:
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return text
