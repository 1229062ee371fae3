"""The documents say what the code does: commands exist, tables are made from it, links lead somewhere."""

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from rosterd.cli import app
from rosterd.http import routes, token_provider
from rosterd.http.api import routes as api_routes
from rosterd.http.api.route import ApiRoute
from rosterd.http.scim import SCIM_PATH
from rosterd.wiring import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.joinpath("docs").glob("*.md")])
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}

# Programs a document may tell its reader to run, beside rosterd, make and curl, which are looked at closely.
PROGRAMS = {"git", "cd", "export", "pip", "sqlite3", "sudo", "systemctl", "cp", "mv", "python3", "cat"}
PROGRAMS |= {"pg_dump", "pg_restore", "pg_basebackup", "createdb", "echo", "touch"}


def loaded(name: str) -> ModuleType:
    """A program of ``docs`` as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return loaded("generate")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for name, text in TEXTS.items():
        for block in re.finditer(rf"^( *)```{language}\n(.*?)^ *```", text, re.M | re.S):
            yield name, block[2]


def shell_commands() -> list[tuple[str, str]]:
    found = []
    for name, block in blocks("bash"):
        joined = block.replace("\\\n", " ")
        found += [
            (name, line.strip())
            for line in joined.splitlines()
            if line.strip() and not line.strip().startswith("#")
        ]
    return found


def words(line: str) -> list[str]:
    """The words of a simple command; of ``NAME=$(command)`` those of the command."""
    inner = re.fullmatch(r"(?:export )?[A-Z_]+=\$\((.+)\)", line)
    found = shlex.split(inner[1] if inner else line, comments=True)
    while found and re.fullmatch(r"[A-Z_]+=.*", found[0]):
        found.pop(0)
    return found


def check_rosterd(arguments: list[str]) -> None:
    command: object = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and arguments and not arguments[0].startswith("-"):
        assert arguments[0] in command.commands, f"there is no command {arguments[0]}"
        command = command.commands[arguments.pop(0)]
    assert isinstance(command, TyperCommand | TyperGroup)
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    for word in arguments:
        if word.startswith("-"):
            assert word.split("=")[0] in known, f"{command.name} has no option {word}"


def check_make(arguments: list[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for word in arguments:
        assert "=" in word or word in targets, f"there is no make target {word}"


def check_curl(arguments: list[str]) -> None:
    for word in arguments:
        path = urlsplit(word).path
        if path.startswith("/api/v1/") and path not in token_provider.BY_PATH:
            method = arguments[arguments.index("-X") + 1] if "-X" in arguments else "GET"
            api_routes.route(api_routes.match(path.removeprefix("/api/v1"))[0], method)
        if path.startswith(("/api/v1/token", "/oauth/", "/.well-known/")):
            assert token_provider.BY_PATH[path].method == ("POST" if "-d" in arguments else "GET")
        if SCIM_PATH in path:
            method = arguments[arguments.index("-X") + 1] if "-X" in arguments else "GET"
            routes.route(routes.match(path.split(SCIM_PATH, 1)[1]), method)


CHECKS = {"rosterd": check_rosterd, "make": check_make, "curl": check_curl}


@pytest.mark.parametrize(("document", "line"), shell_commands())
def test_command_exists(document: str, line: str) -> None:
    for part in re.split(r" \| | && ", line):
        program, *arguments = words(part)
        if program == ".":  # which a shell does itself
            assert arguments == [".venv/bin/activate"]
            continue
        program = Path(program).name
        if program in CHECKS:
            CHECKS[program](arguments)
        else:
            assert program in PROGRAMS | {"pytest", "python"}, f"{document} runs {program}; is that meant?"


def test_generated_parts_are_up_to_date(generate: ModuleType) -> None:
    assert generate.stale() == [], "run: make docs"


def test_the_typed_client_is_up_to_date() -> None:
    assert loaded("generate_client").stale() == [], "run: make docs"


@pytest.mark.parametrize("setting", [f.name for f in fields(Settings)])
def test_setting_is_documented(setting: str, generate: ModuleType) -> None:
    assert generate.setting_meanings().get(setting), f"Settings.{setting} needs a docstring under it"
    assert f"`ROSTERD_{setting.upper()}`" in TEXTS["docs/settings.md"]


def test_no_document_names_a_setting_that_is_not_there() -> None:
    of_commands = {"ROSTERD_TOKEN", "ROSTERD_KEY", "ROSTERD_LISTEN_SECRET"}
    known = {f"ROSTERD_{f.name.upper()}" for f in fields(Settings)} | of_commands
    named = {m for text in TEXTS.values() for m in re.findall(r"\bROSTERD_[A-Z_]+", text)}
    assert named - known == set()


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda r: f"{r.method} {r.template}")
def test_route_is_documented(route: routes.Route) -> None:
    assert route.summary
    row = rf"^\|[^|]*\b{route.method}\b[^|]*\| `{re.escape(route.template)}` \|"
    assert re.search(row, TEXTS["docs/scim-api.md"], re.M)


@pytest.mark.parametrize("route", token_provider.ROUTES, ids=lambda r: r.path)
def test_token_route_is_documented(route: token_provider.TokenRoute) -> None:
    assert f"| {route.method} | `{route.path}` | {route.summary} |" in TEXTS["docs/token-provider.md"]


@pytest.mark.parametrize("route", api_routes.ROUTES, ids=lambda r: f"{r.method} {r.template}")
def test_api_route_is_documented(route: ApiRoute) -> None:
    row = rf"^\| {route.method} \| `{re.escape(route.template)}` \| [^|]+ \| {re.escape(route.summary)} \|$"
    assert re.search(row, TEXTS["docs/api.md"], re.M)


def test_every_command_is_documented(generate: ModuleType) -> None:
    headings = set(re.findall(r"^### (rosterd .+)$", TEXTS["docs/cli.md"], re.M))
    assert headings == {name for name, _ in generate.commands()}
    for name, command in generate.commands():
        assert command.help, f"{name} has no help"
        assert command.epilog, f"{name} has no examples"
        for parameter in command.params:
            assert getattr(parameter, "help", ""), f"{name} {parameter.name} has no help"


def test_feature_names_tests_that_exist(generate: ModuleType) -> None:
    for feature in generate.features():
        assert bool(feature.get("tests")) != bool(feature.get("missing")), feature["name"]
        for test in feature.get("tests", []):
            path, _, function = test.partition("::")
            assert (ROOT / path).exists(), f"{feature['name']}: {path} is not there"
            if function:
                tree = ast.parse((ROOT / path).read_text())
                names = {
                    n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
                }
                assert function in names, f"{feature['name']}: {path} has no {function}"


@pytest.mark.parametrize("document", TEXTS)
def test_links_lead_somewhere(document: str) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", TEXTS[document], flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / document).parent / path if path else ROOT / document
        assert found.exists(), f"{document}: {target}"
        if anchor and found.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{document}: {target}"


@pytest.mark.parametrize("document", TEXTS)
def test_python_examples_compile(document: str) -> None:
    for name, block in blocks("python"):
        if name == document:
            compile(block, name, "exec")
