"""What is kept of a request until the log is written holds on to no more than it says."""

import weakref

from rosterd.http.admit import Models
from rosterd.http.reply import Reply
from rosterd.http.request import Request
from rosterd.http.routes import match
from rosterd.http.trail import captured
from rosterd.scim.membership import Member
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.capture import MAX_LINE, Captured
from rosterd.service.control import Connection, Credential, Directory, Token
from rosterd.service.ports import Stored
from rosterd.service.view import View

WHOSE = Credential(
    Token("t", 1, 1, b"", "", (), 0, 0), Connection(1, 1, "okta", 0), Directory(1, "acme", 0, 0)
)


class Members(list[Member]):
    """The members of a group; of these one can ask whether they are still there."""


def request(method: str = "GET", path: str = "/Groups/g", agent: bytes = b"test") -> Request:
    scope = {"method": method, "path": path, "headers": [(b"user-agent", agent)]}
    return Request(scope, "r", 1, 0.0)


def kept(of: Request, status: int = 200) -> Captured:
    return captured(Models(), of, WHOSE, Reply(status))


def test_it_lets_go_of_the_members_of_a_group() -> None:
    asked, members = request(), Members([Member("u1")])
    there = weakref.ref(members)
    row = Stored("g", "Group", 1, None, 1, 1, 1, 1, None, b'{"displayName":"Staff"}')
    asked.view = View(row, CORE_MODEL.types["Group"], None, members=members)
    left = kept(asked)
    del asked, members
    assert there() is None
    assert (left.kind, left.resource, left.document) == ("Group", "g", row.document)


def test_what_a_client_may_make_long_is_cut_or_weighed() -> None:
    least = kept(request()).weight
    long = "x" * 50_000
    assert kept(request(path="/" + long)).weight > least + 49_000
    assert kept(request(agent=long.encode())).weight > least + 49_000
    named = request("POST", "/Users")
    named.match, named.body = match("/Users"), {"userName": long}
    left = kept(named, 400)
    assert left.subject == long[:MAX_LINE]
    assert left.weight > least + MAX_LINE - 10
