"""``rosterd reconcile`` reads the application's list, tells what differs, and adopts."""

import json
from pathlib import Path

import pytest
from judges.commands import Done, invoke
from judges.harness import Server, scim_client, user


def reconcile(server: Server, *arguments: str) -> Done:
    return invoke("reconcile", *arguments, "--data", server.data)


def test_a_list_is_held_against_the_directory_and_adopted(server: Server, tmp_path: Path) -> None:
    made = server.connect("reconciled")
    file = tmp_path / "accounts.csv"
    file.write_text("account,userName,active\n1,ann,true\n2,bob,no\n")
    where = ("--directory", "reconciled", "--connection", "reconciled", "--json")
    with scim_client(made.base_url, made.token) as client:
        assert client.post("/Users", json=user("cyd")).status_code == 201
        first = reconcile(server, str(file), *where)
        assert first.returncode == 1, first.stderr
        assert json.loads(first.stdout)["counts"] == {"unknown": 2, "missing": 1}
        adopting = reconcile(server, str(file), *where, "--adopt")
        assert adopting.returncode == 0, adopting.stderr
        assert [one["what"] for one in json.loads(adopting.stdout)["adopted"]] == ["adopted", "adopted"]
        assert client.post("/Users", json=user("ann")).status_code == 201
        last = reconcile(server, str(file), *where)
        assert json.loads(last.stdout)["counts"] == {"agreed": 2, "missing": 1}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("userName\nann\n", "account"),
        ("account,colour\n1,red\n", "colour"),
        ("account,active\n1,perhaps\n", "line 2"),
        ("account\n \n", "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(server: Server, tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(text)
    done = reconcile(server, str(file))
    assert done.returncode == 2
    assert word in done.stderr
