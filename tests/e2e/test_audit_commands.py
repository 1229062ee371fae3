"""Every changing command leaves one entry in the audit log; ``rosterd audit`` and ``rosterd settings``."""

import asyncio
import getpass
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from judges import commands as run
from judges.harness import NO_TLS, Server
from service.phone import equip
from typer.core import TyperGroup

from rosterd.cli import app
from rosterd.service.audit import COMMAND_LINE
from rosterd.service.sessions import Place
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Settings, open_service

READING = re.compile(
    r".* (list|show|tail|preview|sessions|deliveries|dead-letters)"
    r"|serve|demo|doctor|migrate|listen|backup|restore|copy|export|import|simulate .*"
)
"""Those that change nothing of the installation; what ``import`` changes is in the feed.

What ``copy`` and ``restore`` write is another installation, with an entry: their own tests look for it.
"""
ON = ("--directory", "acme")
ALONG = (*ON, "--connection", "okta")
CHANGING: dict[str, tuple[str, tuple[str, ...]]] = {
    "directory create": ("directory.created", ("new",)),
    "directory delete": ("directory.deleted", ("acme", "--confirm", "acme")),
    "directory define": ("directory.defined", ("acme", "--schemas", "SCHEMA")),
    "directory require": ("directory.required", ("acme", "--user", "title")),
    "directory attribute add": ("attribute.added", ("acme", "floor", "--quiet")),
    "directory attribute remove": ("attribute.removed", ("acme", "kept", "--quiet")),
    "connection create": ("connection.created", ("new", *ON)),
    "connection update": ("connection.updated", ("okta", *ON, "--profile", "strict", "--fuse-count", "9")),
    "connection pause": ("connection.paused", ("okta", *ON, "--reason", "moving")),
    "connection resume": ("connection.resumed", ("paused", *ON)),
    "connection disable": ("connection.disabled", ("okta", *ON)),
    "connection delete": ("connection.deleted", ("paused", *ON, "--confirm", "paused")),
    "connection enable": ("connection.enabled", ("disabled", *ON)),
    "token create": ("token.created", ALONG),
    "token rotate": ("token.rotated", ("TOKEN", *ON)),
    "token revoke": ("token.revoked", ("TOKEN", *ON)),
    "client create": ("client.created", ALONG),
    "client rotate": ("client.rotated", ("CLIENT", *ON)),
    "client revoke": ("client.revoked", ("CLIENT", *ON)),
    "key create": ("key.created", ON),
    "key revoke": ("key.revoked", ("KEY",)),
    "connection undo": ("connection.undone", ("paused", *ON, "--since", "1h", "--yes", "UNDONE")),
    "account erase": ("account.erased", ("ACCOUNT", *ON, "--yes")),
    "setup-link create": ("setup_link.created", ALONG),
    "setup-link revoke": ("setup_link.revoked", ("LINK", *ALONG)),
    "administrator create": ("administrator.created", ("bob",)),
    "administrator update": ("administrator.updated", ("ADMINISTRATOR", "--role", "operator")),
    "administrator password": ("administrator.password_changed", ("ADMINISTRATOR",)),
    "administrator disable": ("administrator.disabled", ("ADMINISTRATOR",)),
    "administrator enable": ("administrator.enabled", ("DISABLED",)),
    "administrator remove": ("administrator.removed", ("ADMINISTRATOR",)),
    "administrator log-out": ("session.revoked", ("SESSION",)),
    "administrator remove-second-factor": ("administrator.second_factor_removed", ("EQUIPPED",)),
    "webhook create": ("webhook.created", ("https://app.example/hooks", *ON)),
    "webhook update": ("webhook.updated", ("WEBHOOK", "--label", "new")),
    "webhook remove": ("webhook.removed", ("WEBHOOK",)),
    "webhook rotate": ("webhook.rotated", ("WEBHOOK",)),
    "webhook disable": ("webhook.disabled", ("WEBHOOK", "--reason", "moving")),
    "webhook enable": ("webhook.enabled", ("STOPPED",)),
    "webhook test": ("webhook.tested", ("NOWHERE",)),
    "webhook replay": ("webhook.replayed", ("WEBHOOK", *ON)),
    "webhook create-stream": ("webhook.created", ("https://app.example", *ON, "SIGNING")),
    "webhook update-stream": ("webhook.updated", ("STREAM", "--detail", "notice")),
    "events replay": ("webhook.replayed", ("--webhook", "WEBHOOK", *ON)),
    "set-key rotate": ("set-key.rotated", ()),
    "mapping set": ("mapping.updated", ("MAPPING", *ON)),
    "reconcile": ("accounts.adopted", ("ACCOUNTS", *ALONG, "--adopt")),
    "mark-restored": ("installation.restored", ()),
    "settings set": ("settings.updated", ("eventRetentionDays=90", "requestLogBodies=false")),
}
"""What each changing command writes, and with which arguments; a new command needs a row here."""
FILES = {
    "SCHEMA": '{"id": "urn:x:new", "name": "New", "attributes": [{"name": "code"}]}',
    "MAPPING": '{"fields": [], "roles": [{"role": "staff", "when": "true"}]}',
    "ACCOUNTS": "account,userName\n1,adopted\n",
}
CODES = {"webhook test": 1}
SECRET = re.compile(r"r[a-z]{2}_[0-9A-Za-z]{12}_|rss_|digest")


BASE = {"ROSTERD_BASE_URL": "https://scim.example"}
"""What tokens of a stream name as their issuer."""


ENVIRONMENT: dict[str, str | None] = {"ROSTERD_EVENT_RETENTION_DAYS": None, **BASE}
rosterd = partial(run.said, **ENVIRONMENT)
result = partial(run.result, **ENVIRONMENT)


def commands(name: str = "", command: object = None) -> Iterator[str]:
    command = typer.main.get_command(app) if command is None else command
    if isinstance(command, TyperGroup):
        for child, inner in command.commands.items():
            yield from commands(f"{name} {child}".strip(), inner)
    else:
        yield name


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a directory ``acme`` and three connections in it."""
    at = ("--data", tmp_path / "data")
    rosterd("directory", "create", "acme", *at)
    rosterd("directory", "create", "other", *at)
    rosterd("directory", "attribute", "add", "acme", "kept", *at)
    for name in ("okta", "paused", "disabled"):
        rosterd("connection", "create", name, *ON, *at)
    rosterd("connection", "pause", "paused", *ON, *at)
    rosterd("connection", "disable", "disabled", *ON, *at)
    return tmp_path / "data"


def prepared(argument: str, data: Path, folder: Path) -> str:
    """What an argument in capitals stands for, made on the way."""
    at = ("--data", data)
    name = argument.lower()
    match argument:
        case "SCHEMA" | "MAPPING" | "ACCOUNTS":
            path = folder / "value"
            path.write_text(FILES[argument])
            return str(path)
        case "TOKEN" | "KEY":
            return str(result(name, "create", *(ALONG if argument == "TOKEN" else ()), *at)["id"])
        case "CLIENT":
            return str(result("client", "create", *ALONG, *at)["scimClientId"])
        case "LINK":
            return str(result("setup-link", "create", *ALONG, *at)["id"])
        case "ACCOUNT" | "UNDONE":
            people = folder / "people.csv"
            people.write_text("userName\nann\n")
            rosterd("connection", "resume", "paused", *ON, *at)
            rosterd("import", people, *ON, "--connection", "paused", *at)
            rosterd("connection", "pause", "paused", *ON, *at)
            return "ann" if argument == "ACCOUNT" else ""
        case "ADMINISTRATOR" | "DISABLED" | "SESSION" | "EQUIPPED":
            rosterd("administrator", "create", name, *at)
            if argument == "DISABLED":
                rosterd("administrator", "disable", name, *at)
            if argument in ("SESSION", "EQUIPPED"):
                asyncio.run((log_in if argument == "SESSION" else equipped)(data, name))
            return name
    return outgoing(argument, data)


def outgoing(argument: str, data: Path) -> str:
    """The same for what goes out."""
    at = ("--data", data)
    match argument:
        case "WEBHOOK" | "STOPPED":
            id = str(result("webhook", "create", "https://app.example/", *at)["id"])
            if argument == "STOPPED":
                rosterd("webhook", "disable", id, *at)
            return id
        case "SIGNING":  # the first key is made on the way otherwise, with an entry of its own
            rosterd("set-key", "rotate", *at)
            return ""
        case "STREAM":
            return str(result("webhook", "create-stream", "https://app.example", *ON, *at)["id"])
        case "NOWHERE":
            return asyncio.run(refused_at_once(data))
    return argument


async def equipped(data: Path, name: str) -> None:
    async with open_service(Settings(data=data)) as service:
        await equip(service.access.second_factors, await service.access.administrators.named(name))


async def log_in(data: Path, name: str) -> None:
    async with open_service(Settings(data=data)) as service:
        found = await service.access.administrators.named(name)
        await service.access.sessions.open(found, Place("192.0.2.1", "Browser", ""), way="test")


async def refused_at_once(data: Path) -> str:
    """A webhook that is never asked, for its address is not allowed."""
    async with open_service(Settings(data=data)) as service:
        made, _ = await service.webhooks.create("https://app.example/", by=BY)
        await service.control.update_webhook(made, replace(made, url="https://127.0.0.1/"), ENTRY)
        return made.id


def test_every_command_is_known() -> None:
    assert {name for name in commands() if not READING.fullmatch(name)} == set(CHANGING)


def renamed(entry: Any, name: str) -> Any:
    """An entry as it was before its directory was deleted, whose number stands behind its name since."""
    return {**entry, "directory": name} if str(entry["directory"]).startswith(f"{name}#") else entry


@pytest.mark.parametrize("command", CHANGING)
def test_a_change_leaves_one_entry_without_a_secret(data: Path, tmp_path: Path, command: str) -> None:
    action, arguments = CHANGING[command]
    at = ("--data", data)
    given = [prepared(argument, data, tmp_path) for argument in arguments]
    before = result("audit", "list", *at)
    rosterd(*command.split(), *(argument for argument in given if argument), *at, code=CODES.get(command, 0))
    entry, *rest = result("audit", "list", *at)
    assert [renamed(one, "acme") for one in rest] == before
    assert entry["action"] == action
    assert entry["by"] == {"kind": COMMAND_LINE, "name": getpass.getuser(), "id": "", "address": None}
    assert entry["requestId"]
    assert not SECRET.search(json.dumps(entry))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("connection", "update", "okta", *ON), 0),
        (("connection", "update", "okta", *ON, "--profile", "auto"), 0),
        (("connection", "pause", "paused", *ON), 0),
        (("connection", "enable", "paused", *ON), 4),
        (("settings", "set", "eventRetentionDays=30"), 0),
        (("settings", "set", "eventRetentionDays=-1"), 2),
        (("key", "revoke", "nothing"), 3),
        (("token", "revoke", "nothing", *ON), 3),
    ],
)
def test_what_changes_nothing_leaves_none(data: Path, arguments: tuple[str, ...], code: int) -> None:
    before = result("audit", "list", "--data", data)
    rosterd(*arguments, "--data", data, code=code)
    assert result("audit", "list", "--data", data) == before


def test_the_log_is_listed_by_directory_action_and_number(data: Path) -> None:
    def targets(*arguments: str) -> list[str]:
        return [entry["target"] for entry in result("audit", "list", *arguments, "--data", data)]

    assert targets("--action", "directory.created") == ["directory 'other'", "directory 'acme'"]
    assert targets("--directory", "other") == ["directory 'other'"]
    assert targets("--action", "connection.", "--limit", "2") == [
        "connection 'disabled'",
        "connection 'paused'",
    ]
    first = rosterd("audit", "list", "--data", data).splitlines()[0].split("\t")
    assert first[1:] == [
        f"command line '{getpass.getuser()}'",
        "connection.disabled",
        "connection 'disabled'",
        "acme",
    ]
    rosterd("audit", "list", "--directory", "nowhere", "--data", data, code=3)


def test_the_first_run_is_told_as_done_by_rosterd_itself(tmp_path: Path) -> None:
    rosterd("token", "create", "--data", tmp_path / "data")
    token, connection, directory = result("audit", "list", "--data", tmp_path / "data")
    assert [e["action"] for e in (directory, connection)] == ["directory.created", "connection.created"]
    assert {e["by"]["kind"] for e in (directory, connection)} == {"rosterd"}
    assert token["by"]["kind"] == COMMAND_LINE


def test_settings_are_shown_and_set(data: Path) -> None:
    at = ("--data", data)
    assert result("settings", "show", *at)["eventRetentionDays"] == 30
    assert result("settings", "set", "eventRetentionDays=90", *at)["eventRetentionDays"] == 90
    assert "eventRetentionDays\t90\t-\tDays that events" in rosterd("settings", "show", *at)
    assert result("settings", "set", "eventRetentionDays=default", *at)["eventRetentionDays"] == 30
    for wrong in ("eventRetentionDays", "retention=5", "eventRetentionDays=x", "requestLogBodies=1"):
        assert wrong.split("=")[0] in rosterd("settings", "set", wrong, "requestLogBodies=false", *at, code=2)
    assert result("settings", "show", *at)["requestLogBodies"] is True


def test_what_the_environment_fixes_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERD_TOKEN_WARNING_DAYS", "5")
    at = ("--data", data)
    assert result("settings", "show", *at)["fixed"] == ["tokenWarningDays"]
    assert "ROSTERD_TOKEN_WARNING_DAYS" in rosterd("settings", "set", "tokenWarningDays=6", *at, code=4)


def test_a_running_server_takes_a_setting_up(server: Server) -> None:
    key = server.cli("key", "create", "--scope", "settings.read", "--quiet").strip()
    address, headers = f"{server.origin}/api/v1/settings", {"Authorization": f"Bearer {key}"}
    server.cli("settings", "set", "tokenWarningDays=11")
    with httpx.Client(headers=headers, verify=NO_TLS) as client:
        seen = (client.get(address).json()["tokenWarningDays"] for _ in range(10_000))
        assert 11 in seen
    server.cli("settings", "set", "tokenWarningDays=default")
