"""A directory goes through a file and is the same again; what cannot be read in is told, line by line."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from judges.harness import COMMAND, Server, created, environment, running, scim_client, user

from rosterd.scim import urns

BY_WORK_MAIL = 'emails[type eq "work"].value'
DEPARTMENT = f"{urns.ENTERPRISE_USER}:department"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("transfer") / "data") as server:
        yield server


def imported(server: Server, name: str, file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Read a file into a directory's connection ``name`` beside the running server; exit code and result."""
    done = subprocess.run(
        [*COMMAND, "import", file, "-d", name, "-c", name, "--json", "--data", server.data, *options],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def fill(server: Server, name: str) -> None:
    """Three users, one of them switched off, and a group with two of them, a group and a stranger."""
    made = server.connect(name)
    with scim_client(made.base_url, made.token) as client:
        boss = created(client, "/Users", user("boss", externalId="e1", title='Chéf; "x"\nof all'))
        ann = created(
            client,
            "/Users",
            user(
                "ann",
                schemas=[urns.USER, urns.ENTERPRISE_USER],
                emails=[{"type": "work", "value": "ann@x.example", "primary": True}],
                phoneNumbers=[{"value": "tel:+1"}, {"value": "tel:+2"}],
                **{urns.ENTERPRISE_USER: {"department": "R, D", "manager": {"value": boss["id"]}}},
            ),
        )
        created(client, "/Users", user("off", active=False))
        inner = created(client, "/Groups", {"schemas": [urns.GROUP], "displayName": "Inner"})
        members = [{"value": boss["id"]}, {"value": ann["id"]}, {"value": inner["id"]}, {"value": "stranger"}]
        created(client, "/Groups", {"schemas": [urns.GROUP], "displayName": "Outer", "members": members})


def exported(server: Server, name: str, *options: str) -> list[dict[str, Any]]:
    """All that an export of the directory says, but when and in what version."""
    text = server.cli("export", "--directory", name, *options)
    first, *records = [json.loads(line) for line in text.splitlines()]
    assert first["directory"] == name
    return [
        {k: v for k, v in record.items() if k not in ("created", "lastModified", "version")}
        for record in records
    ]


def test_a_directory_is_the_same_after_export_and_import(started: Server, tmp_path: Path) -> None:
    fill(started, "old")
    file = tmp_path / "old.jsonl"
    started.cli("export", "--directory", "old", "--output", str(file))
    started.connect("new")
    code, told = imported(started, "new", file)
    assert (code, told["counts"], told["failed"]) == (0, {"created": 5, "members added": 2}, [])
    assert exported(started, "new") == exported(started, "old")
    code, told = imported(started, "new", file)
    assert (code, told["counts"]) == (0, {"there already": 5, "members added": 2})
    assert exported(started, "new") == exported(started, "old")


def test_users_are_the_same_after_a_table(started: Server, tmp_path: Path) -> None:
    fill(started, "table")
    file = tmp_path / "users.csv"
    started.cli("export", "--directory", "table", "--output", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["userName"] for row in rows] == ["boss", "ann", "off"]
    assert [row["groups"] for row in rows] == ["Outer", "Outer", ""]
    assert (rows[1][BY_WORK_MAIL], rows[1][DEPARTMENT], rows[2]["active"]) == (
        "ann@x.example",
        "R, D",
        "false",
    )
    started.connect("again")
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


def test_a_table_updates_who_is_there_when_asked(started: Server, tmp_path: Path) -> None:
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
    started: Server, tmp_path: Path, text: str, counts: dict[str, int], faults: list[tuple[int, str, str]]
) -> None:
    name = f"faults{abs(hash(text)) % 10**8}"
    started.connect(name)
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
def test_a_header_that_cannot_be_is_refused(started: Server, tmp_path: Path, header: str, word: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"{header}\n")
    done = subprocess.run(
        [*COMMAND, "import", str(file), "--data", str(started.data)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 2
    assert word in done.stderr


def test_lines_that_are_no_records_are_told(started: Server, tmp_path: Path) -> None:
    started.connect("lines")
    file = tmp_path / "x.jsonl"
    device = {"record": "resource", "resource": {"type": "Device", "id": "d"}, "attributes": {}}
    orphan = {"record": "members", "group": "nobody", "members": [{"type": "User", "id": "x"}]}
    file.write_text("\n".join(["{", "[]", "{}", json.dumps(device), json.dumps(orphan)]))
    code, told = imported(started, "lines", file)
    assert (code, told["counts"]) == (1, {"failed": 5})
    assert [fault["line"] for fault in told["failed"]] == [1, 2, 3, 4, 5]
