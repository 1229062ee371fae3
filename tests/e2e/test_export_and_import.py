"""A directory goes through a file and is the same again; what cannot be read in is told, line by line."""

import asyncio
import csv
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges.commands import invoke, said
from judges.harness import COMMAND, environment, user

from rosterd.scim import urns
from rosterd.service.transfer import PORTION
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

BY_WORK_MAIL = 'emails[type eq "work"].value'
DEPARTMENT = f"{urns.ENTERPRISE_USER}:department"


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """A data directory; what the commands do beside a running server, other tests look at."""
    return tmp_path / "data"


def imported(data: Path, name: str, file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Read a file into a directory's connection ``name``; exit code and result."""
    where = ("-d", name, "-c", name, "--json")
    done = invoke("import", file, *where, *options, "--data", data)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


async def connect(data: Path, name: str, *bodies: tuple[str, dict[str, Any]]) -> list[str]:
    """A directory and a connection of this name, and what that makes; ``{0}`` stands for the first id."""
    ids: list[str] = []
    async with open_service(Settings(data=data)) as service:
        home = await service.directories.create(name, by=BY)
        line = await service.connections.create(home, name, by=BY)
        _, token = await service.tokens.issue(home.id, line.id, by=BY)
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(service.http.site)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
            for path, body in bodies:
                text = json.dumps(body)
                for number, id in enumerate(ids):
                    text = text.replace(f"<{number}>", id)
                made = await client.post(f"/scim/v2/{path}", json=json.loads(text))
                assert made.status_code == 201, made.text
                ids.append(made.json()["id"])
    return ids


def fill(data: Path, name: str) -> None:
    """Three users, one of them switched off, and a group with two of them, a group and a stranger."""
    ann = user(
        "ann",
        schemas=[urns.USER, urns.ENTERPRISE_USER],
        emails=[{"type": "work", "value": "ann@x.example", "primary": True}],
        phoneNumbers=[{"value": "tel:+1"}, {"value": "tel:+2"}],
        **{urns.ENTERPRISE_USER: {"department": "R, D", "manager": {"value": "<0>"}}},
    )
    members = [{"value": value} for value in ("<0>", "<1>", "<3>", "stranger")]
    asyncio.run(
        connect(
            data,
            name,
            ("Users", user("boss", externalId="e1", title='Chéf; "x"\nof all')),
            ("Users", ann),
            ("Users", user("off", active=False)),
            ("Groups", {"schemas": [urns.GROUP], "displayName": "Inner"}),
            ("Groups", {"schemas": [urns.GROUP], "displayName": "Outer", "members": members}),
        )
    )


def exported(data: Path, name: str, *options: str) -> list[dict[str, Any]]:
    """All that an export of the directory says, but when and in what version."""
    text = said("export", "--directory", name, *options, "--data", data)
    first, *records = [json.loads(line) for line in text.splitlines()]
    assert first["directory"] == name
    return [
        {k: v for k, v in record.items() if k not in ("created", "lastModified", "version")}
        for record in records
    ]


def test_a_directory_is_the_same_after_export_and_import(started: Path, tmp_path: Path) -> None:
    fill(started, "old")
    file = tmp_path / "old.jsonl"
    said("export", "--directory", "old", "--output", file, "--data", started)
    asyncio.run(connect(started, "new"))
    code, told = imported(started, "new", file)
    assert (code, told["counts"], told["failed"]) == (0, {"created": 5, "members added": 4}, [])
    assert exported(started, "new") == exported(started, "old")
    code, told = imported(started, "new", file)
    assert (code, told["counts"]) == (0, {"there already": 5, "members added": 4})
    assert exported(started, "new") == exported(started, "old")


def test_users_are_the_same_after_a_table(started: Path, tmp_path: Path) -> None:
    fill(started, "table")
    file = tmp_path / "users.csv"
    said("export", "--directory", "table", "--output", file, "--data", started)
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["userName"] for row in rows] == ["boss", "ann", "off"]
    assert [row["groups"] for row in rows] == ["Outer", "Outer", ""]
    assert (rows[1][BY_WORK_MAIL], rows[1][DEPARTMENT], rows[2]["active"]) == (
        "ann@x.example",
        "R, D",
        "false",
    )
    asyncio.run(connect(started, "again"))
    code, told = imported(started, "again", file)
    assert (code, told["counts"]) == (0, {"created": 3})
    before, after = (
        {
            r["attributes"]["userName"]: r["attributes"]
            for r in exported(started, name)
            if r["record"] == "resource" and r["resource"]["type"] == "User"
        }
        for name in ("table", "again")
    )
    assert after == before


def test_a_table_updates_who_is_there_when_asked(started: Path, tmp_path: Path) -> None:
    fill(started, "update")
    file = tmp_path / "users.csv"
    file.write_text("userName,title,externalId\nBOSS,Chief,e1\ncyd,New,\n")
    assert imported(started, "update", file)[1]["counts"] == {"there already": 1, "created": 1}
    assert imported(started, "update", file, "--update")[1]["counts"] == {"updated": 2}
    titles = {
        r["attributes"].get("userName"): r["attributes"].get("title")
        for r in exported(started, "update")
        if "attributes" in r
    }
    assert (titles["BOSS"], titles["cyd"]) == ("Chief", "New")


@pytest.mark.parametrize(
    ("text", "counts", "faults"),
    [
        ("userName,active\nann,perhaps\nbob,true\n", {"failed": 1, "created": 1}, [(2, "ann", "boolean")]),
        ("userName\nann\n \n", {"failed": 1, "created": 1}, [(3, "", "userName")]),
        ("userName,emails\nann,[1\n", {"failed": 1}, [(2, "ann", "JSON")]),
    ],
)
def test_a_faulty_row_is_told_and_all_others_are_read(
    started: Path, tmp_path: Path, text: str, counts: dict[str, int], faults: list[tuple[int, str, str]]
) -> None:
    name = "faults"
    asyncio.run(connect(started, name))
    file = tmp_path / "users.csv"
    file.write_text(text)
    dry = imported(started, name, file, "--dry-run")
    assert exported(started, name) == [{"record": "end", "resources": 0, "members": 0, "pending": 0}]
    code, told = imported(started, name, file)
    assert (code, told["counts"]) == (1, counts)
    for (_, result), kind in ((dry, "dry"), ((code, told), "real")):
        found = [(f["line"], f["name"]) for f in result["failed"]]
        assert found == [(line, who) for line, who, _ in faults], kind
        assert all(word in f["detail"] for f, (_, _, word) in zip(result["failed"], faults, strict=True))


@pytest.mark.parametrize(
    ("header", "word"),
    [("name", "userName"), ("userName,userName", "twice"), ("userName,shoeSize", "shoeSize")],
)
def test_a_header_that_cannot_be_is_refused(started: Path, tmp_path: Path, header: str, word: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"{header}\n")
    asyncio.run(connect(started, "default"))
    assert word in said("import", file, "--data", started, code=2)


def test_what_is_read_after_a_change_of_the_schemas_is_read_by_the_new_ones(
    started: Path, tmp_path: Path
) -> None:
    """The file is a pipe: its second part is written when the first is in and the schemas are others."""
    name = "changing"
    asyncio.run(connect(started, name))
    file = tmp_path / "users.jsonl"
    os.mkfifo(file)
    where = ("-d", name, "-c", name, "--json", "--data", str(started))
    with subprocess.Popen(
        [*COMMAND, "import", str(file), *where], stdout=subprocess.PIPE, env=environment()
    ) as importing:
        assert importing.stdout is not None
        with open(os.open(file, os.O_RDWR), "w", buffering=1) as pipe:  # noqa: PTH123 - waits for no reader
            pipe.writelines(f"{record(f'early-{number}')}\n" for number in range(PORTION))
            while len(exported(started, name)) <= PORTION:
                assert importing.poll() is None
            said("directory", "attribute", "add", name, "floor", "--type", "integer", "--data", started)
            pipe.writelines(f"{record(f'late-{number}', floor=number)}\n" for number in range(PORTION + 1))
        told = json.loads(importing.stdout.read())
    assert (told["counts"], told["failed"]) == ({"created": 2 * PORTION + 1}, [])
    floors = [each["attributes"][FLOOR]["floor"] for each in exported(started, name) if FLOOR in str(each)]
    assert floors == list(range(PORTION + 1))


FLOOR = "urn:ietf:params:scim:schemas:extension:changing:2.0:User"


def record(name: str, **more: int) -> str:
    attributes = {"schemas": [urns.USER, *([FLOOR] if more else [])], "userName": name}
    if more:
        attributes[FLOOR] = more
    return json.dumps(
        {"record": "resource", "resource": {"type": "User", "id": name}, "attributes": attributes}
    )


def test_lines_that_are_no_records_are_told(started: Path, tmp_path: Path) -> None:
    asyncio.run(connect(started, "lines"))
    file = tmp_path / "x.jsonl"
    device = {"record": "resource", "resource": {"type": "Device", "id": "d"}, "attributes": {}}
    orphan = {"record": "members", "group": "nobody", "members": [{"type": "User", "id": "x"}]}
    file.write_text("\n".join(["{", "[]", "{}", json.dumps(device), json.dumps(orphan)]))
    code, told = imported(started, "lines", file)
    assert (code, told["counts"]) == (1, {"failed": 5})
    assert [fault["line"] for fault in told["failed"]] == [1, 2, 3, 4, 5]


def test_an_export_that_broke_off_is_told(started: Path, tmp_path: Path) -> None:
    asyncio.run(connect(started, "from", ("Users", user("ann")), ("Users", user("ben"))))
    asyncio.run(connect(started, "to"))
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    assert invoke("export", "-d", "from", "--output", whole, "--data", started).returncode == 0
    torn.write_text("".join(whole.read_text().splitlines(keepends=True)[:2]))
    code, told = imported(started, "to", torn, "--dry-run")
    assert (code, told["counts"]) == (1, {"valid": 1, "failed": 1})
    assert told["failed"][0]["detail"].startswith("The export broke off")
    assert imported(started, "to", whole, "--dry-run")[0] == 0
