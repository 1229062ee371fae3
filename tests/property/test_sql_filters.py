"""SQL ≡ evaluator: any filter, order and page over any documents gives the same rows from SQLite and from
PostgreSQL as from ``scim.match`` (by way of the memory store, which does nothing else)."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from contract.postgres_server import namespace
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from rosterd.scim import filter as syntax
from rosterd.scim import urns
from rosterd.scim.bind import bind, bind_attribute
from rosterd.scim.filter import And, AttrPath, Compare, Filter, Not, Or, Present, parse_filter, print_filter
from rosterd.scim.index import index, scalars
from rosterd.scim.membership import Member
from rosterd.scim.schema import COMMON, Attribute, Model, Ref, ResourceType
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS
from rosterd.service.ports import Page, Position, Query, Store, Stored, Writer
from rosterd.store.memory import MemoryStore
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing.scenario import dump

THING = "urn:test:schemas:Thing"
MORE = "urn:test:schemas:extension:1.0:More"
AT = 1_700_000_000_000
CONNECTIONS = (7, 8)


def attribute(name: str, type: str = "string", multi: bool = False, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "multiValued": multi} | more


SUBS = [
    attribute("value"),
    attribute("type", caseExact=True),
    attribute("primary", "boolean"),
    attribute("number", "integer"),
    attribute("when", "dateTime"),
    attribute("words", multi=True),
]
SCHEMAS: list[dict[str, Any]] = [
    {
        "id": THING,
        "attributes": [
            attribute("code", uniqueness="server"),
            attribute("name"),
            attribute("exact", caseExact=True),
            attribute("number", "integer"),
            attribute("amount", "decimal"),
            attribute("flag", "boolean"),
            attribute("when", "dateTime"),
            attribute("blob", "binary"),
            attribute("link", "reference"),
            attribute("tags", multi=True),
            attribute("exactTags", multi=True, caseExact=True),
            attribute("numbers", "integer", True),
            attribute("amounts", "decimal", True),
            attribute("times", "dateTime", True),
            attribute("one", "complex", subAttributes=SUBS),
            attribute("many", "complex", True, subAttributes=SUBS),
        ],
    },
    {
        "id": MORE,
        "attributes": [
            attribute("label"),
            attribute("many", "complex", True, subAttributes=SUBS),
            attribute("number", "integer"),
        ],
    },
]
TYPES = [
    {"name": "Thing", "endpoint": "/Things", "schema": THING, "schemaExtensions": [{"schema": MORE}]},
    {"name": "Other", "endpoint": "/Others", "schema": THING},
]
MODEL = Model.build((*CORE_SCHEMAS, *SCHEMAS), (*CORE_RESOURCE_TYPES, *TYPES))
TYPE, OTHER = MODEL.types["Thing"], MODEL.types["Other"]
USER, GROUP = MODEL.types["User"], MODEL.types["Group"]

texts = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "A",
            "ab",
            "AB",
            "b",
            "%",
            "_",
            "a%",
            "'",
            '"',
            "\\",
            'a"b',
            "é",
            "É",
            "é",
            "ß",
            "SS",
            "İ",
            "1",
            "10",
            "5",
            "5.0",
            "true",
            "null",
            " ",
            "a b",
            "\t\n",
            "\x7f",
            "\uffff",
            "𝒳",
            "Ω",
            "$.x",
            "\\u0000",
        ]
    ),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=4),
)
integers = st.one_of(
    st.sampled_from([-(2**63), -1, 0, 1, 5, 2**53, 2**53 + 1, 2**63 - 1]), st.integers(-9, 9)
)
decimals = st.one_of(
    integers,
    st.sampled_from([0.1, 0.30000000000000004, -0.0, 5.0, 1e16, 9007199254740992.0, 1e300, -1e300, 1e-300]),
    st.integers(-99, 99).map(lambda n: n / 8),
)
dates = st.sampled_from(
    [
        "2026-11-24T15:22:47Z",
        "2026-11-24T16:22:47+01:00",
        "2026-11-24T15:22:47.123456Z",
        "1969-12-31T23:59:59.5Z",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.001Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ]
)
blobs = st.sampled_from(["", "AAAA", "aaaa", "+/+/", "AQ=="])
SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "reference": texts,
    "integer": integers,
    "decimal": decimals,
    "boolean": st.booleans(),
    "dateTime": dates,
    "binary": blobs,
}
OPERATORS = {
    "string": "eq ne co sw ew gt ge lt le",
    "reference": "eq ne co sw ew gt ge lt le",
    "integer": "eq ne gt ge lt le",
    "decimal": "eq ne gt ge lt le",
    "dateTime": "eq ne gt ge lt le",
    "boolean": "eq ne",
    "binary": "eq ne",
}


def values(a: Attribute) -> st.SearchStrategy[Any]:
    one = objects(a.sub_attributes) if a.type == "complex" else SCALARS[a.type]
    return st.lists(one, min_size=1, max_size=3) if a.multi_valued else one


def objects(attributes: tuple[Attribute, ...]) -> st.SearchStrategy[dict[str, Any]]:
    optional = {a.name: values(a) for a in attributes}
    return st.fixed_dictionaries({}, optional=optional).filter(bool)


def documents(t: ResourceType) -> st.SearchStrategy[dict[str, Any]]:
    """Canonical documents, without the unique attribute."""
    core = tuple(a for a in t.schema.attributes if a.uniqueness == "none")
    optional: dict[str, Any] = {a.name: values(a) for a in core}
    optional |= {e.schema.id: objects(e.schema.attributes) for e in t.extensions}

    def complete(document: dict[str, Any]) -> dict[str, Any]:
        present = [e.schema.id for e in t.extensions if e.schema.id in document]
        return {"schemas": [t.schema.id, *present]} | document

    return st.fixed_dictionaries({}, optional=optional).map(complete)


def leaves(t: ResourceType) -> Iterator[tuple[AttrPath, Attribute]]:
    """Every attribute and sub-attribute that a filter can compare."""
    for ref in t.references():
        assert ref.attribute
        for sub in (None, *ref.attribute.sub_attributes):
            target = sub or ref.attribute
            if target.name not in ("location", "$ref") and "never" not in (
                target.returned,
                ref.attribute.returned,
            ):
                yield AttrPath(ref.extension, ref.attribute.name, sub.name if sub else None), target


def comparisons(path: AttrPath, target: Attribute) -> st.SearchStrategy[Filter]:
    present: st.SearchStrategy[Filter] = st.just(Present(path))
    kind = target.type
    if kind == "complex":
        if "value" not in target.subs:
            return present
        kind = target.subs["value"].type
    literals = {
        "version": st.sampled_from(['W/"1"', 'W/"2"', "W/", '"']),
        "schemas": st.sampled_from([THING, MORE, ""]),
    }
    literals["resourceType"] = st.sampled_from(["Thing", "thing", "Thi"])
    literals["id"] = literals["externalId"] = st.sampled_from(["i0", "i1", "I1", "i", ""])
    literals["code"] = st.sampled_from(["c0", "C1", "c", ""])
    literals["created"] = literals["lastModified"] = dates
    if path.name in ("groups", "members"):
        literals["value"] = literals["groups"] = literals["members"] = literals["id"]
        literals["type"] = st.sampled_from(["direct", "Indirect", "user", "GROUP"])
    literal = literals.get(target.name, SCALARS[kind])
    compare = st.builds(Compare, st.just(path), st.sampled_from(OPERATORS[kind].split()), literal)
    null = st.builds(Compare, st.just(path), st.sampled_from(["eq", "ne"]), st.none())
    return st.one_of(compare, compare, compare, present, null)


def combined(leaf: st.SearchStrategy[Filter], size: int) -> st.SearchStrategy[Filter]:
    def extend(part: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        parts = st.lists(part, min_size=2, max_size=3).map(tuple)
        return st.one_of(st.builds(And, parts), st.builds(Or, parts), st.builds(Not, part))

    return st.recursive(leaf, extend, max_leaves=size)


def filters(t: ResourceType, name: str = "") -> st.SearchStrategy[Filter]:
    """Filters over all attributes, or over the one of a name."""
    about = [leaf for leaf in leaves(t) if leaf[0].name == (name or leaf[0].name)]
    single = [comparisons(*leaf) for leaf in about]
    inner = []
    for path, target in about:
        if target.type == "complex":
            subs = [
                comparisons(AttrPath(None, sub.name), sub) for sub in target.sub_attributes
                if sub.name not in ("location", "$ref")
            ]  # fmt: skip
            inner.append(st.builds(syntax.Any, st.just(path), combined(st.one_of(subs), 3)))
    return combined(st.one_of(st.one_of(single), st.one_of(inner)) if inner else st.one_of(single), 6)


@dataclass(frozen=True)
class Order:
    by: Ref | None
    descending: bool


def orders(t: ResourceType) -> st.SearchStrategy[Order]:
    refs = [bind_attribute(path, t) for path, _ in leaves(t)]
    return st.builds(Order, st.sampled_from([None, *[ref for ref in refs if ref]]), st.booleans())


class Stores:
    """The engines and the memory store; each example has a directory of its own in all of them."""

    def __init__(self, runner: asyncio.Runner, *engines: SqliteStore | PostgresStore) -> None:
        self.runner = runner
        self.all: tuple[Store, ...] = (*engines, MemoryStore())
        self.directories = itertools.count(1)

    def write(self, directory: int, work: Any) -> None:
        first, *others = (self.runner.run(store.write(directory, work)) for store in self.all)
        assert others == [first] * len(others)

    def agree_on(self, directory: int, query: Query) -> Page:
        """The same page of the same listing, at once and walked through; its first page."""
        page = first = self._page(directory, query)
        while page.more and page.rows:
            query = query._replace(after=page.positions[-1], offset=0)
            page = self._page(directory, query)
        return first

    def _page(self, directory: int, query: Query) -> Page:
        first, *others = (self.runner.run(store.reader(directory).search(query)) for store in self.all)
        for other in others:
            assert first == other
        return first


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """All stores; without a PostgreSQL, which other tests say that they skip, the others."""
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        sqlite = runner.run(open_sqlite(tmp_path_factory.mktemp("filters") / "rosterd.db"))
        sqlite._writer._connection.execute("PRAGMA synchronous = OFF")  # its thread is idle
        engines: list[SqliteStore | PostgresStore] = [sqlite]
        with suppress(pytest.skip.Exception):
            url = stack.enter_context(namespace())
            engines.append(runner.run(open_postgres(f"{url}&synchronous_commit=off")))
        yield Stores(runner, *engines)
        for engine in engines:
            runner.run(engine.close())


def fill(given: list[tuple[ResourceType, dict[str, Any]]]) -> Any:
    async def work(tx: Writer) -> None:
        for n, (t, document) in enumerate(given):
            if n % 3 and t is not GROUP:
                name = "userName" if t is USER else "code"
                document = document | {name: f"C{n}"}
            times = {"created": AT + n, "modified": AT + n // 2}
            external = f"i{n % 2}" if n % 4 else None
            stored = Stored(
                f"i{n}", t.name, CONNECTIONS[n % 2], external, await tx.next_seq(), n % 3,
                deleted=None, document=dump(document), **times,
            )  # fmt: skip
            await tx.insert(stored, index(document, t))
            if n % 5 == 4:
                await tx.retain(stored, index(document, t), AT)

    return work


def bound(f: Filter, t: ResourceType) -> Any:
    note(print_filter(f))
    return bind(f, t)


generous = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@generous
@given(
    given=st.lists(documents(TYPE), min_size=1, max_size=6),
    filters=st.lists(filters(TYPE), min_size=1, max_size=6),
    connection=st.sampled_from([None, 7]),
    limit=st.integers(0, 4),
    offset=st.integers(0, 3),
)
def test_filters_select_the_same(
    stores: Stores,
    given: list[dict[str, Any]],
    filters: list[Filter],
    connection: int | None,
    limit: int,
    offset: int,
) -> None:
    directory = next(stores.directories)
    stores.write(directory, fill([(TYPE, document) for document in given]))
    for f in filters:
        stores.agree_on(directory, Query({TYPE: bound(f, TYPE)}, connection, limit, offset))


THING_ATTRIBUTES: list[dict[str, Any]] = SCHEMAS[0]["attributes"]
NARROW = {
    a["name"]: Model.build([SCHEMAS[0] | {"attributes": [a]}], TYPES[1:]).types["Other"]
    for a in THING_ATTRIBUTES
    if "uniqueness" not in a
}
# Made once: they are slow to make.
NARROW_DOCUMENTS = {name: st.lists(documents(t), min_size=2, max_size=6) for name, t in NARROW.items()}
NARROW_FILTERS = {name: st.lists(filters(t, name), min_size=3, max_size=6) for name, t in NARROW.items()}
MEMBERSHIP_FILTERS = {t.name: filters(t, name) for t, name in ((USER, "groups"), (GROUP, "members"))}


def echoes(given: list[dict[str, Any]], t: ResourceType) -> list[Filter]:
    """Comparisons with what the documents hold."""
    everything: Filter = Present(AttrPath(None, "id"))
    return [everything] + [
        Compare(path, op, value)
        for path, target in leaves(t)
        if target.type != "complex" and (ref := t.resolve(path.urn, path.name, path.sub))
        for document in given
        for value in scalars(document, ref)
        for op in OPERATORS[target.type].split()
    ]


@pytest.mark.parametrize("name", NARROW)
@settings(generous, max_examples=settings().max_examples // 3)
@given(data=st.data())
def test_each_attribute_is_compared_and_ordered_the_same(
    stores: Stores, name: str, data: st.DataObject
) -> None:
    """One attribute at a time, so that values and literals meet."""
    directory, t = next(stores.directories), NARROW[name]
    given = data.draw(NARROW_DOCUMENTS[name])
    stores.write(directory, fill([(t, document) for document in given]))
    drawn = data.draw(NARROW_FILTERS[name])
    for f in (*drawn, *data.draw(st.lists(st.sampled_from(echoes(given, t)), max_size=12))):
        stores.agree_on(directory, Query({t: bound(f, t)}, 7, 5))
    refs = [bind_attribute(path, t) for path, _ in leaves(t) if path.name == name]
    for ref, descending in itertools.product(filter(None, refs), (False, True)):
        stores.agree_on(directory, Query({t: None}, 7, 3, sort={t: ref}, descending=descending))


@generous
@given(
    given=st.lists(
        st.one_of(*(st.tuples(st.just(t), documents(t)) for t in (TYPE, OTHER))), min_size=2, max_size=7
    ),
    order=orders(TYPE),
    other=orders(OTHER),
    f=st.none() | filters(OTHER),
    limit=st.integers(1, 4),
)
def test_orders_are_the_same_over_several_types(
    stores: Stores,
    given: list[tuple[ResourceType, dict[str, Any]]],
    order: Order,
    other: Order,
    f: Filter | None,
    limit: int,
) -> None:
    directory = next(stores.directories)
    stores.write(directory, fill(given))
    query = Query({TYPE: None}, 7, limit, sort={TYPE: order.by}, descending=order.descending)
    stores.agree_on(directory, query)
    both = query._replace(
        targets={TYPE: None, OTHER: None if f is None else bound(f, OTHER)},
        sort={TYPE: order.by, OTHER: other.by},
    )
    stores.agree_on(directory, both)
    stores.agree_on(directory, both._replace(sort=None))


@generous
@given(
    names=st.lists(texts, min_size=2, max_size=7),
    edges=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), texts), max_size=12),
    user_filters=st.lists(filters(USER), min_size=1, max_size=2),
    group_filters=st.lists(filters(GROUP), min_size=1, max_size=2),
    membership=st.data(),
)
def test_membership_is_filtered_the_same(
    stores: Stores,
    names: list[str],
    edges: list[tuple[int, int, str]],
    user_filters: list[Filter],
    group_filters: list[Filter],
    membership: st.DataObject,
) -> None:
    directory = next(stores.directories)
    kinds = [USER if n % 2 else GROUP for n in range(len(names))]
    stores.write(
        directory,
        fill([(t, {"schemas": [t.schema.id], "displayName": d}) for t, d in zip(kinds, names, strict=True)]),
    )

    async def join(tx: Writer) -> list[Any]:
        groups = {f"i{2 * (n % len(names) // 2)}" for n, _, _ in edges}
        live = [g for g in sorted(groups) if await tx.get("Group", g)]
        done = [await tx.add_members(g, [Member(f"i{m}", None, d)]) for g in live for _, m, d in edges]
        return [*done, await tx.memberships([f"i{n}" for n in range(7)])]

    stores.write(directory, join)
    for t, given_filters in ((USER, user_filters), (GROUP, group_filters)):
        own = membership.draw(MEMBERSHIP_FILTERS[t.name])
        for f in (*given_filters, own, Not(own)):
            stores.agree_on(directory, Query({t: bound(f, t)}, 7, 3))
        for path, _ in leaves(t):
            if path.name in ("groups", "members") and (ref := bind_attribute(path, t)):
                stores.agree_on(directory, Query({t: None}, 7, 2, sort={t: ref}))


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ('many.value ne "x"', False),
        ('many.value eq "x"', True),
        ('many.type ne "T"', True),
        ('many[value ne "x"]', True),
        ('many[not (value eq "x")]', True),
        ('not (many.value eq "x")', False),
        ('many[value eq "x" and type eq "t"]', False),
        ('many.words ne "w"', True),
        ('many.value eq ""', False),
        ('many.value co ""', True),
        ('many.number ne 1', True),
        ('many.number eq null', True),
    ],
)  # fmt: skip
def test_an_element_without_a_value_is_a_gap_not_a_value(stores: Stores, text: str, matches: bool) -> None:
    directory = next(stores.directories)
    document = {"schemas": [THING], "many": [{"type": "t"}, {"value": "X"}, {"type": "T"}]}
    stores.write(directory, fill([(TYPE, document)]))
    query = Query({TYPE: bind(parse_filter(text), TYPE)}, 7, 2)
    assert len(stores.agree_on(directory, query).rows) == matches


def test_a_filter_at_every_limit_is_understood(stores: Stores) -> None:
    directory = next(stores.directories)
    stores.write(
        directory, fill([(TYPE, {"schemas": [THING], "name": f"n{n}", "tags": ["a"]}) for n in range(3)])
    )
    deep: Filter = syntax.Any(AttrPath(None, "many"), Present(AttrPath(None, "words")))
    for n in range(29):
        leaf = Compare(AttrPath(None, "tags"), "ne", f"t{n}")
        deep = Not(And((leaf, deep, leaf)) if n % 2 else Or((leaf, deep)))
    wide: Filter = Or(tuple(Compare(AttrPath(None, "many", "value"), "ew", f"{n}") for n in range(200)))
    anded: Filter = And(tuple(Not(Compare(AttrPath(None, "code"), "eq", f"{n}")) for n in range(200)))
    for f in (
        deep,
        wide,
        anded,
        Or(tuple(Compare(AttrPath(None, "code"), "eq", f"c{n}") for n in range(200))),
    ):
        stores.agree_on(directory, Query({TYPE: bind(f, TYPE), OTHER: bind(f, OTHER)}, 7, 2))


def test_a_text_longer_than_an_entry_of_an_index_is_looked_up(stores: Stores) -> None:
    directory = next(stores.directories)
    names = [f"{'é' * 5000}{n}" for n in range(2)]
    same = {"schemas": [urns.USER]}
    users = [same | {"displayName": name, "emails": [{"value": name}]} for name in names]
    stores.write(directory, fill([(USER, user) for user in users] + [(TYPE, {"schemas": [THING]})]))
    for text in (
        f'displayName eq "{names[1]}"',
        f'emails.value eq "{names[0]}"',
        f'displayName co "{names[1]}"',
    ):
        query = Query({USER: bind(parse_filter(text), USER)}, 7, 2)
        assert len(stores.agree_on(directory, query).rows) == 1


def test_numbers_equal_themselves_however_many_digits_they_have(stores: Stores) -> None:
    numbers = [
        0.1,
        1 / 3,
        2 / 3,
        0.1 + 0.2,
        5e-324,
        1.7976931348623157e308,
        123456789.12345679,
        2**63 - 1,
        -(2**63),
    ]
    directory = next(stores.directories)
    stores.write(directory, fill([(TYPE, {"schemas": [THING], "amount": n}) for n in numbers]))
    for number in numbers:
        for op in ("eq", "ne", "ge", "le"):
            f = Compare(AttrPath(None, "amount"), op, number)
            stores.agree_on(directory, Query({TYPE: bind(f, TYPE)}, 7, 20))


def test_the_generators_reach_every_attribute() -> None:
    names = {str(path) for path, _ in leaves(TYPE)}
    assert {"many.words", f"{MORE}:many.value", "one", "meta.version", "externalId", "schemas"} <= names
    assert {a.name for a in COMMON.values()} <= {path.name for path, _ in leaves(TYPE)}
    assert Position(1).key is None
