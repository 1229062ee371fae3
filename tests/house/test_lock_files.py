"""The lock files: everything pinned and hashed, nothing said about where it comes from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("run", "dev", "tools")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# name==version [; marker] \ followed by its hashes, one a line.
PIN = re.compile(
    r"([a-z0-9][a-z0-9._-]*)==([A-Za-z0-9.!+]+)( ; [^\\]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
)


def pins(path: Path) -> dict[str, tuple[str, str]]:
    text = re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.M)
    found = {m[1]: (m[2], m[4]) for m in PIN.finditer(text)}
    rest = PIN.sub("", text).split()
    assert rest == [], f"{path.name}: not a pinned and hashed release: {rest[:3]}"
    return found


def wanted() -> dict[str, list[str]]:
    groups = [r for group in PROJECT["dependency-groups"].values() for r in group]
    run = [*PROJECT["project"]["dependencies"], *groups, *PROJECT["build-system"]["requires"]]
    extras = PROJECT["project"]["optional-dependencies"]
    return {"run": run, "dev": [*run, *extras["dev"]], "tools": [*run, *extras["tools"]]}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_release_is_pinned_and_hashed(lock: str) -> None:
    assert len(pins(LOCKS[lock])) > 10


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_and_no_path(lock: str) -> None:
    text = LOCKS[lock].read_text()
    for word in ("://", " @ ", "file:", "--index-url", "--extra-index-url", "--find-links", "-e ", "git+"):
        assert word not in text
    assert not re.search(r"(^|\s)(/|~|[A-Za-z]:\\)", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_answers_what_pyproject_asks(lock: str) -> None:
    locked = pins(LOCKS[lock])
    for text in wanted()[lock]:
        requirement = Requirement(text)
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {lock}.txt: make lock"
        assert requirement.specifier.contains(version[0], prereleases=True), f"{text}: make lock"


@pytest.mark.parametrize(("lock", "other"), [("run", "dev"), ("run", "tools"), ("dev", "tools")])
def test_tests_and_tools_run_on_the_releases_that_the_service_runs_on(lock: str, other: str) -> None:
    """All are installed into one environment; what only one of them has is left out here."""
    one, more = pins(LOCKS[lock]), pins(LOCKS[other])
    both = one if lock == "run" else one.keys() & more.keys()
    assert {name: more.get(name) for name in both} == {name: one[name] for name in both}
