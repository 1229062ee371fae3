"""One SCIM request on its way through the six steps, with what each of them found out."""

from collections.abc import Sequence
from typing import Any

from rosterd.http.headers import Headers
from rosterd.http.reply import Header, Scope
from rosterd.http.routes import NOWHERE, Match
from rosterd.scim import errors
from rosterd.scim.render import DEFAULT, Projection
from rosterd.scim.schema import ResourceType
from rosterd.service.caller import Caller
from rosterd.service.control import Credential
from rosterd.service.view import View


class Request:
    """A request. What is not known has its beginning's value: it did not come so far."""

    __slots__ = (
        "admitted", "asker", "at", "base_url", "body", "caller", "checked", "committed",
        "credential", "decoded", "error", "faults", "headers", "id", "kind", "match", "method",
        "path", "query", "rate", "raw", "replied", "root", "scope", "sent", "started", "trace_id",
        "view",
    )  # fmt: skip

    caller: Caller
    """Who asks. It is there wherever a token is needed."""

    def __init__(self, scope: Scope, request_id: str, at: int, started: float, root: str = "") -> None:
        """``at`` is ms, ``started`` by ``time.perf_counter``; ``root`` is the path of the SCIM base URL."""
        self.scope = scope
        self.root = root
        self.path: str = scope["path"].removeprefix(root)
        """What is behind ``root``."""
        self.method: str = scope["method"]
        self.headers = Headers.of(scope)
        self.id = request_id
        self.at = at
        self.started = started
        self.admitted = self.decoded = self.checked = self.committed = 0.0
        """When these steps were done, by ``time.perf_counter``; 0: not so far."""
        self.credential: Credential | None = None
        """Whose request it is: also of a token that does not work any more."""
        self.asker: Caller | None = None
        """Who asks; ``None`` also at an address that needs no token, if none was sent."""
        self.match: Match = NOWHERE
        self.kind: ResourceType | None = None
        """The resource type of the endpoint, if there is such a one."""
        self.base_url = ""
        self.rate: tuple[Header, ...] = ()
        """The headers that tell what is left of the connection's rate."""
        self.raw = b""
        """The body as it was sent."""
        self.body: Any = None
        self.query: Sequence[tuple[str, str]] = ()
        self.view: View | None = None
        """The resource that the reply is about."""
        self.faults = False
        """Whether a bulk request had operations that failed."""
        self.error: BaseException | None = None
        self.replied = self.sent = 0.0
        """When the reply began, and when it was handed to the server, by ``time.perf_counter``."""
        self.trace_id: str | None = None
        """Of the trace that it is a part of, if it is traced."""

    def asked_by(self, caller: Caller) -> None:
        """Note who asks, and with that what there is at the address."""
        self.asker = self.caller = caller
        self.kind = caller.model.by_endpoint.get(self.match.endpoint.casefold())

    def parameter(self, name: str) -> str | None:
        """A query parameter by its case-insensitive name. Raises ``InvalidValue`` if it is given twice."""
        folded = name.casefold()
        found = [value for key, value in self.query if key.casefold() == folded]
        if len(found) > 1:
            raise errors.InvalidValue(f"the query parameter '{name}' is given twice")
        return found[0] if found else None

    @property
    def projection(self) -> Projection:
        """``attributes`` and ``excludedAttributes`` of the query (RFC 7644 §3.9)."""
        if not self.query:
            return DEFAULT
        return Projection.parse(self.parameter("attributes"), self.parameter("excludedAttributes"))

    @property
    def projection_of_change(self) -> Projection:
        """The projection of the reply to a change."""
        return self.projection.after_change(self.type, self.body)

    @property
    def type(self) -> ResourceType:
        """The resource type of the endpoint; raises ``NotFound``."""
        if self.kind is None:
            known = ", ".join(t.endpoint for t in self.caller.model.types.values())
            raise errors.NotFound(
                f"There is no endpoint '/{self.match.endpoint}'; this directory has {known}."
            )
        return self.kind

    @property
    def if_match(self) -> str | None:
        """The precondition on the version."""
        return self.headers.get(b"if-match")
