"""The shape of the tree: where files are, how long they are, what they open with."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.joinpath("src").rglob("*.py"))
BENCH = sorted(ROOT.joinpath("bench").rglob("*.py"))
TESTS = sorted(ROOT.joinpath("tests").rglob("*.py"))

MAX_LINES = 400
GENERATED = "# Written by "
TEST_DIRECTORIES = {
    "unit",  # one module of scim/ or service/ by itself
    "service",  # the use cases, on a real store
    "http",  # the ASGI application
    "delivery",  # webhooks, sent to a real receiver
    "console",  # the pages, in this process and in a real browser
    "property",  # hypothesis
    "contract",  # the shipped contracts, on every store
    "rfc",  # the RFCs, section by section, over HTTP
    "conversations",  # what identity providers send, recorded and replayed
    "e2e",  # a running server and its command line
    "faults",  # servers and databases killed under load, and whether all that clients saw still holds
    "judges",  # the vendors' suites and the community's conformance checkers, against a running server
    "fuzz",  # no input makes a 500
    "house",  # this tree's own rules
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES + BENCH, ids=name)
def test_module_opens_with_its_law(path: Path) -> None:
    law = ast.get_docstring(ast.parse(path.read_text()))
    assert law, f"{name(path)} must open with a docstring that states its law"
    first = law.split("\n\n")[0]
    assert len(first.split()) >= 4, f"{name(path)}: {first!r} says too little"
    assert first.rstrip().endswith((".", ":", "?")), (
        f"{name(path)}: the law is a sentence, with its full stop"
    )


@pytest.mark.parametrize("path", SOURCES + BENCH, ids=name)
def test_file_is_short_enough_to_read(path: Path) -> None:
    text = path.read_text()
    if text.startswith(GENERATED):
        return
    lines = text.count("\n")
    assert lines <= MAX_LINES, f"{name(path)} has {lines} lines; split it below {MAX_LINES}"


def test_sources_were_found() -> None:
    assert len(SOURCES) > 20


def test_every_test_is_in_a_known_directory() -> None:
    strays = [
        name(p)
        for p in TESTS
        if p.parent != ROOT / "tests" and p.relative_to(ROOT).parts[1] not in TEST_DIRECTORIES
    ]
    strays += [name(p) for p in TESTS if p.parent == ROOT / "tests" and p.name != "conftest.py"]
    assert strays == []


def test_test_files_have_names_of_their_own() -> None:
    names = Counter(p.name for p in TESTS if p.name != "conftest.py")
    assert [n for n, times in names.items() if times > 1] == []


def test_tests_are_not_a_package() -> None:
    assert [name(p) for p in TESTS if p.name == "__init__.py"] == []


def test_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src/rosterd/py.typed").exists()
