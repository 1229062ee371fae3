"""A strict interpreter of Runscope (BlazeMeter API Monitoring) suites, for Okta's own SCIM tests.

It knows what occurs in Okta's published files and refuses everything else: an unknown key, source,
comparison, script or variable is an ``UnknownForm`` error, so no assertion is skipped in silence.
Pauses wait for Okta's background jobs; they are not slept through here.
"""

import json
import random
import re
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

_TEMPLATE = re.compile(r"\{\{([^{}]+)\}\}")
_PROPERTY = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")

_STEP_KEYS = {
    *("step_type", "skipped", "note", "auth", "multipart_form", "headers", "method", "url", "assertions"),
    *(
        "variables",
        "scripts",
        "before_scripts",
        "body",
        "form",
        "binary_body",
        "graphql_body",
        "args",
        "data",
    ),
}
# Keys of a step that say something only when they hold something; in Okta's files they do not.
_EMPTY_KEYS = (
    "auth",
    "multipart_form",
    "before_scripts",
    "form",
    "binary_body",
    "graphql_body",
    "args",
    "data",
)

MISSING = object()


class UnknownForm(Exception):
    """The suite uses something that this interpreter does not know."""


class AssertionFailed(AssertionError):
    """One assertion of a suite does not hold."""


@dataclass
class Run:
    """What happened: how many requests were sent and assertions evaluated."""

    requests: int = 0
    assertions: int = 0
    scripts: int = 0
    variables: dict[str, str] = field(default_factory=dict)


def spec_variables(rng: random.Random) -> dict[str, str]:
    """What Okta's Initial_Script_Spec sets: the same names, shapes and domains, the same upper-casing."""
    first = "Runscope" + "".join(rng.choices(string.digits, k=3))
    last = (
        rng.choice(string.ascii_uppercase)
        + "".join(rng.choices(string.ascii_lowercase, k=8))
        + "".join(rng.choices(string.digits, k=3))
    )
    email = f"{first}{last}@atko.com"
    return {
        "randomGivenName": first,
        "randomFamilyName": last,
        "randomEmail": email,
        "randomUsername": email,
        "InvalidUserEmail": "abcdefgh@atko.com",
        "UserIdThatDoesNotExist": "010101001010101011001010101011",
        "randomUsernameCaps": email.upper(),
        "randomGroupName": "Runscope" + "".join(rng.choices(string.digits, k=3)),
    }


def run(path: Path, variables: Mapping[str, str], client: httpx.Client) -> Run:
    """Run a suite from its first step to its last; raises ``AssertionFailed`` or ``UnknownForm``."""
    suite = json.loads(path.read_text())
    state = Run(variables=dict(variables))
    for number, step in enumerate(suite["steps"], 1):
        if step["step_type"] == "pause":
            continue
        where = f"{path.name} step {number} «{step.get('note')}»"
        if step["step_type"] != "request" or step.get("skipped"):
            raise UnknownForm(f"{where}: {step['step_type']}, skipped={step.get('skipped')}")
        if unknown := step.keys() - _STEP_KEYS:
            raise UnknownForm(f"{where}: {unknown}")
        if full := [key for key in _EMPTY_KEYS if step.get(key)]:
            raise UnknownForm(f"{where}: {full}")
        _request(step, where, state, client)
    return state


def count_assertions(path: Path) -> tuple[int, int]:
    """The requests and assertions that a suite's file holds."""
    steps = [s for s in json.loads(path.read_text())["steps"] if s["step_type"] == "request"]
    return len(steps), sum(len(step["assertions"]) for step in steps)


def _request(step: Mapping[str, Any], where: str, state: Run, client: httpx.Client) -> None:
    def fill(text: str) -> str:
        def put(match: re.Match[str]) -> str:
            if match[1] not in state.variables:
                raise UnknownForm(f"{where}: no variable {match[0]}")
            return state.variables[match[1]]

        return _TEMPLATE.sub(put, text)

    headers = [
        (name, fill(value))
        for name, values in step["headers"].items()
        for value in (values if isinstance(values, list) else [values])
    ]
    body = fill(step["body"]).encode() if step.get("body") else None
    started = time.perf_counter()
    response = client.request(step["method"], fill(step["url"]), headers=headers, content=body)
    elapsed = (time.perf_counter() - started) * 1000
    state.requests += 1
    exchange = f"{where}\n{step['method']} {response.url}\n→ {response.status_code} {response.text[:2000]}"
    for assertion in step["assertions"]:
        _assert(assertion, response, elapsed, fill, exchange)
        state.assertions += 1
    for script in step["scripts"]:
        if script not in SCRIPTS:
            raise UnknownForm(f"{where}: {script}")
        SCRIPTS[script](response, state.variables, exchange)
        state.scripts += 1
    for variable in step["variables"]:
        if variable == {"source": "response_json", "property": "", "name": None}:
            continue
        if variable["source"] != "response_json" or variable.keys() - {"source", "property", "name"}:
            raise UnknownForm(f"{where}: {variable}")
        found = _property(response.json(), variable["property"])
        if not isinstance(found, str):
            raise AssertionFailed(f"{variable['property']} is {found!r}, not a string\n{exchange}")
        state.variables[variable["name"]] = found


def _assert(
    assertion: Mapping[str, Any],
    response: httpx.Response,
    elapsed: float,
    fill: Callable[[str], str],
    exchange: str,
) -> None:
    if unknown := assertion.keys() - {"comparison", "source", "value", "property"}:
        raise UnknownForm(f"{unknown} in {assertion}")
    source, comparison = assertion["source"], assertion["comparison"]
    if source == "response_status":
        actual: Any = response.status_code
    elif source == "response_time":
        actual = elapsed
    elif source == "response_json":
        actual = _property(response.json(), assertion["property"])
    else:
        raise UnknownForm(f"source {source}")
    if comparison not in COMPARISONS:
        raise UnknownForm(f"comparison {comparison}")
    expected = assertion.get("value")
    expected = fill(expected) if isinstance(expected, str) else expected
    if actual is MISSING or not COMPARISONS[comparison](actual, expected):
        shown = "missing" if actual is MISSING else repr(actual)
        place = assertion.get("property") or source
        raise AssertionFailed(f"{place} {comparison} {expected!r}: it is {shown}\n{exchange}")


def _property(value: Any, path: str) -> Any:
    position = 0
    while position < len(path):
        match = _PROPERTY.match(path, position)
        if not match:
            raise UnknownForm(f"property {path!r}")
        position = match.end()
        try:
            value = value[int(match[2])] if match[2] else value[match[1]]
        except (LookupError, TypeError):
            return MISSING
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    """A value as Runscope compares it: JSON's spelling for anything but a string."""
    return value if isinstance(value, str) else json.dumps(value)


def _contains(actual: Any, expected: Any) -> bool:
    return expected in actual if isinstance(actual, list | str) else False


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equal": lambda actual, expected: _text(actual) == _text(expected),
    "equal_number": lambda actual, expected: _is_number(actual) and actual == float(expected),
    "is_less_than": lambda actual, expected: _is_number(actual) and actual < float(expected),
    "is_a_number": lambda actual, _: _is_number(actual),
    "not_empty": lambda actual, _: actual not in (None, "", [], {}),
    "has_value": lambda actual, expected: isinstance(actual, list) and expected in actual,
    "contains": _contains,
}


def _nothing(response: httpx.Response, variables: Mapping[str, str], exchange: str) -> None:
    pass


def _groups_is_array(response: httpx.Response, variables: Mapping[str, str], exchange: str) -> None:
    data = response.json()
    total, resources = data["totalResults"], data.get("Resources")
    if total != 0 and not (total >= 1 and isinstance(resources, list)):
        raise AssertionFailed(f"totalResults {total} without an array Resources\n{exchange}")


def _case_preserved(response: httpx.Response, variables: Mapping[str, str], exchange: str) -> None:
    if response.json()["userName"].lower() == variables["randomUsername"]:
        raise AssertionFailed(f"the random userName has no capital letters: {variables}\n{exchange}")


# The scripts that occur, letter by letter, and what they assert.
SCRIPTS: Mapping[str, Callable[[httpx.Response, Mapping[str, str], str], None]] = {
    "": _nothing,
    "var data = JSON.parse(response.body);\nvar max = data.totalResults;\nvar res = data.Resources;\n"
    'var exists = false;\n\nif (max === 0)\n\tassert("nogroups", "No Groups found in the endpoint");\n'
    "else if (max >= 1 && Array.isArray(res)) {\n    exists = true;\n"
    '    assert.ok(exists, "Resources is of type Array");\n\tlog(exists);\n}': _groups_is_array,
    "var data = JSON.parse(response.body);\nassert.notEqual(data.userName.toLowerCase(),"
    "variables.get(\"randomUsername\"),'ISVuserNameLower matches with InitialuserName');": _case_preserved,
}
