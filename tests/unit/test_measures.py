"""What is counted together is what would have been counted one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.http.measure import Requests
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.measures import JOBS, Tally

values = st.lists(st.sampled_from(JOBS) | st.integers(0, 1000) | st.floats(0, 300, allow_nan=False))


@given(values)
def test_values_counted_together_are_those_counted_one_by_one(given: list[float]) -> None:
    together, singly = Tally(JOBS), Tally(JOBS)
    together.add_all(given)
    for value in given:
        singly.add(value)
    assert together.counts == singly.counts
    assert together.total == pytest.approx(singly.total)


def request(method: str, **fields: object) -> Request:
    made = Request({"method": method, "path": "/Users", "headers": []}, "r", 1, 100.0)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_a_request_is_counted_with_the_steps_that_it_went_through() -> None:
    requests = Requests()
    way = {"admitted": 101.0, "decoded": 103.0}
    requests.answering(request("GET", **way, committed=104.0), 200, 105.0)
    for _ in range(2):
        requests.answering(request("POST", **way, checked=104.0, committed=107.0), 201, 108.0)
    requests.answering(request("GET", admitted=101.0, error=errors.NotFound()), 404, 101.5)
    requests.answering(request("POST", **way, error=errors.InvalidValue()), 400, 103.5)
    requests.answering(request("PUT", error=RuntimeError()), 500, 100.5)
    requests.settle()
    requests.settle()
    assert requests.answered == {
        ("scim", "GET", 200): 1, ("scim", "POST", 201): 2, ("scim", "GET", 404): 1, ("scim", "POST", 400): 1,
        ("scim", "PUT", 500): 1,
    }  # fmt: skip
    assert requests.steps == {"admit": 3.0, "decode": 6.0, "check": 2.0, "commit": 7.0, "render": 3.0}
    assert requests.stepped == 3
    assert requests.refused == {"404": 1, "invalidValue": 1}
    assert (sum(requests.seconds["scim"].counts), requests.seconds["scim"].total) == (6, 26.5)


def test_what_is_noted_is_counted_before_it_is_much() -> None:
    requests = Requests()
    for _ in range(1000):
        requests.answering(request("GET", admitted=101.0, decoded=102.0, committed=103.0), 200, 104.0)
    assert requests.stepped > 700
    requests.settle()
    assert requests.stepped == 1000
