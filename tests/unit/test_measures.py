"""What the metrics say of a SCIM request: what it was, and the steps that it went through."""

from rosterd.http.measure import STEPS, Requests
from rosterd.http.request import Request
from rosterd.scim import errors


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
    assert requests.answered == {
        ("scim", "GET", 200): 1, ("scim", "POST", 201): 2, ("scim", "GET", 404): 1, ("scim", "POST", 400): 1,
        ("scim", "PUT", 500): 1,
    }  # fmt: skip
    assert {step: getattr(requests, step) for step in STEPS} == {
        "admit": 3.0,
        "decode": 6.0,
        "check": 2.0,
        "commit": 7.0,
        "render": 3.0,
    }
    assert requests.stepped == 3
    assert requests.refused == {"404": 1, "invalidValue": 1}
    assert (sum(requests.seconds["scim"].counts), requests.seconds["scim"].total) == (6, 26.5)
