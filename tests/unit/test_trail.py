"""What is kept of a request until the log is written holds on to no more than it says."""

import weakref

import pytest
from orjson import dumps

from rosterd.http.admit import Models
from rosterd.http.reply import Reply
from rosterd.http.request import Request
from rosterd.http.routes import match
from rosterd.http.trail import exchange
from rosterd.scim.membership import Member
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.audit import MASK
from rosterd.service.capture import MAX_AGENT, MAX_LINE, MAX_SUBJECT
from rosterd.service.control import Connection, Credential, Directory, Token
from rosterd.service.ports import Stored
from rosterd.service.request_log import MAX_TEXT, Exchange
from rosterd.service.view import View

WHOSE = Credential(
    Token("t", 1, 1, b"", "", (), 0, 0), Connection(1, 1, "okta", 0), Directory(1, "acme", 0, 0)
)


class Members(list[Member]):
    """The members of a group; of these one can ask whether they are still there."""


def request(method: str = "GET", path: str = "/Groups/g", agent: bytes = b"test") -> Request:
    scope = {"method": method, "path": path, "headers": [(b"user-agent", agent)]}
    return Request(scope, "r", 1, 0.0)


def kept(of: Request, status: int = 200, told: bytes = b"") -> Exchange:
    return exchange(Models(), of, WHOSE, Reply(status, told))


def test_it_lets_go_of_the_members_of_a_group() -> None:
    asked, members = request(), Members([Member("u1")])
    there = weakref.ref(members)
    row = Stored("g", "Group", 1, None, 1, 1, 1, 1, None, b'{"displayName":"Staff"}')
    asked.view = View(row, CORE_MODEL.types["Group"], None, members=members)
    left = kept(asked)
    del asked, members
    assert there() is None
    assert (left.kind, left.resource, left.subject) == ("Group", "g", "Staff")


def test_what_a_client_may_make_long_is_cut() -> None:
    long = "x" * 50_000
    asked = request("POST", "/" + long, agent=long.encode())
    asked.match, asked.body, asked.raw = match("/Users/" + long), {"userName": long}, long.encode()
    asked.scope["query_string"] = long.encode()
    left = kept(asked, 400, dumps({"detail": long}))
    texts = (left.path, left.query, left.detail, left.resource, left.agent, left.body, left.reply)
    most = (MAX_LINE, MAX_LINE, MAX_LINE, MAX_SUBJECT, MAX_AGENT, 40, MAX_TEXT)
    assert all(text is not None for text in texts)
    assert [len(text or "") <= allowed for text, allowed in zip(texts, most, strict=True)] == [True] * 7
    assert left.body_size == 50_000


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ann", "ann"),
        ("Zo\u00eb", "Zo\u00eb"),
        ("a\0b", "a\ufffdb"),
        ("half \ud800", "half ?"),
        ("ann_b", "ann_b"),
        (f"rst_{'a' * 12}_{'b' * 49}", MASK),
        ("hunter22", MASK),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_no_secret(name: str, shown: str) -> None:
    asked = request("POST", "/Users")
    asked.match, asked.body = match("/Users"), {"userName": name}
    asked.raw = b'{"password":"hunter22"}'
    left = kept(asked, 201)
    assert (left.kind, left.subject) == ("User", shown)
    assert left.body == f'{{"password":"{MASK}"}}'
