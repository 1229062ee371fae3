"""What no file may say: where packages come from, and where this tree lies on somebody's machine."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIP = {".git", ".venv", "build", "dist", "rosterd-data", "__pycache__"}
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".sql",
    ".json",
    ".yml",
    ".yaml",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".cfg",
    "",
}

FORBIDDEN = {
    "the host of a package registry": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|golang\.org|crates\.io|(?:docker|ghcr|quay)\.io)\b"
    ),
    "a path of one machine": re.compile(r"(?<![\w.{}<>/-])/(?:root|home|work|private)/[a-z]"),
}


def files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = (
            any(part in SKIP or part.endswith(("_cache", ".egg-info")) for part in parts)
            or ".hypothesis" in parts
        )
        if path.is_file() and not hidden and path.suffix in TEXT:
            yield path


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_no_file_knows_where_this_tree_lies() -> None:
    here = f"{ROOT.as_posix()}/"
    if here.count("/") < 3:
        pytest.skip("this tree lies too near the root to tell its path from a word")
    assert [p for p in files() if here in p.read_text(errors="replace")] == []
