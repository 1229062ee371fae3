"""``rosterd administrator``: who may log in to the console. A generated password is shown once.

A password is never an argument, where other users of the machine could read it: it is asked for without an
echo, read from a file or standard input, or generated.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer

from rosterd.cli import exits, options, output
from rosterd.scim import errors
from rosterd.service.administrators import Administrator, fold
from rosterd.service.visitor import ROLES, VIEWER
from rosterd.wiring import Service

app = typer.Typer(help="Administrators of the console: who may log in, and as what.")

_PAGE: Final = 500

Name = Annotated[
    str, typer.Argument(help="What they log in with; letter case does not matter.", show_default=False)
]
Role = Annotated[str, typer.Option(help=f"What they may do: {', '.join(ROLES)}.")]
PasswordFile = Annotated[
    typer.FileText | None,
    typer.Option(
        "--password-file",
        help="File whose first line is the password; - for standard input.",
        metavar="FILE",
        show_default="generated",
    ),
]
Change = Callable[[Service, Administrator], Awaitable[Administrator]]
Ask = Annotated[bool, typer.Option("--ask", help="Ask for the password, without showing it.")]


@app.command(
    epilog=options.examples(
        "rosterd administrator create ann@example.com --role owner",
        "rosterd administrator create bob --role operator --directory acme --password-file bob.txt",
        "rosterd administrator create eve@example.com --no-password",
    )
)
def create(
    name: Name,
    role: Role = VIEWER,
    directory: Annotated[
        str | None,
        typer.Option("--directory", "-d", help="The only directory they know of.", show_default="all"),
    ] = None,
    password_file: PasswordFile = None,
    ask: Ask = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They log in by the OpenID provider only.")
    ] = False,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make an administrator; without another choice a password is generated and printed, this once only.

    With --quiet nothing but a generated password is printed.
    """
    given = _given(password_file, ask)

    async def work() -> tuple[dict[str, Any], str | None]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory) if directory else None
            where = home.id if home else None
            administrators = service.access.administrators
            if given is None and not no_password:
                made, password = await administrators.create_generated(
                    name, role, directory=where, by=options.by()
                )
                return _described(made, directory), password
            made = await administrators.create(name, role, directory=where, password=given, by=options.by())
            return _described(made, directory), None

    described, password = exits.run(work())
    _announce(described, password, f"Administrator '{name}' was made.", json=json, quiet=quiet)


@app.command(
    "list", epilog=options.examples("rosterd administrator list", "rosterd administrator list --json")
)
def list_(data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List the administrators by name."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            names = await _names(service)
            return [_described(one, names.get(one.directory)) for one in await _all(service)]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (a["name"], a["role"], a["directory"] or "all", a["state"], a["lastLogin"] or "never") for a in found
    ]
    output.table(("NAME", "ROLE", "DIRECTORY", "STATE", "LAST LOG-IN"), rows, empty="There is none yet.")


@app.command(
    epilog=options.examples(
        "rosterd administrator update bob --role viewer",
        "rosterd administrator update bob --all-directories",
        "rosterd administrator update ann@example.com --subject 00u1abcd",
    )
)
def update(
    name: Name,
    role: Annotated[str | None, typer.Option(help=f"What they may do: {', '.join(ROLES)}.")] = None,
    directory: Annotated[
        str | None, typer.Option("--directory", "-d", help="The only directory they know of.")
    ] = None,
    all_directories: Annotated[
        bool, typer.Option("--all-directories", help="They know of every directory.")
    ] = False,
    subject: Annotated[
        str | None,
        typer.Option(help="Link them to this account ('sub') of the OpenID provider that is set."),
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Change what an administrator may do; in force at once, also where they are logged in."""

    async def work(service: Service, found: Administrator) -> Administrator:
        changes: dict[str, Any] = {} if role is None else {"role": role}
        if directory is not None:
            changes["directory"] = (await options.find_directory(service, directory)).id
        elif all_directories:
            changes["directory"] = None
        changed = await service.access.administrators.update(found, by=options.by(), **changes)
        if subject is None:
            return changed
        issuer = service.settings.oidc_issuer
        if not issuer:
            raise errors.InvalidValue("Set ROSTERD_OIDC_ISSUER, ROSTERD_OIDC_CLIENT_ID and …_SECRET first.")
        return await service.access.administrators.link(changed, issuer, subject, by=options.by())

    _change(data, name, work, f"Administrator '{name}' was changed.", json=json, quiet=quiet)


@app.command(
    epilog=options.examples(
        "rosterd administrator password admin", "rosterd administrator password admin --password-file new.txt"
    )
)
def password(
    name: Name,
    password_file: PasswordFile = None,
    ask: Ask = False,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Give an administrator a new password, and end their sessions; generated unless one is given.

    With --quiet nothing but a generated password is printed.
    """
    given = _given(password_file, ask)

    async def work() -> tuple[dict[str, Any], str | None]:
        async with options.existing_service(data) as service:
            found, by = await service.access.administrators.named(name), options.by()
            names = await _names(service)
            if given is None:
                changed, made = await service.access.administrators.generate_password(found, by=by)
                return _described(changed, names.get(changed.directory)), made
            changed = await service.access.administrators.set_password(found, given, by=by)
            return _described(changed, names.get(changed.directory)), None

    described, made = exits.run(work())
    _announce(described, made, f"Administrator '{name}' has a new password.", json=json, quiet=quiet)


@app.command(epilog=options.examples("rosterd administrator disable bob"))
def disable(
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Let an administrator log in no more, and end their sessions at once."""

    async def work(service: Service, found: Administrator) -> Administrator:
        return await service.access.administrators.disable(found, by=options.by())

    _change(data, name, work, f"Administrator '{name}' is disabled.", json=json, quiet=quiet)


@app.command(epilog=options.examples("rosterd administrator enable bob"))
def enable(
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Let an administrator log in again."""

    async def work(service: Service, found: Administrator) -> Administrator:
        return await service.access.administrators.enable(found, by=options.by())

    _change(data, name, work, f"Administrator '{name}' is enabled.", json=json, quiet=quiet)


@app.command(
    "remove-second-factor", epilog=options.examples("rosterd administrator remove-second-factor bob")
)
def remove_second_factor(
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove the second factor of somebody who lost phone and recovery codes, and end their sessions."""

    async def work(service: Service, found: Administrator) -> Administrator:
        return await service.access.second_factors.remove(found, by=options.by())

    _change(data, name, work, f"Administrator '{name}' has no second factor.", json=json, quiet=quiet)


@app.command(epilog=options.examples("rosterd administrator remove bob"))
def remove(
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove an administrator for good; the last owner of everything cannot be removed."""

    async def work(service: Service, found: Administrator) -> Administrator:
        await service.access.administrators.remove(found, by=options.by())
        return found

    _change(data, name, work, f"Administrator '{name}' is removed.", json=json, quiet=quiet)


@app.command(epilog=options.examples("rosterd administrator sessions ann@example.com"))
def sessions(name: Name, data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List where an administrator is logged in, newest first."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            found = await service.access.administrators.named(name)
            return [
                {
                    "id": session.id,
                    "address": session.address,
                    "userAgent": session.agent,
                    "created": output.iso(session.created),
                    "lastSeen": output.iso(session.seen),
                    "expires": output.iso(session.expires),
                }
                for session in await service.access.sessions.list(found.id)
            ]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [(s["id"], s["address"] or "", s["userAgent"], s["lastSeen"], s["expires"]) for s in found]
    output.table(("SESSION", "ADDRESS", "BROWSER", "LAST SEEN", "EXPIRES"), rows, empty="Logged in nowhere.")


@app.command(
    "log-out",
    epilog=options.examples(
        "rosterd administrator log-out bob", "rosterd administrator log-out bob --session 7Qm2kPz0aB1c"
    ),
)
def log_out(
    name: Name,
    session: Annotated[
        str | None, typer.Option(help="Id of the only session to end.", show_default="all")
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """End the sessions of an administrator, or one of them, at once."""

    async def work(service: Service, found: Administrator) -> Administrator:
        if session is None:
            await service.access.sessions.revoke_all(found, by=options.by())
        else:
            await service.access.sessions.revoke(found, session, by=options.by())
        return found

    ended = "All sessions" if session is None else f"Session {session}"
    _change(data, name, work, f"{ended} of administrator '{name}' ended.", json=json, quiet=quiet)


def _change(data: Path, name: str, change: Change, done: str, *, json: bool, quiet: bool) -> None:
    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            changed = await change(service, await service.access.administrators.named(name))
            return _described(changed, (await _names(service)).get(changed.directory))

    described = exits.run(work())
    if json:
        output.as_json(described)
    elif not quiet:
        output.line(done)


def _announce(described: dict[str, Any], password: str | None, done: str, *, json: bool, quiet: bool) -> None:
    if json:
        output.as_json({**described, "password": password})
        return
    if password is not None:
        output.line(password)
    if not quiet:
        output.line(done)
        if password is not None:
            output.line("The first line is the password. It is not shown again.")


def _given(password_file: IO[str] | None, ask: bool) -> str | None:
    """The password that was given; ``None`` if one is to be generated."""
    if password_file is not None:
        return password_file.readline().rstrip("\r\n")
    if ask:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return None


async def _all(service: Service) -> list[Administrator]:
    found: list[Administrator] = []
    while True:
        after = fold(found[-1].name) if found else ""
        rows = await service.access.control.administrator_page(None, after, _PAGE)
        found += rows
        if len(rows) < _PAGE:
            return found


async def _names(service: Service) -> dict[int | None, str]:
    return {directory.id: directory.name for directory in await service.control.directories()}


def _described(administrator: Administrator, directory: str | None) -> dict[str, Any]:
    return {
        "id": administrator.id,
        "name": administrator.name,
        "role": administrator.role,
        "directory": directory,
        "state": "enabled" if administrator.disabled is None else "disabled",
        "hasPassword": administrator.password is not None,
        "secondFactor": administrator.second_factor is not None,
        "issuer": administrator.issuer,
        "subject": administrator.subject,
        "created": output.iso(administrator.created),
        "lastLogin": output.iso(administrator.last_login),
    }
