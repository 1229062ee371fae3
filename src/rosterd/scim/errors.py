"""The one error tree: a class is a status and a scimType, its docstring the default detail.

    ScimError
    ├── BadRequest 400
    │   ├── InvalidFilter    ├── InvalidSyntax   ├── InvalidVersion  ├── InvalidCursor
    │   ├── TooMany          ├── InvalidPath     ├── Sensitive (403) ├── ExpiredCursor
    │   ├── Mutability       ├── NoTarget        ├── InvalidValue    └── InvalidCount
    ├── Unauthorized 401     ├── NotFound 404         ├── PreconditionFailed 412   ├── TooManyRequests 429
    ├── Forbidden 403        ├── MethodNotAllowed 405 ├── PayloadTooLarge 413      ├── NotImplemented_ 501
    ├── Gone 410             ├── NotAcceptable 406    ├── UnsupportedMediaType 415 └── Unavailable 503
    └── Conflict 409
        └── Uniqueness

``detail`` is public: an administrator reads it in Okta's task list, so it says what to change.
The internal cause of an error is its ``__cause__`` and goes to the log only.
Sources: RFC 7644 §3.12 tables 8 and 9, RFC 9865 §2.1.
"""

from typing import ClassVar, Final

from rosterd.scim import urns

_TOLD: Final = 100
"""Characters of an id that a client made up."""


class ScimError(Exception):
    """The request could not be carried out."""

    status: ClassVar[int] = 500
    scim_type: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: int | None = None,
        situation: str = "",
        other: str = "",
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").split("\n\n")[0].strip()
        self.retry_after = retry_after
        self.situation = situation
        """Which of several reasons for this status it is, for the request log; clients are not told."""
        self.other = other
        """Id of the resource or connection that stands in the way."""
        super().__init__(self.detail)

    def to_json(self) -> dict[str, object]:
        """The body of a SCIM error response (RFC 7644 §3.12): ``status`` is a string there."""
        body: dict[str, object] = {"schemas": [urns.ERROR], "status": str(self.status)}
        if self.scim_type:
            body["scimType"] = self.scim_type
        body["detail"] = self.detail
        return body


class BadRequest(ScimError):
    """The request is not valid."""

    status = 400


class InvalidFilter(BadRequest):
    """The filter is not valid."""

    scim_type = "invalidFilter"


class TooMany(BadRequest):
    """The filter yields more results than the server is willing to calculate or process."""

    scim_type = "tooMany"


class Mutability(BadRequest):
    """The change is not compatible with the mutability of the attribute or its present state."""

    scim_type = "mutability"


class InvalidSyntax(BadRequest):
    """The request body is not a valid SCIM message."""

    scim_type = "invalidSyntax"


class InvalidPath(BadRequest):
    """The path of the operation is not valid."""

    scim_type = "invalidPath"


class NoTarget(BadRequest):
    """The path did not yield an attribute or attribute value that could be operated on."""

    scim_type = "noTarget"


class InvalidValue(BadRequest):
    """A required value is missing, or a value does not fit the attribute."""

    scim_type = "invalidValue"


class InvalidVersion(BadRequest):
    """This version of the SCIM protocol is not supported; use v2."""

    scim_type = "invalidVers"


class InvalidCursor(BadRequest):
    """The cursor is not valid; start again without a cursor value."""

    scim_type = "invalidCursor"


class ExpiredCursor(BadRequest):
    """The cursor has expired; start again without a cursor value."""

    scim_type = "expiredCursor"


class InvalidCount(BadRequest):
    """The count is not valid for this cursor."""

    scim_type = "invalidCount"


class Sensitive(BadRequest):
    """The request would put sensitive information into a URI; use POST .search instead."""

    status = 403
    scim_type = "sensitive"


class Unauthorized(ScimError):
    """Authentication is needed: send the token as 'Authorization: Bearer <token>'."""

    status = 401

    def __init__(self, detail: str | None = None, *, situation: str = "", sent: bool = True) -> None:
        super().__init__(detail, situation=situation)
        self.sent = sent
        """Whether there was a token, which is wrong then."""


class Forbidden(ScimError):
    """The token does not permit this."""

    status = 403


class NotFound(ScimError):
    """There is no such resource."""

    status = 404

    @classmethod
    def of(cls, kind: str, id: str) -> "NotFound":
        """Of a resource type's name and the id that was asked for, of which the beginning is told."""
        return cls(
            f"There is no {kind} with the id '{id[:_TOLD]}' in this directory.", situation="no resource"
        )


class MethodNotAllowed(ScimError):
    """The method is not supported at this address."""

    status = 405

    def __init__(self, detail: str | None = None, *, allow: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.allow = allow


class NotAcceptable(ScimError):
    """Only application/scim+json and application/json can be produced."""

    status = 406


class Conflict(ScimError):
    """The request conflicts with the present state of the resource."""

    status = 409


class Uniqueness(Conflict):
    """One of the values must be unique and is already in use."""

    scim_type = "uniqueness"


class Gone(ScimError):
    """What was here is not kept any more."""

    status = 410


class PreconditionFailed(ScimError):
    """The resource has changed: its version is not the one given in If-Match."""

    status = 412


class PayloadTooLarge(ScimError):
    """The request is larger than the server accepts."""

    status = 413


class UnsupportedMediaType(ScimError):
    """Send the body as application/scim+json or application/json."""

    status = 415


class TooManyRequests(ScimError):
    """Too many requests; try again later."""

    status = 429


class NotImplemented_(ScimError):
    """The server does not support this operation."""

    status = 501


class Unavailable(ScimError):
    """The service cannot answer at the moment; try again later."""

    status = 503
