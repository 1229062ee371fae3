"""``rosterd doctor``: what could keep a server from running well, each with how to put it right.

A check is a function of the settings in the table at the end of this file; it never repairs.
"""

import asyncio
import http.client
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

import typer

from rosterd.cli import codes, exits, options, output
from rosterd.scim.errors import NotFound
from rosterd.service.expiry import end_of
from rosterd.service.ports import StoreUnavailable
from rosterd.service.standing import ACTIVE
from rosterd.wiring import Service, Settings, SettingsError, open_service, upkeep
from rosterd.wiring.engines import want_data
from rosterd.wiring.facts import database_bytes
from rosterd.wiring.ids import now
from rosterd.wiring.listening import NoSuchHost, PortTaken, bind
from rosterd.wiring.room import ROOM, wanted
from rosterd.wiring.settings import unknown_variables

T = TypeVar("T")

EXAMPLES = options.examples("rosterd doctor", "rosterd doctor --data /var/lib/rosterd --port 8080 --json")

_DAY_MS: Final = 86_400_000
_RELEASED_MS: Final = 1_767_225_600_000  # 2026-01-01: no clock of a machine that runs this is earlier
_LOW_DISK: Final = 200 * 1024 * 1024
_NO_DISK: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; ``state`` is ok, warning or bad, ``fix`` says what to do about it."""

    name: str
    state: str
    text: str
    fix: str = ""


def doctor(
    data: options.Data = options.DEFAULT_DATA,
    host: options.Host = None,
    port: options.Port = None,
    base_url: options.BaseUrl = None,
    json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is not in order.")] = False,
) -> None:
    """Check permissions, database, migrations, changes, disk, clock, port, tokens and connections.

    Exit code 1 if a check fails; warnings do not count.
    """
    try:
        settings = Settings.from_env(data=data, host=host, port=port, base_url=base_url)
    except SettingsError as error:
        exits.fail(codes.USAGE, str(error))
    with exits.faults():
        findings = [finding for check in CHECKS if (finding := check(settings))]
    ok = all(finding.state != "bad" for finding in findings)
    if json:
        output.as_json({"ok": ok, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            if not quiet or finding.state != "ok":
                _show(finding)
    if not ok:
        raise typer.Exit(codes.FAILED)


def _show(finding: Finding) -> None:
    marks = {"ok": output.GOOD, "warning": "[yellow]![/yellow]", "bad": output.BAD}
    console = output.console()
    console.print(f"{marks[finding.state]} {finding.name:<12} ", end="")
    console.print(finding.text, markup=False)
    if finding.fix:
        console.print(f"  {'':<12} → {finding.fix}", markup=False)


def _variables(settings: Settings) -> Finding | None:
    strange = unknown_variables()
    if not strange:
        return None
    said = ", ".join(f"{name} (is {meant} meant?)" if meant else name for name, meant in strange)
    text = f"variables that rosterd does not know: {said}"
    return Finding("Settings", "warning", text, "see docs/operations.md for those that there are")


def _folder(settings: Settings) -> Finding | None:
    name, folder = "Data", settings.data
    if settings.database_url is not None:
        return None
    if not folder.is_dir():
        return Finding(name, "bad", f"there is no directory {folder}", f"run: rosterd serve --data {folder}")
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        fix = "mount it so that it can be written; after an error of the disk look at that first"
        return Finding(name, "bad", f"{folder} is on a file system that is read-only", fix)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        fix = f"run as its owner or root: chown -R $(whoami) {folder}"
        return Finding(name, "bad", f"{folder} cannot be read and written by this user", fix)
    for path in (folder, *sorted(folder.iterdir())):
        # The directory closes its files to others; a copy elsewhere would not.
        if path == folder and path.stat().st_mode & 0o077:
            return Finding(name, "bad", f"{path} is open to other users", f"run: chmod 700 {path}")
        if path.is_file() and path.stat().st_uid != folder.stat().st_uid:
            text = f"{path} is not of the user whom {folder} belongs to, and who serves it"
            return Finding(name, "bad", text, f"run as root: chown --reference={folder} {path}")
        if path.is_file() and not os.access(path, os.R_OK | os.W_OK):
            return Finding(name, "bad", f"{path} cannot be read and written", f"run: chmod 600 {path}")
    return Finding(name, "ok", f"{folder} is there, for its owner only")


def _database(settings: Settings) -> Finding:
    name = "Database"
    if settings.database_url is not None:
        return _server(settings)
    if not settings.database.exists():
        return Finding(
            name, "bad", f"there is no {settings.database}", f"run: rosterd serve --data {settings.data}"
        )
    try:
        found = upkeep.damage(settings)
    except StoreUnavailable as error:
        return Finding(name, "bad", str(error), "see that the disk is there, writable and not full")
    if found:
        return Finding(
            name, "bad", f"the file is damaged: {found}", "stop the server and restore a backup of it"
        )
    size = database_bytes(settings) / 1_048_576
    return Finding(name, "ok", f"SQLite says it is sound ({size:,.1f} MiB)")


def _server(settings: Settings) -> Finding:
    try:
        found = upkeep.migrations(settings)
    except upkeep.NoSchema as error:
        return Finding("Database", "bad", str(error), "CREATE SCHEMA, or mend ROSTERD_DATABASE_URL")
    except upkeep.SchemaMismatch:
        found = None  # said by the check of the migrations
    except StoreUnavailable as error:
        return Finding("Database", "bad", str(error), "see that PostgreSQL runs, and ROSTERD_DATABASE_URL")
    if found is not None and not found.applied:
        return Finding("Database", "bad", "there is no rosterd data in PostgreSQL", "run: rosterd serve")
    return Finding("Database", "ok", "PostgreSQL answers")


def _workers(settings: Settings) -> Finding | None:
    name, count = "Workers", settings.workers
    if settings.database_url is None:
        return None if count == 1 else Finding(name, "ok", f"{count}, which take turns at writing the file")
    try:
        room = _opened(settings, lambda service: service.control.room())
    except (NotFound, StoreUnavailable, upkeep.SchemaMismatch):
        return None  # said by the checks of the database
    need = wanted(settings)
    text = f"{count}, which may want {need} connections to PostgreSQL, that has room for {room}"
    if room is not None and need > room:
        return Finding(name, "warning", text, ROOM)
    return Finding(name, "ok", text)


def _changes(settings: Settings) -> Finding | None:
    """What ``/readyz`` tells of a server."""
    name = "Changes"

    async def look(service: Service) -> Finding:
        try:
            await service.control.probe()
        except StoreUnavailable as error:
            fix = "see that the database is no replica and not read-only, and has room on its disk"
            return Finding(name, "bad", str(error), fix)
        return Finding(name, "ok", "they are taken")

    try:
        return _opened(settings, look)
    except (NotFound, StoreUnavailable, upkeep.SchemaMismatch):
        return None  # said by the checks of the database
    except Exception as error:
        if not upkeep.is_damage(error):
            raise
        return None


def _opened(settings: Settings, look: Callable[[Service], Awaitable[T]]) -> T:
    """What ``look`` finds in the store. Raises ``NotFound`` where none is, and as ``open_service`` does."""

    async def work() -> T:
        await want_data(settings)
        async with open_service(settings) as service:
            return await look(service)

    return asyncio.run(work())


def _migrations(settings: Settings) -> Finding | None:
    name = "Migrations"
    if not settings.is_made:
        return None
    try:
        found = upkeep.migrations(settings)
    except upkeep.NoSchema:
        return None  # said by the check of the database
    except upkeep.SchemaMismatch as error:
        return Finding(name, "bad", str(error), "install the release that fits, or restore a backup")
    except Exception as error:
        if not isinstance(error, StoreUnavailable) and not upkeep.is_damage(error):
            raise
        return Finding(name, "bad", f"cannot be read: {error}", "see the check of the database")
    if found.pending:
        place = f" --data {settings.data}" if settings.database_url is None else ""
        fix = f"see what it does with --dry-run, and run: rosterd migrate{place}"
        return Finding(name, "bad", f"pending: {', '.join(found.pending)}", fix)
    return Finding(name, "ok", f"all {len(found.applied)} are applied")


def _disk(settings: Settings) -> Finding | None:
    if settings.database_url is not None or not settings.data.is_dir():
        return None
    free = shutil.disk_usage(settings.data).free
    text = f"{free / 1_073_741_824:,.1f} GiB free"
    if free < _LOW_DISK:
        state = "bad" if free < _NO_DISK else "warning"
        return Finding("Disk", state, text, f"make room on the disk of {settings.data}")
    return Finding("Disk", "ok", text)


def _clock(settings: Settings) -> Finding:
    name, at = "Clock", now()
    fix = "set the clock and let it be kept by NTP; dates, tokens and cursors depend on it"
    if at < _RELEASED_MS:
        return Finding(name, "bad", f"it says {output.date(at)}, which is past", fix)
    if settings.database.exists():
        written = int(settings.database.stat().st_mtime * 1000)
        if written > at + _DAY_MS // 24:
            text = f"it says {output.date(at)}, but the data was written {output.date(written)}"
            return Finding(name, "bad", text, fix)
    return Finding(name, "ok", f"it says {output.date(at)}")


def _port(settings: Settings) -> Finding:
    name = "Port"
    try:
        bind(settings).close()
    except NoSuchHost as error:
        return Finding(name, "bad", str(error), "give another --host")
    except PortTaken as error:
        if _rosterd_answers(settings.local_url):
            return Finding(name, "ok", f"rosterd answers at {settings.local_url}")
        return Finding(name, "bad", str(error), "stop what listens there, or give another --port")
    return Finding(name, "ok", f"{settings.host}:{settings.port} is free")


def _rosterd_answers(url: str) -> bool:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _https(settings: Settings) -> Finding | None:
    if settings.base_url is None or settings.base_url.startswith("https://"):
        return None
    fix = "give --base-url https://…; Okta and Entra provision over TLS only"
    return Finding("Base URL", "warning", f"{settings.base_url} is not https", fix)


def _tokens(settings: Settings) -> Finding | None:
    fix = "run: rosterd token rotate TOKEN_ID, client rotate CLIENT_ID or key create, and paste the new one"
    return _looked_up("Tokens", settings, _token_warnings, fix)


def _connections(settings: Settings) -> Finding | None:
    fix = "see: rosterd connection show NAME; then: rosterd connection resume NAME, or enable"
    return _looked_up("Connections", settings, _connection_warnings, fix)


def _looked_up(
    name: str,
    settings: Settings,
    look: Callable[[Service], Awaitable[tuple[list[str], str]]],
    fix: str,
) -> Finding | None:
    """What ``look`` finds in an open store: its warnings, else how it says that all is well."""
    try:
        warnings, well = _opened(settings, look)
    except NotFound:
        return None  # said by the check of the database
    except (StoreUnavailable, upkeep.SchemaMismatch) as error:
        return Finding(name, "bad", f"cannot be read: {error}", "see the checks of the database")
    except Exception as error:
        if not upkeep.is_damage(error):
            raise
        return Finding(name, "bad", f"cannot be read: {error}", "see the check of the database")
    if warnings:
        return Finding(name, "warning", "; ".join(warnings), fix)
    return Finding(name, "ok", well)


async def _connection_warnings(service: Service) -> tuple[list[str], str]:
    control, warnings, count = service.control, [], 0
    for directory in await control.directories():
        for connection in await control.connections(directory.id):
            standing = connection.standing
            if standing.state != ACTIVE:
                place = f"connection '{connection.name}' of directory '{directory.name}'"
                warnings.append(f"{place} was {standing.state} by {standing.by}")
            count += standing.state == ACTIVE
    return warnings, f"{count} active, none is paused or disabled"


async def _token_warnings(service: Service) -> tuple[list[str], str]:
    control, warnings, count, at = service.control, [], 0, now()
    days = (await service.preferences.get()).token_warning_days
    for directory in await control.directories():
        for connection in await control.connections(directory.id):
            # A client fetches its tokens by itself, for as long as it wants them.
            tokens = [t for t in await control.tokens(directory.id, connection.id) if t.client is None]
            valid = [token for token in tokens if end_of(token) > at]
            count += len(valid)
            place = f"connection '{connection.name}' of directory '{directory.name}'"
            if tokens and not valid:
                warnings.append(f"no token of {place} is valid")
    warnings += [f"{each} ends in {each.days(at)} days" for each in await service.expiry.ending(days)]
    return warnings, f"{count} valid, none ends within {days} days, nor a client's secret or an API key"


CHECKS: Final[tuple[Callable[[Settings], Finding | None], ...]] = (
    _variables,
    _folder,
    _database,
    _migrations,
    _changes,
    _workers,
    _disk,
    _clock,
    _port,
    _https,
    _tokens,
    _connections,
)
