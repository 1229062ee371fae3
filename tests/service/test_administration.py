"""What administrators do to connections and directories, on a real store: checked before anything is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rosterd.scim import errors
from rosterd.service.audit import Entry
from rosterd.service.control import Directory, Policy
from rosterd.service.limits import Limits
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service


def run(path: Path, test: Callable[[Service, Directory], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_service(Settings(data=path / "data")) as service:
            await test(service, await service.directories.create("acme", by=BY))

    asyncio.run(main())


async def log(service: Service) -> list[Entry]:
    """The entries but for that of the directory, oldest first."""
    return [row.entry for row in await service.control.audit_page(None, None, 99)][-2::-1]


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("", {}, errors.InvalidValue),
        ("a/b", {}, errors.InvalidValue),
        ("x", {"profile": "ping"}, errors.InvalidValue),
        ("x", {"policy": Policy(reach="all")}, errors.InvalidValue),
        ("x", {"policy": Policy(on_delete="keep")}, errors.InvalidValue),
        ("okta", {}, errors.Uniqueness),
    ],
)
def test_a_connection_that_cannot_be_is_not_made(
    tmp_path: Path, name: str, options: dict[str, Any], error: type[errors.ScimError]
) -> None:
    async def test(service: Service, home: Directory) -> None:
        okta = await service.connections.create(home, "okta", by=BY)
        with pytest.raises(error):
            await service.connections.create(home, name, by=BY, **options)
        if options:
            with pytest.raises(error):
                await service.connections.update(okta, by=BY, **options)
        else:
            entra = await service.connections.create(home, "entra", by=BY)
            with pytest.raises(error):
                await service.connections.update(entra, by=BY, name=name)
        assert (await service.control.connections(home.id))[-1:] == (okta,)
        assert {entry.action for entry in await log(service)} == {"connection.created"}

    run(tmp_path, test)


def test_a_connection_is_called_otherwise_and_the_audit_log_says_what_it_was_called(tmp_path: Path) -> None:
    async def test(service: Service, home: Directory) -> None:
        otka = await service.connections.create(home, "otka", by=BY)
        okta = await service.connections.update(otka, by=BY, name="okta")
        assert await service.control.connections(home.id) == (okta,)
        assert okta == replace(otka, name="okta")
        updated = (await log(service))[-1]
        assert (updated.action, updated.target) == ("connection.updated", "connection 'otka'")
        assert (updated.before, updated.after) == ({"name": "otka"}, {"name": "okta"})
        assert await service.connections.update(okta, by=BY, name="okta") == okta
        with pytest.raises(errors.Conflict):
            await service.connections.update(otka, by=BY, profile="okta")
        assert len(await log(service)) == 2

    run(tmp_path, test)


def test_of_two_changes_at_once_one_is_kept_and_the_other_is_told(tmp_path: Path) -> None:
    async def test(service: Service, home: Directory) -> None:
        okta = await service.connections.create(home, "okta", by=BY)
        outcomes = await asyncio.gather(
            service.connections.update(okta, by=BY, profile="okta"),
            service.connections.update(okta, by=BY, policy=Policy(limits=Limits(burst=9))),
            return_exceptions=True,
        )
        (refusal,) = [o for o in outcomes if isinstance(o, BaseException)]
        assert isinstance(refusal, errors.Conflict)
        (kept,) = [o for o in outcomes if not isinstance(o, BaseException)]
        assert await service.control.connections(home.id) == (kept,)
        created, updated = await log(service)
        assert created.after["profile"] == "auto"
        assert (updated.before, updated.after) == ({"profile": "auto"}, {"profile": "okta"})

    run(tmp_path, test)


def test_definitions_that_differ_are_told_and_no_others(tmp_path: Path) -> None:
    async def test(service: Service, home: Directory) -> None:
        code = {"id": "urn:x:code", "attributes": [{"name": "code"}]}
        other = {"id": "urn:x:other", "attributes": [{"name": "other"}]}
        home = await service.directories.define(home, [code, other], [], by=BY)
        more = {**code, "attributes": [{"name": "code"}, {"name": "more"}]}
        home = await service.directories.define(home, [more, other], [], by=BY)
        await service.directories.define(home, [more], [], by=BY)
        added, replaced = await log(service)
        assert (added.action, added.target) == ("directory.defined", "directory 'acme'")
        assert (added.before, added.after) == ({}, {"schemas": [code, other]})
        assert [schema["id"] for schema in replaced.after["schemas"]] == ["urn:x:code"]
        assert replaced.after["schemas"][0]["attributes"] == [{"name": "more"}]

    run(tmp_path, test)
