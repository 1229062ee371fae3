"""A directory can be one shard: docs/sharding.md says where tables go, and which statements cross shards."""

import re
from pathlib import Path

import pytest

from rosterd.store.queries import POSTGRES, schema

TEXT = Path(__file__).parents[2].joinpath("docs", "sharding.md").read_text()
SECTIONS = dict(section.split("\n", 1) for section in re.split(r"^## ", TEXT, flags=re.M)[1:])
TABLES = dict(re.findall(r"^CREATE (?:UNLOGGED )?TABLE (\w+) \((.*?)^\);", schema("postgres"), re.M | re.S))
INDEXES = re.findall(r"^CREATE (UNIQUE )?INDEX (\w+) ON (\w+) \((\w+)", schema("postgres"), re.M)
ALL_DIRECTORIES = {"webhook_line_of", "webhook_lease", "webhook_dead_of", "set_ack_of"}
"""For what crosses shards: lines, dead letters and receipts of one webhook, leases of one worker."""


def named(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def rows(section: str) -> list[str]:
    return [line for line in SECTIONS[section].splitlines() if line.startswith("| `")]


def distributed() -> set[str]:
    return {
        name for name, body in TABLES.items() if re.search(r"^ +directory +BIGINT", body, re.M) and key(body)
    }


def key(body: str) -> bool:
    """Whether the primary key begins with the directory."""
    return bool(re.search(r"PRIMARY KEY \(directory\b|^ +directory BIGINT +PRIMARY KEY", body, re.M))


def test_every_table_has_its_place() -> None:
    together, everywhere = (named(row.split("|")[1]) for row in rows("Where the tables go"))
    assert together == distributed()
    assert everywhere == set(TABLES) - together


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: index[1])
def test_an_index_of_a_directorys_data_begins_with_it(index: tuple[str, str, str, str]) -> None:
    unique, name, table, first = index
    if table in distributed() and name not in ALL_DIRECTORIES:
        assert first == "directory"
    assert not (unique and table in distributed() and first != "directory")


@pytest.mark.parametrize("table", sorted(distributed()))
def test_a_reference_between_shards_there_is_none(table: str) -> None:
    for columns, other in re.findall(r"FOREIGN KEY \(([^)]+)\) REFERENCES (\w+)", TABLES[table]):
        assert other not in distributed() or columns.startswith("directory")


def test_every_statement_that_crosses_shards_is_told() -> None:
    crossing = set()
    for name, statement in POSTGRES.items():
        used = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)", statement)) & distributed()
        if used and not re.search(
            r"directory\s*(=\s*\$\d|IN \(\$1, \$1\))|VALUES \(\$1|SELECT\s+\$1", statement
        ):
            crossing.add(name)
    told = set[str]().union(*(named(row.split("|")[1]) for row in rows("What crosses shards")))
    assert crossing == told
