"""scim2-client, the community's client with strict models: a round trip of everything it can do."""

from collections.abc import Iterator
from typing import Any, Union

import httpx
import pytest
from judges.harness import NO_TLS, Tenant
from judges.scim2_engine import HttpxSCIMClient
from scim2_models import (
    BulkOperation,
    BulkRequest,
    PatchOp,
    PatchOperation,
    Path,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)


@pytest.fixture
def client(tenant: Tenant) -> Iterator[HttpxSCIMClient]:
    headers = {"Authorization": f"Bearer {tenant.token}"}
    with httpx.Client(base_url=tenant.base_url, headers=headers, timeout=30, verify=NO_TLS) as transport:
        scim = HttpxSCIMClient(transport)
        scim.discover()
        yield scim


@pytest.fixture
def user_model(client: HttpxSCIMClient) -> Any:
    return client.get_resource_model("User")


def patching(model: Any, *operations: PatchOperation) -> Any:
    return PatchOp[model](operations=list(operations))


def test_discovery_describes_users_and_groups(client: HttpxSCIMClient) -> None:
    names = {resource_type.name for resource_type in client.provider.resource_types}
    config = client.provider.config
    assert names == {"User", "Group"}
    assert config is not None
    assert config.patch.supported
    assert config.bulk.supported
    assert config.filter.supported
    assert config.etag.supported
    assert config.sort.supported


def test_a_user_is_created_read_replaced_patched_and_deleted(
    client: HttpxSCIMClient, user_model: Any
) -> None:
    made = client.create(user_model(user_name="bjensen@example.com", display_name="Babs"))
    assert made.id
    assert made.meta.location.endswith(f"/Users/{made.id}")
    read = client.query(user_model, made.id)
    assert read == made
    read.display_name = "Barbara"
    replaced = client.replace(read)
    assert replaced.display_name == "Barbara"
    assert replaced.meta.version != made.meta.version
    operation = PatchOperation(op="add", path="nickName", value="Babs")
    client.modify(user_model, made.id, patching(user_model, operation))
    assert client.query(user_model, made.id).nick_name == "Babs"
    client.delete(user_model, made.id)
    with pytest.raises(SCIMException):
        client.query(user_model, made.id)


def test_a_stale_copy_cannot_be_written(client: HttpxSCIMClient, user_model: Any) -> None:
    stale = client.create(user_model(user_name="stale@example.com"))
    fresh = client.query(user_model, stale.id)
    fresh.display_name = "First"
    client.replace(fresh)
    stale.display_name = "Second"
    with pytest.raises(SCIMException) as refused:
        client.replace(stale)
    assert refused.value.to_error().status == 412
    assert client.query(user_model, stale.id).display_name == "First"


def test_listing_pages_filters_sorts_and_projects(client: HttpxSCIMClient, user_model: Any) -> None:
    for name in ("carol", "alice", "bob"):
        client.create(user_model(user_name=f"{name}@example.com", display_name=name.title()))
    everyone = client.query(user_model)
    assert (everyone.total_results, len(everyone.resources)) == (3, 3)
    wanted = SearchRequest(sort_by="userName", start_index=2, count=1, attributes=[Path("userName")])
    page = client.query(user_model, query_parameters=wanted)
    assert [(u.user_name, u.display_name) for u in page.resources] == [("bob@example.com", None)]
    assert (page.total_results, page.items_per_page, page.start_index) == (3, 1, 2)
    found = client.query(user_model, query_parameters=SearchRequest(filter='displayName sw "a"'))
    assert [u.user_name for u in found.resources] == ["alice@example.com"]
    for target in (user_model, None):
        searched = client.search(target, SearchRequest(filter='userName eq "BOB@example.com"'))
        assert [u.display_name for u in searched.resources] == ["Bob"]


def test_a_projection_is_kept_on_one_resource(client: HttpxSCIMClient, user_model: Any) -> None:
    made = client.create(user_model(user_name="p@example.com", display_name="P", title="Boss"))
    only = client.query(user_model, made.id, ResponseParameters(attributes=[Path("title")]))
    assert (only.id, only.title, only.user_name) == (made.id, "Boss", None)


def test_a_group_has_the_members_it_is_given(client: HttpxSCIMClient, user_model: Any) -> None:
    group_model = client.get_resource_model("Group")
    people = [client.create(user_model(user_name=f"{n}@example.com")) for n in ("ann", "ben")]
    group = client.create(group_model(display_name="Staff", members=[{"value": people[0].id}]))
    operation = PatchOperation(op="add", path="members", value=[{"value": people[1].id}])
    client.modify(group_model, group.id, patching(group_model, operation))
    read = client.query(group_model, group.id)
    assert {m.value for m in read.members} == {p.id for p in people}
    assert [g.value for g in client.query(user_model, people[1].id).groups] == [group.id]


def test_bulk_makes_a_user_and_a_group_that_has_it(client: HttpxSCIMClient, user_model: Any) -> None:
    group_model = client.get_resource_model("Group")
    either = Union[user_model, group_model]  # noqa: UP007
    member = {"value": "bulkId:u1"}
    request = BulkRequest[either](
        operations=[
            BulkOperation[user_model](
                method="POST", path="/Users", bulk_id="u1", data=user_model(user_name="bulk@example.com")
            ),
            BulkOperation[group_model](
                method="POST",
                path="/Groups",
                bulk_id="g1",
                data=group_model(display_name="Bulk", members=[member]),
            ),
        ]
    )
    reply = client.bulk(request)
    assert [str(operation.status) for operation in reply.operations] == ["201", "201"]
    users = client.query(user_model, query_parameters=SearchRequest(filter='userName eq "bulk@example.com"'))
    groups = client.query(group_model)
    assert [m.value for m in groups.resources[0].members] == [users.resources[0].id]
