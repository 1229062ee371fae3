"""The list of ASVS requirements in SECURITY.md is complete, and what it points at exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
TABLE = TEXT.partition("<!-- asvs -->")[2].partition("<!-- /asvs -->")[0]
ROWS = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in TABLE.strip().splitlines()[2:]]
OUT = re.findall(r"\d+\.\d+\.\d+", TEXT.partition("<!-- /asvs -->")[2])

# How many requirements of levels 1 and 2 each section of version 5.0 has, by their numbers.
LEVELS_1_AND_2 = """
1.1: 1-2   1.2: 1-9   1.3: 1-11  1.4: 1-3   1.5: 1-2
2.1: 1-3   2.2: 1-3   2.3: 1-4   2.4: 1-1
3.2: 1-2   3.3: 1-4   3.4: 1-6   3.5: 1-5   3.7: 1-2
4.1: 1-3   4.2: 1-1   4.3: 1-2   4.4: 1-4
5.1: 1-1   5.2: 1-3   5.3: 1-2   5.4: 1-3
6.1: 1-3   6.2: 1-11  6.3: 1-3   6.4: 1-4   6.5: 1-5   6.6: 1-3   6.8: 1-4
7.1: 1-3   7.2: 1-4   7.3: 1-2   7.4: 1-5   7.5: 1-2   7.6: 1-2
8.1: 1-2   8.2: 1-3   8.3: 1-1   8.4: 1-1
9.1: 1-3   9.2: 1-4
10.1: 1-2  10.2: 1-2  10.3: 1-4  10.4: 1-11 10.5: 1-5  10.6: 1-2  10.7: 1-3
11.1: 1-2  11.2: 1-3  11.3: 1-3  11.4: 1-4  11.5: 1-1  11.6: 1-1
12.1: 1-3  12.2: 1-2  12.3: 1-4
13.1: 1-1  13.2: 1-5  13.3: 1-2  13.4: 1-5
14.1: 1-2  14.2: 1-4  14.3: 1-3
15.1: 1-3  15.2: 1-3  15.3: 1-7
16.1: 1-1  16.2: 1-5  16.3: 1-4  16.4: 1-3  16.5: 1-3
"""


def wanted() -> list[str]:
    found = re.findall(r"([\d.]+): (\d+)-(\d+)", LEVELS_1_AND_2)
    return [f"{part}.{n}" for part, first, last in found for n in range(int(first), int(last) + 1)]


def test_every_requirement_is_judged_once() -> None:
    named = [row[0] for row in ROWS] + OUT
    assert sorted(named) == sorted(wanted())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_judgement_says_where_it_is_seen(row: list[str]) -> None:
    _, holds, how, seen = row
    assert holds in ("yes", "partly", "no", "around")
    assert how
    for place in re.findall(r"`([^`]+)`", seen):
        name, _, test = place.partition("::")
        assert (ROOT / name).is_file(), f"there is no {name}"
        assert not test or f"def {test}(" in (ROOT / name).read_text(), f"there is no test {test} in {name}"
