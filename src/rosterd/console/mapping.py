"""The mapping of a directory: rules as rows of a form, tried on everybody before they are put in force."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from rosterd.console.attributes import name_of
from rosterd.console.context import Console
from rosterd.console.history import flat
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.mapping import MAX_EXPRESSION, Fault, Rules, Value
from rosterd.service.mappings import Preview
from rosterd.service.ports import Reader, Stored
from rosterd.service.visitor import OWNER, VIEWER

FAULTS: Final = 20
"""Faults of a preview that are shown; all are counted."""
_ONE: Final = "/directories/{directory}/mapping"
_MOST_TEXT: Final = 400_000
# ERROR: <input>:1:21: Syntax error: mismatched input '<EOF>' expecting {'[', …} | the line | ....^
_PARSER: Final = re.compile(
    r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.+?)(?: expecting .*)?(?=\s\||$)", re.M
)

EXAMPLES: Final = (
    ("The primary e-mail address", "user.emails.filter(e, e.primary)[0].value"),
    ("Given and family name", "user.name.givenName + ' ' + user.name.familyName"),
    ("The department", "enterprise.department"),
    ("Another value if there is no title", "has(user.title) ? user.title : 'none'"),
    ("Whoever is in a group", "'Acme Admins' in groups"),
    ("Whoever is in one of many", "active && groups.exists(g, g.startsWith('Audit'))"),
)
VARIABLES: Final = (
    ("user", "the SCIM attributes, as user.userName or user.name.familyName"),
    ("enterprise", "the attributes of the enterprise extension"),
    ("groups", "names of all its groups, also of groups that hold its groups"),
    ("group_ids", "the ids of these groups"),
    ("active", "whether the account is active"),
    ("id, external_id", "its id here, and what its identity provider calls it"),
)


@dataclass(slots=True)
class Row:
    """One rule as it is typed; ``wrong`` says what is not valid about it."""

    name: str = ""
    text: str = ""
    wrong: str = ""


@dataclass(slots=True)
class Draft:
    """The rules as they are typed."""

    fields: list[Row] = field(default_factory=list)
    roles: list[Row] = field(default_factory=list)
    revision: int = 0
    """Of the rules that were in force when editing began."""
    user: str = ""
    """On whom they are tried: a user name or an id."""

    @property
    def valid(self) -> bool:
        """Whether no row is wrong."""
        return not any(row.wrong for row in (*self.fields, *self.roles))


@dataclass(frozen=True, slots=True)
class Tried:
    """What rules make of one user."""

    id: str
    name: str
    fields: Mapping[str, str]
    roles: Sequence[str]
    faults: Sequence[Fault]


async def show_mapping(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/mapping."""
    directory = await console.directory(request)
    mapped = await console.mappings.read(directory)
    draft = Draft(_rows(mapped.rules.fields), _rows(mapped.rules.roles), mapped.revision)
    return await _page(console, request, directory, draft)


async def draft_mapping(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/mapping: add or remove a row, or say what the rules would change."""
    directory = await console.directory(request)
    draft = _typed(request)
    verb, _, which = request.text("then").partition(" ")
    listed = {"field": draft.fields, "role": draft.roles}.get(which.partition(" ")[0])
    if verb == "add" and listed is not None:
        listed.append(Row())
        return await _page(console, request, directory, draft)
    number = which.partition(" ")[2]
    if verb == "remove" and listed is not None and number.isascii() and number.isdigit():
        del listed[int(number) : int(number) + 1]
        return await _page(console, request, directory, draft)
    try:  # before any is compiled
        _all(draft).check_length((await console.mappings.read(directory)).rules)
    except errors.InvalidValue as error:
        return await _page(console, request, directory, draft, status=400, wrong=error.detail)
    rules = _rules(console, draft)
    if rules is None:
        return await _page(console, request, directory, draft, status=400)
    preview = await console.mappings.preview(directory, rules)
    return await _page(console, request, directory, draft, rules=rules, preview=preview)


async def save_mapping(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/mapping/save: what a preview was shown of."""
    directory = await console.directory(request)
    try:
        rules = Rules.of(orjson.loads(request.text("rules", _MOST_TEXT)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.InvalidValue(
            "These are no rules of a preview. Go back and look at them again."
        ) from error
    if str((await console.mappings.read(directory)).revision) != request.text("revision"):
        draft = Draft(_rows(rules.fields), _rows(rules.roles))
        draft.revision = (await console.mappings.read(directory)).revision
        wrong = "Somebody else saved other rules meanwhile. Look at what yours would change now."
        return await _page(console, request, directory, draft, status=409, wrong=wrong)
    await console.mappings.save(directory, rules, by=request.visitor.actor)
    to = path("directories", directory.name, "mapping")
    return console.redirect(request, to, "The rules are in force. rosterd goes through all users now.")


def _rows(pairs: Sequence[tuple[str, str]]) -> list[Row]:
    return [Row(name, text) for name, text in pairs]


def _typed(request: PageRequest) -> Draft:
    def rows(name: str, text: str) -> list[Row]:
        names, texts = request.lists.get(name, ()), request.lists.get(text, ())
        return [Row(one.strip(), other.strip()) for one, other in zip(names, texts, strict=False)]

    number = request.text("revision")
    revision = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
    return Draft(rows("field", "value"), rows("role", "when"), revision, request.text("user"))


def _all(draft: Draft) -> Rules:
    """Every row, whether it is right or not."""
    return Rules(*(tuple((row.name, row.text) for row in rows) for rows in (draft.fields, draft.roles)))


def _rules(console: Console, draft: Draft) -> Rules | None:
    """The draft as rules, without its empty rows; ``None`` if one is wrong, which its row says then."""
    draft.fields = [row for row in draft.fields if row.name or row.text]
    draft.roles = [row for row in draft.roles if row.name or row.text]
    seen: set[str] = set()
    for row in draft.fields:
        row.wrong = _wrong(console, Rules(fields=((row.name, row.text),)), row)
        if row.name in seen:
            row.wrong = row.wrong or "This field has a rule already; write one."
        seen.add(row.name)
    for row in draft.roles:
        row.wrong = _wrong(console, Rules(roles=((row.name, row.text),)), row)
    if not draft.valid:
        return None
    return Rules.of(
        {
            "fields": [{"name": row.name, "value": row.text} for row in draft.fields],
            "roles": [{"role": row.name, "when": row.text} for row in draft.roles],
        }
    )


def _wrong(console: Console, rule: Rules, row: Row) -> str:
    """What is wrong with a rule by itself; ``""`` if nothing is."""
    if not row.name or not row.text:
        return "Give it a name." if not row.name else "Write an expression."
    if len(row.text) > MAX_EXPRESSION:
        return f"At most {MAX_EXPRESSION:,} characters, not {len(row.text):,}."
    try:
        console.mappings.check(Rules.of(rule.to_json()))
    except errors.InvalidValue as error:
        return _plain(error.detail, row.name)
    return ""


def _plain(detail: str, name: str) -> str:
    """What is wrong without the name, which stands beside it, and without what a parser says of itself."""
    detail = detail.rpartition(f"'{name}': ")[2]
    found = _PARSER.search(detail)
    if found is None:
        return detail[:1].upper() + detail[1:]
    what = found[3].strip().replace("mismatched input '<EOF>'", "something is missing")
    return f"This is not a valid expression. At line {found[1]}, character {found[2]}: {what}."


async def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    draft: Draft,
    *,
    rules: Rules | None = None,
    preview: Preview | None = None,
    status: int = 200,
    wrong: str = "",
) -> Reply:
    tried, nobody = None, ""
    if rules is not None:
        row = await _user(console.store.reader(directory.id), draft.user)
        if row is not None:
            tried = await _try(console, directory, rules, row)
        elif draft.user:
            nobody = f"There is no user '{draft.user[:100]}'."
    return console.page(
        request,
        "mapping.html",
        status,
        directory=directory,
        mapped=await console.mappings.read(directory),
        draft=draft,
        rules=orjson.dumps(rules.to_json()).decode() if rules else "",
        preview=preview,
        samples=[(one, _told(one.before), _told(one.after)) for one in preview.samples] if preview else [],
        faults=preview.faults.most_common(FAULTS) if preview else [],
        tried=tried,
        nobody=nobody,
        wrong=wrong,
        examples=EXAMPLES,
        variables=VARIABLES,
    )


def _told(values: Mapping[str, Any]) -> Mapping[str, str]:
    """What differs, as texts; an empty list is said to be so."""
    return {name: text or "none" for name, text in flat(values).items()}


async def _user(reader: Reader, text: str) -> Stored | None:
    """A live user by user name or id; without either whoever came last."""
    if text:
        owner = await reader.owner_of("User", "userName", text.casefold())
        return await reader.get("User", owner or text)
    newest = await reader.newest("User", "active", None, None, 1)
    return newest[0] if newest else None


async def _try(console: Console, directory: Directory, rules: Rules, row: Stored) -> Tried:
    value, faults = await console.mappings.try_on(directory, rules, row)
    document: Mapping[str, Any] = orjson.loads(row.document)
    return Tried(row.id, name_of(document) or row.id, *_shown(value), faults)


async def made_of(
    console: Console, directory: Directory, id: str
) -> tuple[Mapping[str, str], Sequence[str]] | None:
    """Fields and roles that the rules in force made of a user; ``None`` if there are no rules."""
    rules = (await console.mappings.read(directory)).rules
    if not rules.fields and not rules.roles:
        return None
    return _shown((await console.mappings.of(directory, [id]))[id])


def _shown(value: Value) -> tuple[Mapping[str, str], Sequence[str]]:
    """Fields with their values as texts, and roles."""
    return flat(value["fields"]), value["roles"]


PAGES: Final = (
    Page("GET", _ONE, VIEWER, show_mapping),
    Page("POST", _ONE, OWNER, draft_mapping),
    Page("POST", f"{_ONE}/save", OWNER, save_mapping),
)
