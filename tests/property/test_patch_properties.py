"""PATCH against a slow, naive reading of RFC 7644 §3.5.2 written here, over generated operations.

The reference knows the schema as a small table of its own, works on deep copies, re-reads the whole
document after every operation and shares no code with the implementation. It says what the result
is, or with which ``scimType`` the message is refused.
"""

import copy
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from rosterd.scim import check, membership, urns
from rosterd.scim.errors import Mutability, NoTarget, ScimError
from rosterd.scim.membership import (
    Add,
    Clear,
    Member,
    Remove,
    RemoveWhere,
    Replace,
    members_of,
    split,
)
from rosterd.scim.patch import apply, parse_patch
from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_MODEL

CORE, EXTRA = "urn:example:params:Thing", "urn:example:params:Extra"

# name → (shape, mutability, required, parts); a shape ending in "*" is multi-valued.
Table = dict[str, tuple[str, str, bool, "Table"]]
MAIL: Table = {
    "value": ("string", "readWrite", False, {}),
    "type": ("string", "readWrite", False, {}),
    "primary": ("boolean", "readWrite", False, {}),
}
BOX: Table = {
    "value": ("string", "readWrite", False, {}),
    "once": ("string", "immutable", False, {}),
    "theirs": ("string", "readOnly", False, {}),
    "list": ("string*", "readWrite", False, {}),
}
THING: Table = {
    "name": ("string", "readWrite", True, {}),
    "flag": ("boolean", "readWrite", False, {}),
    "count": ("integer", "readWrite", False, {}),
    "once": ("string", "immutable", False, {}),
    "theirs": ("string", "readOnly", False, {}),
    "secret": ("never", "writeOnly", False, {}),
    "tags": ("string*", "readWrite", False, {}),
    "box": ("complex", "readWrite", False, BOX),
    "mails": ("complex*", "readWrite", False, MAIL),
    EXTRA: (
        "complex",
        "readWrite",
        False,
        {
            "dept": ("string", "readWrite", False, {}),
            "once": ("string", "immutable", False, {}),
            "box": ("complex", "readWrite", False, BOX),
            "mails": ("complex*", "readWrite", False, MAIL),
        },
    ),
}


def definition(table: Table) -> list[dict[str, Any]]:
    """The table as RFC 7643 §7 JSON."""
    return [
        {
            "name": name,
            "type": "string" if shape == "never" else shape.rstrip("*"),
            "multiValued": shape.endswith("*"),
            "mutability": mutability,
            "returned": "never" if shape == "never" else "default",
            "required": required,
            **({"subAttributes": definition(parts)} if parts else {}),
        }
        for name, (shape, mutability, required, parts) in table.items()
        if name != EXTRA
    ]


TYPE = Model.build(
    [
        {"id": CORE, "attributes": definition(THING)},
        {"id": EXTRA, "attributes": definition(THING[EXTRA][3])},
    ],
    [{"name": "Thing", "endpoint": "/Things", "schema": CORE, "schemaExtensions": [{"schema": EXTRA}]}],
).types["Thing"]


# The reference.


class Refused(Exception):
    """The operation cannot be done; the argument is the scimType."""


def canonical(shape: str, parts: Table, value: Any) -> Any:
    """The value as it would be stored, ``None`` for no value."""
    if value is None or value == [] or value == {}:
        return None
    if shape.endswith("*"):
        if not isinstance(value, list):
            raise Refused("invalidValue")
        values = [canonical(shape[:-1], parts, v) for v in value]
        values = [v for v in values if v is not None]
        if len([v for v in values if isinstance(v, dict) and v.get("primary") is True]) > 1:
            raise Refused("invalidValue")
        return values or None
    if shape == "complex":
        if not isinstance(value, dict):
            raise Refused("invalidValue")
        result = {}
        for name, (inner, mutability, _, deeper) in parts.items():
            if name in value and mutability != "readOnly":
                found = canonical(inner, deeper, value[name])
                if found is not None:
                    result[name] = found
        return result or None
    wanted = {"string": str, "never": str, "boolean": bool, "integer": int}[shape]
    if type(value) is not wanted:
        raise Refused("invalidValue")
    return None if shape == "never" else value


def same(a: Any, b: Any) -> bool:
    """Equality without letter case, and without regard to the order of lists."""
    if isinstance(a, str) and isinstance(b, str):
        return a.lower() == b.lower()
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        left = list(b)
        for x in a:
            twin = next((i for i, y in enumerate(left) if same(x, y)), None)
            if twin is None:
                return False
            del left[twin]
        return not left
    return type(a) is type(b) and a == b


def unmarked(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != "primary"} if isinstance(value, dict) else value


def set_attribute(holder: dict[str, Any], name: str, table: Table, op: str, value: Any) -> None:
    """Do one operation to one attribute of an object, without a filter."""
    shape, mutability, _, parts = table[name]
    if mutability == "readOnly":
        return
    before = copy.deepcopy(holder.get(name))
    after: Any
    if op == "remove":
        after = without(shape, parts, before, value)
    elif shape == "complex":
        after = copy.deepcopy(before)
        if isinstance(value, dict):
            after = after or {}
            for key, item in value.items():
                if key in parts:
                    set_attribute(after, key, parts, op, item)
        elif canonical(shape, parts, value) is None and op == "replace":
            after = kept(parts, before)
    elif shape.endswith("*") and op == "add":
        added = canonical(shape, parts, value if isinstance(value, list) or value is None else [value])
        after = join(before or [], added or [])
    else:
        after = canonical(shape, parts, value)
        if after is None and op == "add":
            after = before
    store(holder, name, mutability, before, after)


def store(holder: dict[str, Any], name: str, mutability: str, before: Any, after: Any) -> None:
    if mutability == "immutable" and before is not None:
        if after is None or not same(before, after):
            raise Refused("mutability")
        after = before
    holder.pop(name, None)
    if after not in (None, [], {}):
        holder[name] = after


def kept(parts: Table, before: Any) -> Any:
    """What is left of a complex value that is removed."""
    result = {}
    for name, (_, mutability, _, deeper) in parts.items():
        value = (before or {}).get(name)
        if value is not None and mutability == "immutable":
            raise Refused("mutability")
        if value is not None and mutability == "readOnly":
            result[name] = value
        if isinstance(value, dict) and (left := kept(deeper, value)):
            result[name] = left
    return result


def without(shape: str, parts: Table, before: Any, value: Any) -> Any:
    if shape == "complex":
        return kept(parts, before)
    if not shape.endswith("*") or value is None:
        return None
    gone = canonical(shape, parts, value if isinstance(value, list) else [value]) or []

    def hit(element: Any, wanted: Any) -> bool:
        if not isinstance(wanted, dict):
            return same(element, wanted)
        keys = [k for k in wanted if k in ("value", "type")] if "value" in wanted else list(wanted)
        return all(k in element and same(element[k], wanted[k]) for k in keys)

    return [element for element in before or [] if not any(hit(element, wanted) for wanted in gone)]


def join(old: list[Any], added: list[Any]) -> list[Any]:
    result = copy.deepcopy(old)
    marked = []
    for value in added:
        twin = next((i for i, there in enumerate(result) if same(unmarked(there), unmarked(value))), None)
        if twin is None:
            twin = len(result)
            result.append(copy.deepcopy(value))
        elif isinstance(value, dict) and "primary" in value:
            result[twin]["primary"] = value["primary"]
        if isinstance(value, dict) and value.get("primary") is True and twin not in marked:
            marked.append(twin)
    return one_primary(result, marked)


def one_primary(values: list[Any], marked: list[int]) -> list[Any]:
    if len(marked) > 1:
        raise Refused("invalidValue")
    for i, value in enumerate(values):
        if marked and i not in marked and isinstance(value, dict) and value.get("primary") is True:
            value["primary"] = False
    return values


def choose(
    holder: dict[str, Any],
    name: str,
    table: Table,
    terms: list[tuple[str, Any]] | None,
    part: str | None,
    op: str,
    value: Any,
) -> None:
    """Do one operation to the values of an attribute that a filter chooses; no terms: all values."""
    shape, mutability, _, parts = table[name]
    old = holder.get(name, [])
    pick = [i for i, v in enumerate(old) if terms is None or all(k in v and same(v[k], w) for k, w in terms)]
    if not pick:
        if terms is None and op == "remove":
            return
        if terms is not None and (op != "add" or contradictory(terms)):
            raise Refused("noTarget")
        if value is None or value == [] or value == {}:
            return
        new: dict[str, Any] = dict(reversed(terms or []))
        change_value(new, parts, part, "add", value)
        store(holder, name, mutability, old or None, join(old, [new] if new else []))
        return
    result: list[Any] = []
    marked = []
    wholes: list[Any] = []
    for i, element in enumerate(old):
        if i in pick:
            element = copy.deepcopy(element)
            if part is None and op == "remove":
                continue
            if part is None and op == "replace":
                new_element = canonical(shape[:-1], parts, value)
                if new_element is None or any(same(new_element, w) for w in wholes):
                    continue
                wholes.append(new_element)
                element = copy.deepcopy(new_element)
            else:
                change_value(element, parts, part, op, value)
            if element.get("primary") is True:
                marked.append(len(result))
        if element:
            result.append(element)
    store(holder, name, mutability, old or None, one_primary(result, marked))


def change_value(element: dict[str, Any], parts: Table, part: str | None, op: str, value: Any) -> None:
    if part is not None:
        set_attribute(element, part, parts, op, value)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if key in parts:
                set_attribute(element, key, parts, op, item)
    else:
        canonical("complex", parts, value)


def contradictory(terms: list[tuple[str, Any]]) -> bool:
    return any(a == b and v != w for a, v in terms for b, w in terms)


Target = dict[str, Any]


def reference(document: dict[str, Any], operations: list[tuple[str, Target | None, Any]]) -> dict[str, Any]:
    result = copy.deepcopy(document)
    lost: str | None = None
    for op, target, sent in operations:
        value = copy.deepcopy(sent)
        if target is None:
            if not isinstance(value, dict):
                raise Refused("invalidValue")
            for key, item in value.items():
                if key in THING:
                    set_attribute(result, key, THING, op, item)
        else:
            point(result, THING, target["steps"], target.get("terms"), target.get("part"), op, value)
        result = {name: item for name, item in result.items() if item not in ([], {}) and name != "schemas"}
        result["schemas"] = [CORE] + ([EXTRA] if EXTRA in result else [])
        taken_away = "mutability" if op == "remove" or sent is None else "invalidValue"
        lost = None if result.get("name") else lost or taken_away
    if lost:
        raise Refused(lost)
    return result


def point(
    holder: dict[str, Any], table: Table, steps: list[str], terms: Any, part: str | None, op: str, value: Any
) -> None:
    """Follow the path and do the operation where it ends."""
    name, rest = steps[0], steps[1:]
    shape, mutability, _, parts = table[name]
    if mutability == "readOnly":
        if op == "remove" or holder.get(name) is None or holder[name] != value:
            raise Refused("mutability")
    elif shape == "complex*" and rest:
        choose(holder, name, table, None, rest[0], op, value)
    elif rest:
        inner = copy.deepcopy(holder.get(name, {}))
        point(inner, parts, rest, terms, part, op, value)
        store(holder, name, mutability, holder.get(name), inner)
    elif terms is not None:
        choose(holder, name, table, terms, part, op, value)
    else:
        set_attribute(holder, name, table, op, value)


# What is generated: few names and values, so that they meet.

texts = st.sampled_from(["a", "A", "b", "c", ""])
scalars = st.one_of(texts, st.booleans(), st.sampled_from([0, 1, 1.5]))
nothing: st.SearchStrategy[Any] = st.sampled_from([None, [], {}])


def values(shape: str, parts: Table) -> st.SearchStrategy[Any]:
    """Values that fit."""
    if shape.endswith("*"):
        return st.lists(values(shape[:-1], parts), min_size=1, max_size=3)
    if shape == "complex":
        return objects(parts)
    kinds: dict[str, st.SearchStrategy[Any]] = {"boolean": st.booleans(), "integer": st.integers(0, 2)}
    return kinds.get(shape, texts)


def objects(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: values(shape, parts) for name, (shape, _, _, parts) in table.items()}
    return st.fixed_dictionaries({}, optional=fields)


def sloppy(shape: str, parts: Table) -> st.SearchStrategy[Any]:
    """Mostly values that fit."""
    fit = values(shape, parts)
    loose: dict[str, st.SearchStrategy[Any]] = {"unknown": scalars}
    for name, (inner, _, _, deeper) in parts.items():
        loose[name] = sloppy(inner, deeper)
    partly = st.fixed_dictionaries({}, optional=loose) if parts and not shape.endswith("*") else fit
    single = values(shape[:-1], parts) if shape.endswith("*") else fit
    kinds = [fit] * 12 + [partly] * 3 + [single, nothing, scalars]
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    body = draw(objects(THING))
    if draw(st.booleans()):
        body["mails"] = draw(st.lists(objects(MAIL), min_size=2, max_size=3))
    for holder in (body, body.get(EXTRA, {})):
        seen = [m for m in holder.get("mails", []) if m.get("primary")]
        for mail in seen[1:]:
            mail["primary"] = False
    document = check.create({**body, "schemas": [CORE], "name": draw(st.sampled_from(["n", "m"]))}, TYPE)
    # Only the server sets these.
    for holder in (document, document.get("box")):
        if holder is not None and draw(st.booleans()):
            holder["theirs"] = "t"
    return document


@st.composite
def targets(draw: st.DrawFn) -> tuple[Target, str, st.SearchStrategy[Any]]:
    """A path as steps, the same as text, and what may be its value."""
    extended = draw(st.booleans())
    table = THING[EXTRA][3] if extended else {k: v for k, v in THING.items() if k != EXTRA}
    steps, text = ([EXTRA], f"{EXTRA}:") if extended else ([], "")
    if extended and draw(st.integers(0, 5)) == 0:
        return {"steps": steps}, EXTRA, sloppy("complex", table)
    name = draw(st.sampled_from([*sorted(table), "mails", "mails", "mails"]))
    shape, _, _, parts = table[name]
    steps, text = [*steps, name], text + draw(st.sampled_from([name, name.upper()]))
    part = draw(st.one_of(st.none(), st.sampled_from(sorted(parts)))) if parts else None
    if shape == "complex*" and draw(st.integers(0, 3)):
        term = st.one_of(
            st.tuples(st.sampled_from(["value", "type"]), texts), st.tuples(st.just("primary"), st.booleans())
        )
        terms = draw(st.lists(term, min_size=1, max_size=2))
        written = [f'{k} eq "{v}"' if isinstance(v, str) else f"{k} eq {str(v).lower()}" for k, v in terms]
        text += f"[{' and '.join(written)}]"
        target: Target = {"steps": steps, "terms": terms, "part": part}
        shape = "complex"
    else:
        target = {"steps": [*steps, part] if part else steps}
    if part:
        shape, _, _, parts = parts[part]
        text += f".{part}"
    return target, text, sloppy(shape, parts)


@st.composite
def operations(draw: st.DrawFn) -> tuple[str, Target | None, str | None, Any]:
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    if op != "remove" and draw(st.integers(0, 3)) == 0:
        return op, None, None, draw(sloppy("complex", THING))
    target, text, fitting = draw(targets())
    plain = op == "remove" and draw(st.booleans())
    return op, target, text, None if plain else draw(fitting)


@settings(max_examples=max(600, settings().max_examples))
@given(documents(), st.lists(operations(), min_size=1, max_size=4))
def test_patch_is_what_the_reference_says(
    document: dict[str, Any], chosen: list[tuple[str, Target | None, str | None, Any]]
) -> None:
    message = {
        "schemas": [urns.PATCH_OP],
        "Operations": [{"op": op, "path": text, "value": value} for op, _, text, value in chosen],
    }
    before, sent = copy.deepcopy(document), copy.deepcopy(message)
    expected: dict[str, Any] | str
    try:
        expected = reference(document, [(op, target, value) for op, target, _, value in chosen])
    except Refused as refused:
        expected = str(refused)
    result: dict[str, Any] | str
    try:
        result = apply(parse_patch(message), TYPE, document)
    except ScimError as error:
        result = str(error.scim_type)
    event(expected if isinstance(expected, str) else "same" if expected == document else "changed")
    assert result == expected
    assert (document, message) == (before, sent), "PATCH must not mutate its input"
    if isinstance(result, dict):
        assert_canonical(result)


def assert_canonical(result: dict[str, Any]) -> None:
    """A fixed point of ``create`` but for what only the server sets."""
    ours = {name: value for name, value in result.items() if name != "theirs"}
    if "box" in ours:
        ours["box"] = {name: value for name, value in ours["box"].items() if name != "theirs"}
    assert check.create(ours, TYPE) == {name: value for name, value in ours.items() if value != {}}
    assert check.replace(ours, TYPE, result) == result


@given(documents(), documents())
def test_put_is_a_fixed_point_of_create_and_keeps_what_is_immutable(
    document: dict[str, Any], current: dict[str, Any]
) -> None:
    given_document, given_current = copy.deepcopy(document), copy.deepcopy(current)
    try:
        result = check.replace(document, TYPE, current)
    except Mutability:
        result = check.replace(current, TYPE, current)
        assert result == current
    assert_canonical(result)
    assert current.get("once") in (None, result.get("once"))
    assert check.replace(result, TYPE, current) == result
    assert (document, current) == (given_document, given_current)


# Members: what ``split`` says, done to a set, is what ``apply`` does to the document.

GROUP = CORE_MODEL.types["Group"]
ids = st.sampled_from(["1", "2", "3", "4"])
lists = st.lists(ids, max_size=3, unique=True).map(lambda values: [{"value": value} for value in values])
filters = st.one_of(
    ids.map('value eq "{}"'.format),
    st.tuples(ids, ids).map(lambda pair: f'value eq "{pair[0]}" or value eq "{pair[1]}"'),
    ids.map('not (value eq "{}")'.format),
    st.sampled_from(['display eq "x"', "value pr", 'type eq "User"']),
)
member_operations = st.one_of(
    st.builds(
        lambda op, value: {"op": op, "path": "members", "value": value},
        st.sampled_from(["add", "replace", "remove"]),
        lists,
    ),
    st.builds(
        lambda op, value: {"op": op, "value": {"members": value}}, st.sampled_from(["add", "replace"]), lists
    ),
    st.builds(lambda f: {"op": "remove", "path": f"members[{f}]"}, filters),
    st.just({"op": "remove", "path": "members"}),
    st.just({"op": "replace", "path": "displayName", "value": "h"}),
)


@given(lists, st.lists(member_operations, min_size=1, max_size=5))
def test_members_split_off_are_what_apply_does(
    start: list[dict[str, str]], chosen: list[dict[str, Any]]
) -> None:
    document = check.create({"schemas": [urns.GROUP], "displayName": "g", "members": start}, GROUP)
    parsed = parse_patch({"schemas": [urns.PATCH_OP], "Operations": chosen})
    rest, changes = split(parsed, GROUP)
    try:
        expected = apply(parsed, GROUP, document)
    except NoTarget:
        return  # only whoever has the members can tell that a filter fits nobody
    members = {member.value: member for member in members_of(document)}
    for change in changes:
        if isinstance(change, Add | Replace):
            kept_members: dict[str, Member] = {} if isinstance(change, Replace) else members
            members = {**kept_members, **{member.value: member for member in change.members}}
        elif isinstance(change, Remove):
            members = {value: member for value, member in members.items() if value not in change.values}
        elif isinstance(change, RemoveWhere):
            members = {v: m for v, m in members.items() if not membership.chosen([m], change.where, GROUP)}
        else:
            assert isinstance(change, Clear)
            members = {}
    assert set(members) == {member.value for member in members_of(expected)}
    bare = {name: value for name, value in document.items() if name != "members"}
    assert apply(rest, GROUP, bare) == {name: value for name, value in expected.items() if name != "members"}
