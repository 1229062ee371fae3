"""The judges judged: each interpreter sees what is wrong, and refuses what it does not know."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges import postman, runscope


def answering(status: int = 200, body: Any = None) -> httpx.Client:
    content = b"" if body is None else json.dumps(body).encode()
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=content)))


def suite(tmp_path: Path, **step: Any) -> Path:
    path = tmp_path / "suite.json"
    whole = {
        "step_type": "request",
        "note": "n",
        "method": "GET",
        "url": "http://x/{{v}}",
        "headers": {},
        "assertions": [],
        "variables": [],
        "scripts": [],
        **step,
    }
    path.write_text(json.dumps({"steps": [{"step_type": "pause", "duration": 5}, whole]}))
    return path


def assertion(comparison: str, value: Any, place: str = "a", source: str = "response_json") -> dict[str, Any]:
    return {"comparison": comparison, "source": source, "value": value, "property": place}


@pytest.mark.parametrize(
    ("wrong", "body"),
    [
        (assertion("equal", "true"), {"a": False}),
        (assertion("equal", "x"), {"a": "X"}),
        (assertion("equal", "x"), {}),
        (assertion("equal", "{{v}}"), {"a": "other"}),
        (assertion("equal_number", "1"), {"a": "1"}),
        (assertion("equal_number", 1), {"a": 2}),
        (assertion("not_empty", None), {"a": ""}),
        (assertion("not_empty", None), {"a": []}),
        (assertion("not_empty", None), {"a": None}),
        (assertion("not_empty", None, "a[0].b"), {"a": []}),
        (assertion("is_a_number", None), {"a": "1"}),
        (assertion("is_a_number", None), {"a": True}),
        (assertion("has_value", "x"), {"a": ["y"]}),
        (assertion("has_value", "x"), {"a": "x"}),
        (assertion("contains", "x"), {"a": ["xy"]}),
        (assertion("is_less_than", "0", source="response_time"), {}),
        (assertion("equal_number", "201", source="response_status"), {}),
    ],
)
def test_runscope_sees_what_is_wrong(tmp_path: Path, wrong: dict[str, Any], body: Any) -> None:
    with pytest.raises(runscope.AssertionFailed), answering(200, body) as client:
        runscope.run(suite(tmp_path, assertions=[wrong]), {"v": "v"}, client)


@pytest.mark.parametrize(
    "unknown",
    [
        {"assertions": [assertion("sounds_like", "x")]},
        {"assertions": [assertion("equal", "x", source="response_smell")]},
        {"assertions": [{**assertion("equal", "x"), "soft": True}]},
        {"scripts": ["assert(false)"]},
        {"before_scripts": ["x"]},
        {"skipped": True},
        {"step_type": "condition"},
        {"retries": 3},
        {"auth": {"type": "basic"}},
        {"url": "http://x/{{unknown}}"},
        {"variables": [{"source": "response_headers", "name": "x", "property": "y"}]},
    ],
)
def test_runscope_refuses_what_it_does_not_know(tmp_path: Path, unknown: dict[str, Any]) -> None:
    with pytest.raises(runscope.UnknownForm), answering(200, {"a": "x"}) as client:
        runscope.run(suite(tmp_path, **unknown), {"v": "v"}, client)


def item(*lines: str, **parts: Any) -> postman.Item:
    whole = {"folder": "f", "name": "n", "method": "GET", "url": "http://x/", "headers": {}, "body": None}
    return postman.Item(**{**whole, "before": (), "after": lines, **parts})


def in_test(*lines: str) -> tuple[str, ...]:
    return ('pm.test("t", function () {', *lines, "});")


@pytest.mark.parametrize(
    "lines",
    [
        ("pm.response.to.have.status(201);",),
        ("var jsonData = pm.response.json();", 'pm.expect(jsonData.a).to.eql("y");'),
        ("var jsonData = pm.response.json();", "pm.expect(jsonData.a).to.eql(true);"),
        ("var jsonData = pm.response.json();", "pm.expect(jsonData.n).to.eql(true);"),
        ("var jsonData = pm.response.json();", "pm.expect(jsonData.b).to.eql([]);"),
        ("var jsonData = pm.response.json();", 'pm.expect(jsonData.b.c).to.eql("x");'),
        ('pm.expect(pm.response.text()).to.include("zzz");',),
        ('pm.expect(pm.response.text()).to.not.include("x");',),
        ('var id = pm.environment.get("none");', "pm.expect(pm.response.text()).to.include(id);"),
    ],
)
def test_postman_sees_what_is_wrong(lines: tuple[str, ...]) -> None:
    with pytest.raises(postman.TestFailed), answering(200, {"a": "x", "n": 1}) as client:
        postman.run(item(*in_test(*lines)), postman.State({}), client)


@pytest.mark.parametrize(
    "unknown",
    [
        item("pm.sendRequest('x');"),
        item("if (true) {"),
        item('pm.test("t", function () {'),
        item(url="http://x/{{unknown}}"),
    ],
)
def test_postman_refuses_what_it_does_not_know(unknown: postman.Item) -> None:
    with pytest.raises(postman.UnknownForm), answering(200, {}) as client:
        postman.run(unknown, postman.State({}), client)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: entry.update(retries=3),
        lambda entry: entry["request"].update(proxy={}),
        lambda entry: entry["request"].update(auth={"type": "basic"}),
        lambda entry: entry["request"].update(body={"mode": "formdata"}),
        lambda entry: entry.update(
            event=[{"listen": "later", "script": {"type": "text/javascript", "exec": []}}]
        ),
    ],
)
def test_postman_refuses_a_request_it_does_not_know(tmp_path: Path, spoil: Callable[[Any], None]) -> None:
    entry: dict[str, Any] = {
        "name": "n",
        "request": {"method": "GET", "header": [], "url": {"raw": "http://x"}},
    }
    spoil(entry)
    path = tmp_path / "collection.json"
    path.write_text(json.dumps({"item": [entry]}))
    with pytest.raises(postman.UnknownForm):
        postman.load(path)
