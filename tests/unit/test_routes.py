"""From a path to a row of the route table."""

import pytest

from rosterd.http.routes import ROUTES, Match, allowed, match, route
from rosterd.http.scim import ScimApp
from rosterd.scim import errors


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/Users", Match("/{endpoint}", None, "Users")),
        ("//Users", Match("/{endpoint}", None, "Users")),
        ("/Users/", Match("/{endpoint}", None, "Users")),
        ("/Users//2819", Match("/{endpoint}/{id}", None, "Users", "2819")),
        ("/users/2819/", Match("/{endpoint}/{id}", None, "users", "2819")),
        ("/Users/.search", Match("/{endpoint}/.search", None, "Users")),
        ("/d/acme/Users/1", Match("/{endpoint}/{id}", "acme", "Users", "1")),
        ("/d/acme", Match("/", "acme")),
        ("/", Match("/", None)),
        ("", Match("/", None)),
        ("/.search", Match("/.search", None)),
        ("/bulk", Match("/Bulk", None)),
        ("/Me", Match("/Me", None)),
        ("/serviceproviderconfig", Match("/ServiceProviderConfig", None)),
        ("/serviceConfiguration", Match("/ServiceProviderConfig", None)),
        ("/Schemas/urn:x:User", Match("/Schemas/{id}", None, id="urn:x:User")),
        ("/ResourceTypes/User", Match("/ResourceTypes/{id}", None, id="User")),
    ],
)
def test_a_path_is_read_tolerantly(path: str, expected: Match) -> None:
    assert match(path) == expected


@pytest.mark.parametrize("path", ["/Users/1/2", "/Bulk/1", "/Me/1", "/Schemas/a/b", "/d/acme/Users/1/2"])
def test_a_path_of_no_known_form_is_not_found(path: str) -> None:
    with pytest.raises(errors.NotFound):
        match(path)


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/Users", "PUT", ("GET", "POST", "HEAD", "OPTIONS")),
        ("/Users/1", "POST", ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
        ("/Bulk", "GET", ("POST", "OPTIONS")),
        ("/Users/.search", "GET", ("POST", "OPTIONS")),
        ("/ServiceProviderConfig", "DELETE", ("GET", "HEAD", "OPTIONS")),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(path: str, method: str, allow: tuple[str, ...]) -> None:
    with pytest.raises(errors.MethodNotAllowed) as raised:
        route(match(path), method)
    assert raised.value.allow == allow == allowed(match(path))


def test_every_route_has_its_handler() -> None:
    assert [r for r in ROUTES if not callable(getattr(ScimApp, r.handler, None))] == []
