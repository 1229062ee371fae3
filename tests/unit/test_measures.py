"""What the metrics say of a SCIM request: what it was, and the steps that it went through."""

from rosterd.http.measure import STEPS, Requests
from rosterd.http.reply import Reply
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
    made = {**way, "checked": 104.0, "committed": 107.0, "replied": 108.0}
    requests.count([(request("GET", **way, committed=104.0, replied=105.0), Reply(200))])
    requests.count([(request("POST", **made), Reply(201)), (request("POST", **made), Reply(201))])
    requests.count(
        [
            (request("GET", admitted=101.0, replied=101.5, error=errors.NotFound()), Reply(404)),
            (request("POST", **way, replied=103.5, error=errors.InvalidValue()), Reply(400)),
            (request("PUT", replied=100.5, error=RuntimeError()), Reply(500)),
        ]
    )
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
