"""The list of ASVS requirements in SECURITY.md is the standard's, and what it points at exists."""

import re
from pathlib import Path

import pytest

from rosterd.service.passwords import WORDS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
TABLE = TEXT.partition("<!-- asvs -->")[2].partition("<!-- /asvs -->")[0]
ROWS = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in TABLE.strip().splitlines()[2:]]
OUT = re.findall(r"\d+\.\d+\.\d+", TEXT.partition("<!-- /asvs -->")[2])

# Requirements of levels 1 and 2 of version 5.0.0, from its list: in each section they come before those of
# level 3, so the number of the last one is enough. Sections with level 3 only (3.1, 3.6, 6.7, 11.7, 15.4) are
# not named.
LEVELS_1_AND_2 = """
1.1: 2   1.2: 9   1.3: 11  1.4: 3   1.5: 2
2.1: 3   2.2: 3   2.3: 4   2.4: 1
3.2: 2   3.3: 4   3.4: 6   3.5: 5   3.7: 2
4.1: 3   4.2: 1   4.3: 2   4.4: 4
5.1: 1   5.2: 3   5.3: 2   5.4: 3
6.1: 3   6.2: 12  6.3: 4   6.4: 4   6.5: 5   6.6: 3   6.8: 4
7.1: 3   7.2: 4   7.3: 2   7.4: 5   7.5: 2   7.6: 2
8.1: 2   8.2: 3   8.3: 1   8.4: 1
9.1: 3   9.2: 4
10.1: 2  10.2: 2  10.3: 4  10.4: 11 10.5: 5  10.6: 2  10.7: 3
11.1: 2  11.2: 3  11.3: 3  11.4: 4  11.5: 1  11.6: 1
12.1: 3  12.2: 2  12.3: 4
13.1: 1  13.2: 5  13.3: 2  13.4: 5
14.1: 2  14.2: 4  14.3: 3
15.1: 3  15.2: 3  15.3: 7
16.1: 1  16.2: 5  16.3: 4  16.4: 3  16.5: 3
17.1: 1  17.2: 4  17.3: 2
"""
# 70 of level 1 and 183 of level 2.
ALL = 253


def wanted() -> list[str]:
    found = re.findall(r"([\d.]+): (\d+)", LEVELS_1_AND_2)
    return [f"{part}.{n}" for part, last in found for n in range(1, int(last) + 1)]


def test_the_list_of_requirements_is_the_standards() -> None:
    assert len(set(wanted())) == ALL


def test_every_requirement_is_judged_once() -> None:
    named = [row[0] for row in ROWS] + OUT
    assert sorted(named) == sorted(wanted())


def test_rows_come_in_the_order_of_the_standard() -> None:
    numbers = [[int(part) for part in row[0].split(".")] for row in ROWS]
    assert numbers == sorted(numbers)


def test_words_that_are_refused_in_passwords_are_documented() -> None:
    text = (ROOT / "docs" / "console-access.md").read_text()
    assert ", ".join(WORDS) in " ".join(text.split())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_judgement_says_where_it_is_seen(row: list[str]) -> None:
    _, holds, how, seen = row
    assert holds in ("yes", "partly", "no", "around")
    assert how
    for place in re.findall(r"`([^`]+)`", seen):
        name, _, test = place.partition("::")
        assert (ROOT / name).is_file(), f"there is no {name}"
        assert not test or f"def {test}(" in (ROOT / name).read_text(), f"there is no test {test} in {name}"
