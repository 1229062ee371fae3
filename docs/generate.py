"""The parts of the documents that say what the code says: written by this file, checked by tests/house.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. ``make docs`` writes
all of them anew; ``stale`` names the files that would change.
"""

import ast
import itertools
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from rosterd.cli import app, codes
from rosterd.http import decode, token_provider
from rosterd.http.api.routes import ROUTES as API_ROUTES
from rosterd.http.routes import ROUTES
from rosterd.scim import amount, bind, effort, errors, grammar, index, listing, membership, patch, profiles
from rosterd.service import bulk, changes, queries, tokens
from rosterd.service.commands import MEMBERS_SHOWN
from rosterd.service.keys import SCOPES
from rosterd.service.limits import Limits
from rosterd.service.preferences import PREFERENCES
from rosterd.wiring import settings

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = ("README.md", *(f"docs/{p.name}" for p in sorted(ROOT.joinpath("docs").glob("*.md"))))
PART: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.S)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    plain = re.sub(r"<(?!br>)", "&lt;", text) if "`" not in text else text
    return plain.replace("|", "\\|")


def code(text: object) -> str:
    """The text as inline code; nothing for nothing."""
    return f"`{text}`" if text not in (None, "") else ""


# Settings


def setting_meanings() -> Mapping[str, str]:
    """The docstring under each field of ``Settings``, which only the source has."""
    tree = ast.parse(Path(settings.__file__).read_text())
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings").body
    return {
        field.target.id: " ".join(text.value.value.split()).replace("``", "`")
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def settings_table() -> str:
    """Every setting, its option of ``rosterd serve`` if it has one, its default and its meaning."""
    meanings = setting_meanings()
    options = {
        option.envvar: option.opts[0]
        for option in typer.main.get_command(app).commands["serve"].params  # type: ignore[attr-defined]
        if option.envvar
    }
    rows = []
    for field in fields(settings.Settings):
        variable = f"ROSTERD_{field.name.upper()}"
        default = code(field.default) if field.default is not None else "none"
        rows.append((code(variable), code(options.get(variable)), default, meanings[field.name]))
    return table(("Variable", "Option of `rosterd serve`", "Default", "Meaning"), rows)


def preferences_table() -> str:
    """Every setting of the installation, its default and the variable that fixes it."""
    rows = [
        (code(name), code(json.dumps(row.default)), row.meaning, code(row.variable))
        for name, row in PREFERENCES.items()
    ]
    return table(("Setting", "Default", "Meaning", "Fixed by"), rows)


# Command line


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Every command that does something, with its full name."""

    def walk(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
        if isinstance(command, TyperGroup):
            for child, inner in command.commands.items():
                yield from walk(f"{name} {child}", inner)
        elif isinstance(command, TyperCommand):
            yield name, command

    yield from walk("rosterd", typer.main.get_command(app))


def command_reference() -> str:
    """Every command: what it does, its arguments and options, examples."""
    return "\n".join(_command(name, command) for name, command in commands())


def _command(name: str, command: TyperCommand) -> str:
    parameters = [p for p in command.params if isinstance(p, TyperArgument | TyperOption)]
    arguments = "".join(f" {_metavar(p)}" for p in parameters if isinstance(p, TyperArgument))
    text = [f"### {name}\n", f"```text\n{name}{arguments} [OPTIONS]\n```\n", _plain(command.help) + "\n"]
    if parameters:
        rows = ((_spelling(p), _plain(p.help), _default(p)) for p in parameters)
        text.append(table(("Option", "Meaning", "Default"), rows))
    examples = [e for e in (command.epilog or "").split("\n\n") if not e.startswith("[")]
    if examples:
        text.append("```bash\n" + "\n".join(examples) + "\n```\n")
    return "\n".join(text)


def _metavar(parameter: TyperArgument | TyperOption) -> str:
    return parameter.metavar or (parameter.name or "").upper()


def _spelling(parameter: TyperArgument | TyperOption) -> str:
    if isinstance(parameter, TyperArgument):
        return code(_metavar(parameter))
    spelled = ", ".join(code(o) for o in (*parameter.opts, *parameter.secondary_opts))
    if parameter.is_flag:
        return spelled
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"{spelled} {' or '.join(code(c.value) for c in annotation)}"
    return f"{spelled} {_metavar(parameter)}"


def _word(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _default(parameter: TyperArgument | TyperOption) -> str:
    shown = parameter.show_default if isinstance(parameter.show_default, str) else None
    value = shown if shown is not None else parameter.default
    text = "" if value is None or value is False or value == "" or callable(value) else _word(value)
    if isinstance(parameter, TyperArgument):
        text = ""
    elif value is True:
        text = parameter.opts[0]
    known = code(text)
    if parameter.envvar:
        return f"{code(parameter.envvar)}, else {known}" if known else code(parameter.envvar)
    return known


def _plain(text: str | None) -> str:
    """Help text without the terminal's markup, its paragraphs on one line each."""
    text = re.sub(r"\[/?[a-z]+\]", "", text or "")
    return "\n\n".join(" ".join(p.split()) for p in text.replace("\f", "").split("\n\n")).strip()


def exit_codes() -> str:
    """The exit codes, as codes.py lists them."""
    found = re.findall(r"^ *(\d)  (.+)$", codes.__doc__ or "", re.M)
    return table(("Code", "Meaning"), ((code(number), meaning) for number, meaning in found))


# SCIM


def routes() -> str:
    """Every route, the scope it needs and what it does."""
    rows: dict[tuple[str, str | None, str], list[str]] = {}
    for route in ROUTES:
        rows.setdefault((route.template, route.scope, route.summary), []).append(route.method)
    return table(
        ("Method", "Address", "Scope", "What it does"),
        ((", ".join(ms), code(t), code(scope) or "no token needed", s) for (t, scope, s), ms in rows.items()),
    )


def token_routes() -> str:
    """Every address of the Token Provider."""
    rows = ((route.method, code(route.path), route.summary) for route in token_provider.ROUTES)
    return table(("Method", "Address", "What it does"), rows)


def api_routes() -> str:
    """Every route of the management API, the scope it needs and what it does."""
    rows = ((r.method, code(r.template), code(r.scope) or "no key needed", r.summary) for r in API_ROUTES)
    return table(("Method", "Address below `/api/v1`", "Scope", "What it does"), rows)


def api_scopes() -> str:
    """Every scope of an API key."""
    return table(("Scope", "What it permits"), ((code(name), meaning) for name, meaning in SCOPES.items()))


def _raised() -> Iterator[type[errors.ScimError]]:
    """The errors that something outside errors.py names; what nothing raises is not documented."""
    source = "".join(p.read_text() for p in ROOT.joinpath("src").rglob("*.py") if p.name != "errors.py")
    for name, cls in vars(errors).items():
        if not isinstance(cls, type) or not issubclass(cls, errors.ScimError) or cls is errors.ScimError:
            continue
        if re.search(rf"\b{name}\(|raise [a-z.]*{name}\b|, {name}\)", source):
            yield cls


def error_table() -> str:
    """Every error a client can get: status, scimType, meaning."""
    rows = sorted(
        (str(error.status), code(error.scim_type), (error.__doc__ or "").split("\n\n")[0].strip())
        for error in _raised()
    )
    return table(("Status", "`scimType`", "Meaning"), rows)


def limits() -> str:
    """The limits, from the constants that enforce them."""
    filter_limits, rates = grammar.LIMITS, Limits()
    rows = (
        (
            "Request body",
            f"{decode.MAX_BODY // 2**20} MiB; for one resource without members {decode.MAX_SINGLE // 2**20}",
            "413",
        ),
        ("Nesting of a JSON body", f"{decode.MAX_DEPTH} levels", "400 `invalidSyntax`"),
        (
            "Values of one attribute, group members not counted",
            f"{amount.MOST_VALUES:,}",
            "400 `invalidValue`",
        ),
        (
            "A resource in JSON, group members not counted",
            f"{amount.MOST_BYTES // 2**20} MiB",
            "400 `invalidValue`",
        ),
        (
            f"{', '.join(f'`{name}`' for name in index.SEARCHED)} of a resource together",
            f"{amount.MOST_SEARCHED:,} characters",
            "400 `invalidValue`",
        ),
        (
            "Query string",
            f"{decode.MAX_QUERY // 1024} KiB, {decode.MAX_PARAMETERS} parameters",
            "400 `invalidSyntax`",
        ),
        (
            "Filter, path or attribute name",
            f"{filter_limits.length} characters",
            "400 `invalidFilter`, `invalidPath`",
        ),
        ("Nesting of a filter", f"{filter_limits.depth} levels", "400 `invalidFilter`"),
        ("Comparisons in a filter", str(filter_limits.comparisons), "400 `invalidFilter`"),
        (
            "Of these in a search, with attributes that can have several values",
            str(bind.MOST_WALKS),
            "400 `invalidFilter`",
        ),
        ("Resources on a page", str(listing.MAX_COUNT), "the page is that long, no error"),
        ("Resources on a page without `count`", str(listing.DEFAULT_COUNT), ""),
        (
            "Group members on a page of groups",
            f"{queries.MEMBERS_PER_PAGE:,}",
            "400 `tooMany`; with the tolerance `large-groups-bare` the largest groups come without theirs",
        ),
        (
            "Group members in the answer to a PATCH",
            str(MEMBERS_SHOWN),
            "204 without a body, unless the query names `attributes`",
        ),
        (
            "Operations of a PATCH",
            f"{patch.MAX_OPERATIONS:,}; fewer of those on attributes with many values, or with long filters",
            "413",
        ),
        (
            'Operations of a PATCH that choose members otherwise than by `members[value eq "…"]`',
            f"{membership.MOST_CHOICES}",
            "413",
        ),
        ("Group members given in one request", f"{effort.MOST_SEATED:,}", "413"),
        ("Names in one object of a body", f"{amount.MOST_NAMES:,}", "400 `invalidValue`"),
        ("Names in the values of a PATCH", f"{patch.MAX_OPERATIONS:,}", "413"),
        ("Operations in a bulk request", str(bulk.MAX_OPERATIONS), "413"),
        (
            f"Steps of a bulk request's operations together, those of at most {effort.SHARE:,} not counted",
            f"{effort.MOST_STEPS:,}",
            "413 for the operation",
        ),
        (
            "Requests of a connection",
            f"{rates.read_rate} reads and {rates.write_rate} changes a second, unless set otherwise",
            "429",
        ),
        ("Life of a cursor", f"{queries.CURSOR_LIFETIME // 60_000} minutes", "400 `expiredCursor`"),
        (
            "Life of a token",
            f"{tokens.MIN_LIFETIME} seconds to {tokens.MAX_LIFETIME // 31_536_000} years",
            "",
        ),
    )
    return table(("What", "Limit", "Beyond it"), rows)


def tolerances() -> str:
    """Every named rewrite and option, and the profiles that have it."""
    names = [name for name in profiles.PROFILES if name != "strict"]
    rows = [
        (code(r.name), r.description, *("yes" if r in profiles.PROFILES[name] else "" for name in names))
        for r in profiles.REWRITES
    ]
    rows += [
        (code(option), meaning, *("yes" if option in profiles.options(name) else "" for name in names))
        for option, meaning in profiles.OPTIONS.items()
    ]
    return table(("Tolerance", "What it does", *map(code, names)), rows)


# What is supported, and by which tests that is known


def features() -> Sequence[Mapping[str, Any]]:
    """docs/supported.toml: each feature with its section of the RFC and its tests."""
    data = tomllib.loads(ROOT.joinpath("docs/supported.toml").read_text())
    found: list[Mapping[str, Any]] = data["feature"]
    return found


def supported() -> str:
    """The short table, for README.md."""
    rows = ((f["name"], f.get("source", ""), "yes" if f.get("tests") else f["missing"]) for f in features())
    return table(("Feature", "Source", "Supported"), rows)


def evidence() -> str:
    """The long table: each feature with its tests."""
    rows = (
        (f["name"], f.get("source", ""), "<br>".join(map(code, f["tests"])))
        for f in features()
        if f.get("tests")
    )
    return table(("Feature", "Source", "Tests"), rows)


# Events


def event_types() -> str:
    """Every type of event, when it happens and what is in its data."""
    return table(
        ("Type", "When", "Data"),
        ((code(name), kind.when, kind.data) for name, kind in changes.EVENTS.items()),
    )


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "api-routes": api_routes,
    "api-scopes": api_scopes,
    "events": event_types,
    "settings": settings_table,
    "preferences": preferences_table,
    "commands": command_reference,
    "exit-codes": exit_codes,
    "routes": routes,
    "token-routes": token_routes,
    "errors": error_table,
    "limits": limits,
    "tolerances": tolerances,
    "supported": supported,
    "evidence": evidence,
}


def rendered(text: str) -> str:
    """A document with its generated parts as they should be. Raises ``KeyError`` for an unknown part."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n{part[3]}", text)


def stale() -> list[str]:
    """The documents whose generated parts are out of date."""
    return [name for name in DOCUMENTS if rendered(text := ROOT.joinpath(name).read_text()) != text]


def main() -> None:
    """Write the generated parts anew."""
    for name in stale():
        path = ROOT / name
        path.write_text(rendered(path.read_text()))
        sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
