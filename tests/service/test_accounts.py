"""Accounts as the first user asked for them: unique, deactivated, deleted but never lost, revived."""

from pathlib import Path

import orjson
import pytest
from service.world import USER, World, run, stored, user

from rosterd.scim import errors
from rosterd.scim.index import index
from rosterd.service.view import View


def test_a_user_name_that_exists_is_refused_whatever_its_letter_case(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        first = await world.create(user("Ann@Example.com"))
        with pytest.raises(
            errors.Uniqueness, match=r"userName 'ann@example\.com' is already used by User id-"
        ):
            await world.create(user("ann@example.com"))
        assert (await world.page()).total == 1
        assert [e[:2] for e in await world.events()] == [("user.created", first.row.id)]

    run(tmp_path, test)


def test_the_same_person_gets_the_same_account_back(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        first = await world.create(user("ann", "00u1", title="Engineer"))
        await world.delete(first)
        with pytest.raises(errors.NotFound):
            await world.read(first)
        again = await world.create(user("ANN", "00u1"))
        assert again.row.id == first.row.id and again.row.created == first.row.created
        assert again.row.version > first.row.version and "title" not in stored(again)
        assert (await world.page()).total == 1
        kinds = [e[0] for e in await world.events()]
        assert kinds == ["user.created", "user.deleted", "user.activated"]

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("gone", "comes"),
    [
        (("ann", "00u1"), ("ann", "00u2")),
        (("ann", "00u1"), ("ann", None)),
        (("ann", None), ("ann", None)),
        (("ann", None), ("ann", "00u1")),
        (("ann", "00u1"), ("bob", "00u1")),
    ],
)
def test_nobody_inherits_a_namesakes_account(tmp_path: Path, gone: tuple, comes: tuple) -> None:
    async def test(world: World) -> None:
        first = await world.create(user(*gone))
        await world.delete(first)
        second = await world.create(user(*comes))
        assert second.row.id != first.row.id
        assert await world.store.reader(1).find_deleted("User", first.row.id) is not None

    run(tmp_path, test)


def test_another_connection_does_not_revive_the_account(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        first = await world.create(user("ann", "00u1"))
        await world.delete(first)
        assert (await world.create(user("ann", "00u1"), world.other())).row.id != first.row.id

    run(tmp_path, test)


def test_a_deleted_account_stays_for_the_application(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        first = await world.create(user("ann", "00u1", title="Engineer"))
        await world.delete(first)
        kept = await world.store.reader(1).find_deleted("User", first.row.id)
        assert kept is not None and kept.deleted and kept.document == first.row.document
        assert (await world.events())[-1][2]["before"] == {"userName": "ann", "externalId": "00u1"}

    run(tmp_path, test)


def test_the_policy_erase_deletes_for_good(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = world.with_policy(on_delete="erase")
        first = await world.create(user("ann", "00u1"), caller)
        await world.delete(first, caller)
        assert await world.store.reader(1).find_deleted("User", first.row.id) is None
        assert (await world.create(user("ann", "00u1"), caller)).row.id != first.row.id

    run(tmp_path, test)


def test_deactivating_is_no_delete(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", "00u1"))
        await world.patch(ann, {"op": "replace", "value": {"active": False}})
        assert (await world.read(ann))["active"] is False
        with pytest.raises(errors.Uniqueness):
            await world.create(user("ann", "00u1"))
        await world.patch(ann, {"op": "replace", "value": {"active": True}})
        kinds = [e[0] for e in await world.events()]
        assert kinds == ["user.created", "user.deactivated", "user.activated"]

    run(tmp_path, test)


def test_an_account_is_active_until_told_otherwise_and_put_does_not_reactivate_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        assert (await world.read(ann))["active"] is True
        await world.patch(ann, {"op": "replace", "path": "active", "value": False})
        await world.replace(ann, user("ann", title="Engineer"))
        now = await world.read(ann)
        assert (now["active"], now["title"]) == (False, "Engineer")

    run(tmp_path, test)


def test_a_change_that_changes_nothing_moves_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", "00u1", title="Engineer"))
        same = await world.patch(ann, {"op": "replace", "value": {"title": "Engineer"}})
        put = await world.replace(ann, user("ann", "00u1", title="Engineer", active=True))
        assert same.row == put.row == ann.row
        assert len(await world.events()) == 1

    run(tmp_path, test)


def test_an_event_tells_what_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", "00u1", title="Engineer"))
        await world.replace(ann, user("ann", "00u2", nickName="A"))
        kind, resource, data = (await world.events())[-1]
        assert (kind, resource) == ("user.updated", ann.row.id)
        assert data == {
            "before": {"title": "Engineer", "externalId": "00u1"},
            "after": {"nickName": "A", "externalId": "00u2"},
        }

    run(tmp_path, test)


def test_external_id_is_the_connections_own_and_mutable(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", "00u1"))
        other = world.other(reach="directory")
        assert (await world.read(ann))["externalId"] == "00u1"
        assert "externalId" not in await world.read(ann, other)
        query = {"filter": 'externalId eq "00u1"'}
        assert [(await world.page(c, **query)).total for c in (None, other)] == [1, 0]
        await world.patch(ann, {"op": "replace", "value": {"externalId": "mine", "title": "X"}}, caller=other)
        assert (await world.read(ann))["externalId"] == "00u1"
        await world.patch(ann, {"op": "replace", "value": {"externalId": "00u9"}})
        assert (await world.read(ann))["externalId"] == "00u9"

    run(tmp_path, test)


def test_a_connection_changes_only_its_own_unless_its_reach_is_the_directory(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        own, wide = world.other(), world.other(reach="directory")
        title = {"op": "replace", "value": {"title": "X"}}
        for attempt in (
            lambda: world.patch(ann, title, caller=own),
            lambda: world.replace(ann, user("ann"), own),
            lambda: world.delete(ann, own),
        ):
            with pytest.raises(errors.Forbidden, match=r"belongs to connection 1.*policy 'reach'"):
                await attempt()
        assert (await world.page(own)).total == 1
        await world.patch(ann, title, caller=wide)
        assert (await world.read(ann))["title"] == "X"

    run(tmp_path, test)


def test_a_password_is_taken_and_kept_nowhere(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", password="correct horse"))
        await world.patch(ann, {"op": "replace", "value": {"password": "battery staple", "title": "X"}})
        await world.replace(ann, user("ann", password="another one"))

    run(tmp_path, test)
    content = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"ann" in content
    assert not any(secret in content for secret in (b"correct horse", b"battery staple", b"another one"))


def test_removing_what_is_not_there_is_an_error_for_the_strict_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", emails=[{"value": "a@x", "type": "work"}]))
        remove = {"op": "remove", "path": 'emails[type eq "home"]'}
        title = {"op": "replace", "path": "title", "value": "Engineer"}
        with pytest.raises(errors.NoTarget):
            await world.patch(ann, remove, title, caller=world.with_profile("strict"))
        await world.patch(ann, remove, title)
        now = await world.read(ann)
        assert now["title"] == "Engineer"
        assert len(now["emails"]) == 1
        assert (await world.patch(ann)).row.version == 2
        with pytest.raises(errors.InvalidSyntax, match="'Operations' is empty"):
            await world.patch(ann, caller=world.with_profile("strict"))

    run(tmp_path, test)


def test_a_failed_patch_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.create(user("bob"))
        ann = await world.create(user("ann", title="Engineer"))
        with pytest.raises(errors.Uniqueness):
            await world.patch(ann, {"op": "replace", "value": {"title": "X", "userName": "BOB"}})
        with pytest.raises(errors.Mutability):
            await world.patch(
                ann,
                {"op": "replace", "path": "title", "value": "X"},
                {"op": "replace", "path": "id", "value": "mine"},
            )
        assert (await world.read(ann))["title"] == "Engineer" and len(await world.events()) == 2

    run(tmp_path, test)


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_external_id_that_is_kept_from_before_is_none(tmp_path: Path, blank: str) -> None:
    async def test(world: World) -> None:
        ann = (await world.create(user("ann", "x"))).row
        shadow = index(orjson.loads(ann.document), USER)
        await world.store.write(1, lambda tx: tx.update(ann._replace(external_id=blank), shadow, shadow))
        view = await world.patch(View(ann, USER, None), {"op": "replace", "path": "title", "value": "T"})
        assert view.external_id is None
        assert view.row.external_id is None
        await world.store.write(1, lambda tx: tx.update(view.row._replace(external_id=blank), shadow, shadow))
        assert "externalId" not in await world.read(view)
        assert (await world.page(filter=f'externalId eq "{blank}"')).total == 0
        assert (await world.page(filter=f'externalId eq "{blank}" or userName eq "ann"')).total == 1
        await world.delete(view)
        assert (await world.create(user("ann", blank))).row.id != ann.id

    run(tmp_path, test)
