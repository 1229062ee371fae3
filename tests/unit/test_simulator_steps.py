"""The conversations are data: what they may send, that they hang together, and how they are judged."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from rosterd.scim import urns
from rosterd.simulator import (
    ENTRA,
    OKTA,
    Backoff,
    Check,
    Echo,
    Note,
    Reply,
    Request,
    Step,
    clean_up_steps,
    entra_steps,
    okta_steps,
)
from rosterd.simulator import checks as looks
from rosterd.simulator.steps import Missing, judge, merge, resolve

CONVERSATIONS = {
    "okta patch": okta_steps("r1", "patch"),
    "okta put": okta_steps("r1", "put"),
    "okta with clean-up": (*okta_steps("r1", "patch"), *clean_up_steps()),
    "entra compliant": entra_steps("r1", compliant=True),
    "entra not compliant": entra_steps("r1", compliant=False),
}
everywhere = pytest.mark.parametrize("steps", CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
okta = pytest.mark.parametrize("style", ["patch", "put"])
entra = pytest.mark.parametrize("compliant", [True, False])


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Echo):
        yield f"{{{node.of}.id}}"
        yield from strings(node.changes)
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from strings(value)


def operations(steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    bodies = [step.request.body for step in steps if step.request.method == "PATCH"]
    return [operation for body in bodies if isinstance(body, dict) for operation in body["Operations"]]


@everywhere
def test_a_step_refers_only_to_what_an_earlier_one_keeps(steps: tuple[Step, ...]) -> None:
    kept: set[str] = set()
    for step in steps:
        sent = (step.request.path, step.request.query, step.request.body)
        for text in strings(sent):
            for name in re.findall(r"\{(\w+)[.\w]*\}", text):
                assert name in kept, f"{step.section}: {step.name} needs {name}"
        if step.keep:
            kept.add(step.keep)


@everywhere
def test_every_step_looks_at_the_status_first(steps: tuple[Step, ...]) -> None:
    for step in steps:
        assert step.checks[0].text.startswith("status ")


@everywhere
def test_every_patch_is_a_patch_message(steps: tuple[Step, ...]) -> None:
    for step in steps:
        if step.request.method == "PATCH":
            assert isinstance(step.request.body, dict)
            assert step.request.body["schemas"] == [urns.PATCH_OP]
            assert step.request.body["Operations"]


@everywhere
def test_everything_made_is_of_this_run(steps: tuple[Step, ...]) -> None:
    for step in steps:
        if step.request.method == "POST":
            assert isinstance(step.request.body, dict)
            name = step.request.body.get("userName") or step.request.body["displayName"]
            assert "r1" in name


@okta
def test_okta_stays_with_the_endpoints_it_uses_and_never_deletes_a_user(style: Any) -> None:
    for step in okta_steps("r", style):
        assert re.match(r"/(Users|Groups)(/|$)", step.request.path)
        assert not (step.request.method == "DELETE" and step.request.path.startswith("/Users"))


@okta
def test_okta_asks_for_pages_of_a_hundred(style: Any) -> None:
    for step in okta_steps("r", style):
        query = dict(step.request.query)
        if "startIndex" in query:
            assert query["startIndex"] == "1"
            assert query["count"] == ("2" if step.name == "list two users" else "100")


def test_okta_patches_users_without_a_path_and_only_to_switch_or_set_a_password() -> None:
    users = [step for step in okta_steps("r", "patch") if step.request.path.startswith("/Users")]
    for operation in operations(tuple(users)):
        assert operation["op"] == "replace"
        assert "path" not in operation
        assert set(operation["value"]) in ({"active"}, {"password"})


def test_okta_wizard_apps_never_patch() -> None:
    assert not operations(okta_steps("r", "put"))


def test_okta_always_sends_a_password_and_no_groups_when_it_creates_a_user() -> None:
    bodies = [s.request.body for s in okta_steps("r") if s.name.startswith("create ")]
    users = [body for body in bodies if isinstance(body, dict) and "userName" in body]
    assert len(users) == 3
    for body in users:
        assert body["groups"] == []
        assert body["password"]
        assert body["active"] is True
        assert body["externalId"].startswith("00u")


@entra
def test_entra_sends_active_as_a_string_only_without_the_flag(compliant: bool) -> None:
    values = [
        operation["value"]
        for operation in operations(entra_steps("r", compliant=compliant))
        if operation.get("path") == "active"
    ]
    assert values
    assert all(isinstance(value, bool if compliant else str) for value in values)
    assert compliant or set(values) == {"True", "False"}


@entra
def test_entra_sends_dotted_names_and_creates_e_mails_by_value_path(compliant: bool) -> None:
    sent = operations(entra_steps("r", compliant=compliant))
    assert any("name.familyName" in op["value"] for op in sent if isinstance(op.get("value"), dict))
    assert any(
        op["op"] == "Add" and op["path"] == 'emails[type eq "work"].value' for op in sent if "path" in op
    )


@entra
def test_entra_removes_members_by_list_only_without_the_flag(compliant: bool) -> None:
    removals = [
        operation
        for operation in operations(entra_steps("r", compliant=compliant))
        if operation["op"].lower() == "remove" and operation["path"].startswith("members")
    ]
    forms = {"list" if operation["path"] == "members" else "path" for operation in removals}
    assert forms == ({"path"} if compliant else {"path", "list"})
    assert all(operation.get("value") for operation in removals if operation["path"] == "members")


def test_a_query_is_encoded_as_each_client_does() -> None:
    query = (("filter", 'userName eq "a+b@x.example"'), ("count", "100"))
    assert OKTA.encode(query) == "filter=userName%20eq%20%22a%2Bb%40x.example%22&count=100"
    assert ENTRA.encode(query) == "filter=userName+eq+%22a%2Bb%40x.example%22&count=100"


@pytest.mark.parametrize(
    ("attempt", "retry_after", "wait"),
    [
        (1, "7", 7.0),
        (2, "7", 14.0),
        (4, "7", 56.0),
        (1, "0", 0.0),
        (1, None, 300.0),
        (1, "Wed, 21 Oct 2026 07:28:00 GMT", 300.0),
        (1, "1.5", 300.0),
        (1, "²", 300.0),
        (9, "1", 256.0),
        (10, "1", None),
    ],
)
def test_okta_waits_and_gives_up(attempt: int, retry_after: str | None, wait: float | None) -> None:
    assert Backoff().wait(attempt, retry_after) == wait


MEMORY = {"a": {"id": "17", "list": [{"id": "x"}], "empty": "", "number": 3}, "b": {"title": "old"}}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/Users/{a.id}", "/Users/17"),
        ("{a.list.0.id}", "x"),
        ('members[value eq "{a.id}"]', 'members[value eq "17"]'),
        ({"k": ["{a.id}", 1, None, True]}, {"k": ["17", 1, None, True]}),
        ("{not a reference} {}", "{not a reference} {}"),
        (
            Echo("b", {"title": "new", "name": {"givenName": "{a.id}"}}),
            {"title": "new", "name": {"givenName": "17"}},
        ),
    ],
)
def test_references_are_replaced(template: Any, expected: Any) -> None:
    assert resolve(template, MEMORY) == expected


@pytest.mark.parametrize(
    "template", ["{c.id}", "{a.none}", "{a.list.1.id}", "{a.empty}", "{a.number}", "{a}", Echo("c")]
)
def test_a_reference_to_nothing_is_missing(template: Any) -> None:
    with pytest.raises(Missing):
        resolve(template, MEMORY)


def test_merge_goes_into_objects_and_replaces_lists() -> None:
    base = {"name": {"a": 1, "b": 2}, "list": [1, 2], "x": 1}
    assert merge(base, {"name": {"b": 3}, "list": [9], "y": 2}) == {
        "name": {"a": 1, "b": 3},
        "list": [9],
        "x": 1,
        "y": 2,
    }
    assert base["name"] == {"a": 1, "b": 2}


def listing(**values: Any) -> dict[str, Any]:
    body = {"schemas": [urns.LIST_RESPONSE], "totalResults": 1, "startIndex": 1, "itemsPerPage": 1}
    return {**body, "Resources": [{"id": "1"}], **values}


def refusal(**values: Any) -> dict[str, Any]:
    return {"schemas": [urns.ERROR], "status": "404", "detail": "nobody", **values}


WORK = {"type": "work"}
TWICE = [{"id": "1"}, {"id": "1"}]
HOME = {"type": "home", "value": "b"}
AT_WORK = ("emails", WORK, "value")
CASES: tuple[tuple[Check, int, Any, str], ...] = (
    (looks.status(200, 204), 204, None, ""),
    (looks.status(200), 500, None, "answered 500"),
    (looks.status(200), 400, refusal(), "'nobody'"),
    (looks.status(200), 401, None, "token"),
    (looks.listing(), 200, listing(), ""),
    (looks.listing(), 404, refusal(), ""),
    (looks.listing(), 200, None, "not a JSON object"),
    (looks.listing(), 200, listing(schemas=[]), "schemas"),
    (looks.listing(), 200, listing(totalResults="1"), "totalResults"),
    (looks.listing(), 200, listing(startIndex=True), "startIndex"),
    (looks.listing(), 200, listing(itemsPerPage=100), "itemsPerPage"),
    (looks.listing(paging=False), 200, listing(itemsPerPage=100), ""),
    (looks.listing(), 200, listing(Resources={}, itemsPerPage=0), ""),
    (looks.listing(), 200, listing(Resources={"a": 1}), "list"),
    (looks.whole_walk(), 200, listing(), ""),
    (looks.whole_walk(), 200, listing(totalResults=2), "totalResults"),
    (looks.whole_walk(), 200, listing(totalResults=2, Resources=TWICE), "more than once"),
    (looks.whole_walk(), 200, listing(Resources=[{}]), "no id"),
    (looks.total(1), 200, listing(), ""),
    (looks.total(0), 404, refusal(), ""),
    (looks.total(1), 404, refusal(), "404"),
    (looks.total(0), 200, listing(), "1 results where 0"),
    (looks.error(404), 404, refusal(), ""),
    (looks.error(404), 404, refusal(status=404), "'404'"),
    (looks.error(404), 404, refusal(detail=""), "detail"),
    (looks.error(404), 404, {"error": "x"}, "not a SCIM error"),
    (looks.has_id(), 201, {"id": "1"}, ""),
    (looks.has_id(), 201, {"id": 1}, "'id' is 1"),
    (looks.has_id(), 201, None, "empty user"),
    (looks.has_id(), 201, {"id": "x-bulkId-1"}, "bulkId"),
    (looks.holds("active", value=False), 200, {"active": False}, ""),
    (looks.holds("active", value=False), 204, None, ""),
    (looks.holds("active", value=False), 200, {"active": "False"}, "JSON boolean false"),
    (looks.holds("active", value=False), 200, {"active": 0}, "expected"),
    (looks.holds("active", value=False), 200, {}, "not there"),
    (looks.holds(*AT_WORK, value="a"), 200, {"emails": [HOME, {"type": "work", "value": "a"}]}, ""),
    (looks.holds(*AT_WORK, value="b"), 200, {"emails": [HOME]}, "emails[work].value"),
    (looks.holds("id", value="{a.id}"), 200, {"id": "17"}, ""),
    (looks.holds("id", value="{a.id}"), 200, {"id": "18"}, "'18'"),
    (looks.holds("id", value="{c.id}"), 200, {"id": "18"}, "an earlier step failed"),
    (looks.holds("id", value="1", first=True), 200, listing(), ""),
    (looks.holds("id", value="1", first=True), 200, listing(Resources=[]), "not there"),
    (looks.lacks("title"), 200, {"title": ""}, ""),
    (looks.lacks("title"), 200, {"title": "x"}, "must not be there"),
    (looks.lacks("password"), 200, {"password": "s3cret"}, "password is given"),
    (looks.members("{a.id}"), 200, {"members": [{"value": "17"}]}, ""),
    (looks.members("{a.id}"), 200, {"members": []}, "1 of 1 members are missing"),
    (looks.members(), 200, {}, ""),
    (looks.members(), 200, {"members": [{"value": "9"}]}, "1 should not be there"),
    (looks.members("{a.id}"), 200, {"members": [{"value": "17"}, {"value": "17"}]}, "more than once"),
)  # fmt: skip


@pytest.mark.parametrize(("check", "status", "body", "fault"), CASES)
def test_a_reply_is_judged_in_plain_words(check: Check, status: int, body: Any, fault: str) -> None:
    request = Request("GET", "/Users", (("count", "2"),))
    verdict = judge(Step("s", "n", request, (check,)), request, Reply(status, body=body), MEMORY)
    assert verdict.ok is not bool(fault)
    assert fault in verdict.why
    assert bool(verdict.why) is bool(fault)
    assert verdict.path == "/Users?count=2"
    assert "s3cret" not in repr(verdict)


def test_hidden_members_are_noted_and_no_fault() -> None:
    request = Request("GET", "/Groups/1")
    step = Step("s", "n", request, (looks.members("{a.id}"),))
    verdict = judge(step, request, Reply(200, body={"id": "1"}), MEMORY)
    assert verdict.ok
    assert len(verdict.notes) == 1


def test_a_wrong_status_hides_what_follows_from_it() -> None:
    request = Request("GET", "/Users/1")
    step = Step("s", "n", request, (looks.status(200), looks.has_id()))
    verdict = judge(step, request, Reply(500, text="oops"), MEMORY)
    assert verdict.why == "answered 500 ('oops') where 200 is expected"


def test_a_note_is_a_string() -> None:
    assert Note("x") == "x"
