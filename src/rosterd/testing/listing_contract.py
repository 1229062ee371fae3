"""What holds for listings, whatever the engine. The meaning of filters has its own, differential test."""

# ruff: noqa: D102 - the name of a test is its sentence

from collections.abc import Iterator

from rosterd.scim.bind import NOTHING
from rosterd.scim.errors import InvalidFilter
from rosterd.scim.membership import Member
from rosterd.scim.schema import Model
from rosterd.service.ports import Page, Position, Query, Store, Stored, Writer
from rosterd.testing.scenario import (
    CONNECTION,
    DIRECTORY,
    GROUP,
    USER,
    add,
    found,
    group,
    listed,
    put,
    refused,
    retain,
    scenario,
    users,
    walk,
    where,
)

NAMES = [f"u{n}" for n in range(10)]


class ListingContract:
    """Part of ``StoreContract``."""

    @scenario
    async def test_a_page_is_a_piece_of_the_order_of_creation(self, store: Store) -> None:
        rows = await users(store, NAMES)
        reader = store.reader(DIRECTORY)
        page = await reader.search(listed(limit=3, offset=2))
        assert page == Page(tuple(rows[2:5]), tuple(Position(row.seq) for row in rows[2:5]), True, 10)
        assert (await reader.search(listed(limit=10))).more is False
        assert (await reader.search(listed(limit=9))).more is True
        assert await reader.search(listed(offset=10)) == Page((), (), False, 10)
        assert await reader.search(listed(limit=0)) == Page((), (), True, 10)
        assert (await reader.search(listed(limit=3, total=False))).total is None
        assert await reader.search(listed(type=GROUP)) == Page((), (), False, 0)
        assert await store.reader(2).search(listed()) == Page((), (), False, 0)

    @scenario
    async def test_a_listing_goes_on_behind_a_position(self, store: Store) -> None:
        rows = await users(store, NAMES)
        query = listed(limit=4, after=Position(rows[3].seq))
        page = await store.reader(DIRECTORY).search(query)
        assert (page.rows, page.more, page.total) == (tuple(rows[4:8]), True, 10)
        page = await store.reader(DIRECTORY).search(query._replace(offset=3))
        assert (page.rows, page.more, page.total) == (tuple(rows[7:]), False, 10)
        assert await walk(store.reader(DIRECTORY), listed(limit=3)) == NAMES

    @scenario
    async def test_a_walk_misses_nobody_though_others_go_meanwhile(self, store: Store) -> None:
        names = [f"u{n:04}" for n in range(1000)]
        going: Iterator[Stored] = iter(await users(store, names))
        stayed = set(names)

        async def lose_some() -> None:
            for stored in (next(going), next(going), next(going)):
                stayed.discard(stored.id)
                await store.write(DIRECTORY, retain(stored))

        seen = await walk(store.reader(DIRECTORY), listed(limit=50), lose_some)
        assert len(seen) == len(set(seen))
        assert stayed <= set(seen)
        assert len(stayed) == await store.reader(DIRECTORY).count("User") == 1000 - 3 * 19

    @scenario
    async def test_a_filter_decides_rows_and_total_alike(self, store: Store) -> None:
        await users(store, NAMES)
        reader = store.reader(DIRECTORY)
        page = await reader.search(listed('userName gt "u3" and not (userName eq "u6")', limit=2, offset=1))
        assert ([row.id for row in page.rows], page.more, page.total) == (["u5", "u7"], True, 5)
        page = await reader.search(listed('userName eq "u3" or userName eq "U4" or id eq "u3"'))
        assert ([row.id for row in page.rows], page.more, page.total) == (["u3", "u4"], False, 2)
        assert await found(store, listed('userName eq "u3" and title pr')) == []
        assert await walk(reader, listed('userName ge "u2"', limit=3)) == NAMES[2:]
        assert await reader.search(Query({USER: NOTHING}, CONNECTION, 10)) == Page((), (), False, 0)

    @scenario
    async def test_an_external_id_is_its_connections_own(self, store: Store) -> None:
        await store.write(DIRECTORY, put({"userName": "a"}, "a", external_id="X", connection=7))
        await store.write(DIRECTORY, put({"userName": "b"}, "b", external_id="X", connection=8))
        await store.write(DIRECTORY, put({"userName": "c"}, "c"))
        cases = {
            ('externalId eq "X"', 7): ["a"],
            ('externalId eq "X"', 8): ["b"],
            ('externalId eq "X"', 9): [],
            ('externalId eq "X" and userName eq "b"', 7): [],
            ('externalId eq "x"', 7): [],
            ("externalId pr", 7): ["a"],
            ('externalId ne "X"', 7): ["b", "c"],
            ("externalId pr", None): ["a", "b"],
            ('externalId eq "X"', None): ["a", "b"],
        }
        for (text, connection), expected in cases.items():
            assert await found(store, listed(text, connection=connection)) == expected, (text, connection)
        assert await found(store, listed(connection=7, sort={USER: USER.resolve(None, "externalId")})) == [
            "a",
            "b",
            "c",
        ]

    @scenario
    async def test_an_external_id_is_compared_as_its_type_says(self, store: Store) -> None:
        await store.write(DIRECTORY, put({"userName": "a"}, "a", external_id="X"))
        urn = "urn:example:User"
        odd = Model.build(
            [{"id": urn, "attributes": [{"name": "externalId", "caseExact": False}]}],
            [{"name": "User", "endpoint": "/Users", "schema": urn}],
        ).types["User"]
        assert await found(store, listed('externalId eq "x"', odd)) == ["a"]
        assert await found(store, listed('externalId eq "x"')) == []

    @scenario
    async def test_several_with_one_external_id_are_a_listing(self, store: Store) -> None:
        rows = await users(store, ["a", "b", "c"], external_id="X")
        await users(store, ["d"], external_id="X", connection=8)
        await store.write(DIRECTORY, retain(rows[1]))
        reader = store.reader(DIRECTORY)
        for text, connection, limit, expected, total in (
            ('externalId eq "X"', CONNECTION, 9, "ac", 2),
            ('externalId eq "X"', CONNECTION, 2, "ac", 2),
            ('externalId eq "X"', CONNECTION, 1, "a", 2),
            ('externalId eq "X"', None, 2, "ac", 3),
            ('externalId eq "Y"', CONNECTION, 2, "", 0),
            ('externalId eq "Y"', None, 2, "", 0),
        ):
            query = listed(text, connection=connection, limit=limit)
            page = await reader.search(query)
            assert ([row.id for row in page.rows], page.total) == (list(expected), total)
            assert page.more is (len(expected) < total)
            assert (await reader.search(query._replace(total=False))).total is None
            assert len(await walk(reader, query)) == total

    @scenario
    async def test_an_order_puts_those_without_a_value_last_or_first_if_descending(
        self, store: Store
    ) -> None:
        titles = {"a": "Mid", "b": None, "c": "alpha", "d": "zulu", "e": "MID", "f": None}
        for name, title in titles.items():
            document = {"userName": name} | ({"title": title} if title else {})
            await store.write(DIRECTORY, put(document, name))
        for descending, expected in ((False, "caedbf"), (True, "bfdaec")):
            query = listed(sort={USER: USER.resolve(None, "title")}, descending=descending)
            page = await store.reader(DIRECTORY).search(query)
            assert [row.id for row in page.rows] == list(expected)
            keys = [position.key for position in page.positions]
            without, keyed = (keys[:2], keys[2:]) if descending else (keys[4:], keys[:4])
            assert without == [None, None]
            assert set(keyed) == {"mid", "alpha", "zulu"}
            for limit in range(1, 6):
                assert await walk(store.reader(DIRECTORY), query._replace(limit=limit)) == list(expected)
                pages = [query._replace(limit=limit, offset=offset) for offset in range(0, 6, limit)]
                assert [id for page in pages for id in await found(store, page)] == list(expected)

    @scenario
    async def test_a_list_is_ordered_by_its_primary_value_else_its_first(self, store: Store) -> None:
        emails = {
            "a": [{"value": "m@x"}, {"value": "a@x"}],
            "b": [{"value": "z@x"}, {"value": "b@x", "primary": True}],
            "c": [{"type": "work", "primary": True}, {"value": "0@x"}],
            "d": [{"value": "c@x", "primary": False}],
        }
        for name, values in emails.items():
            await store.write(DIRECTORY, put({"userName": name, "emails": values}, name))
        assert await found(store, listed(sort={USER: USER.resolve(None, "emails", "value")})) == list("bdac")

    @scenario
    async def test_several_types_are_one_listing(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            for n in range(6):
                await add(tx, {"userName": f"u{n}", "displayName": f"{n}"}, f"u{n}")
                await add(tx, {"displayName": f"{5 - n}"}, f"g{n}", "Group")

        await store.write(DIRECTORY, work)
        everything = [f"{kind}{n}" for n in range(6) for kind in "ug"]
        both = Query({USER: None, GROUP: None}, CONNECTION, 100)
        page = await store.reader(DIRECTORY).search(both)
        assert ([row.id for row in page.rows], page.total, page.more) == (everything, 12, False)
        page = await store.reader(DIRECTORY).search(both._replace(limit=3, offset=4))
        assert ([row.id for row in page.rows], page.total, page.more) == (everything[4:7], 12, True)
        for limit in (1, 5, 12):
            assert await walk(store.reader(DIRECTORY), both._replace(limit=limit)) == everything
        text = 'displayName ge "4"'
        filtered = both._replace(targets={USER: where(text), GROUP: where(text, GROUP)}, limit=3)
        page = await store.reader(DIRECTORY).search(filtered)
        assert ([row.id for row in page.rows], page.total, page.more) == (["g0", "g1", "u4"], 4, True)
        names = {USER: USER.resolve(None, "displayName"), GROUP: GROUP.resolve(None, "displayName")}
        ordered = await found(store, both._replace(sort=names))
        assert ordered == ["u0", "g5", "u1", "g4", "u2", "g3", "g2", "u3", "g1", "u4", "g0", "u5"]
        users_last = both._replace(sort={USER: None, GROUP: names[GROUP]}, limit=5)
        assert await walk(store.reader(DIRECTORY), users_last) == [
            *(f"g{n}" for n in range(5, -1, -1)),
            *NAMES[:6],
        ]
        assert await walk(store.reader(DIRECTORY), users_last._replace(descending=True)) == [
            *NAMES[:6],
            *(f"g{n}" for n in range(6)),
        ]

    @scenario
    async def test_kinds_of_values_do_not_mix(self, store: Store) -> None:
        """Numbers stand before texts where two types order by attributes of different types."""
        await store.write(DIRECTORY, put({"userName": "a", "active": True}, "a"))
        await group(store, "0")
        await store.write(DIRECTORY, put({"userName": "b", "active": False}, "b"))
        keys = {USER: USER.resolve(None, "active"), GROUP: GROUP.resolve(None, "displayName")}
        query = Query({USER: None, GROUP: None}, CONNECTION, 1, sort=keys)
        assert await walk(store.reader(DIRECTORY), query) == ["b", "a", "0"]
        assert await walk(store.reader(DIRECTORY), query._replace(descending=True)) == ["0", "a", "b"]

    @scenario
    async def test_groups_and_members_are_searched_in_the_membership_table(self, store: Store) -> None:
        await users(store, ["anna", "bert", "carl"])
        await group(store, "outer", "Outer")
        await group(store, "inner", "Inner")

        async def work(tx: Writer) -> None:
            await tx.add_members("inner", [Member("anna", None, "Äpfel")])
            await tx.add_members("outer", [Member("inner"), Member("bert"), Member("later")])

        await store.write(DIRECTORY, work)
        cases = {
            'groups eq "outer"': ["anna", "bert"],
            'groups.display co "INN"': ["anna"],
            'groups[value eq "outer" and type eq "indirect"]': ["anna"],
            'groups[display eq "outer" and not (type eq "indirect")]': ["bert"],
            'not (groups.value eq "inner")': ["bert", "carl"],
            'groups.value ne "outer"': ["anna", "carl"],
            "groups pr and groups.$ref pr": ["anna", "bert"],
        }
        for text, expected in cases.items():
            assert await found(store, listed(text)) == expected, text
        cases = {
            'members.value eq "bert"': ["outer"],
            'members eq "later"': [],
            'members.display eq "ÄPFEL"': ["inner"],
            'members.type eq "group"': ["outer"],
            'members[value eq "inner" and type eq "user"]': [],
            'members[display sw "b"]': ["outer"],
            "members pr": ["outer", "inner"],
        }
        for text, expected in cases.items():
            assert await found(store, listed(text, GROUP)) == expected, text
        sort = {USER: USER.resolve(None, "groups", "display")}  # a direct group counts before an indirect
        assert await found(store, listed(sort=sort, descending=True)) == ["bert", "anna", "carl"]

    @scenario
    async def test_what_only_an_answer_knows_is_refused(self, store: Store) -> None:
        for text in ('meta.location eq "x"', 'groups.$ref co "x"', 'groups[$ref eq "x"]'):
            error = await refused(InvalidFilter, store.reader(DIRECTORY).search(listed(text)))
            assert "made for each answer" in error.detail
