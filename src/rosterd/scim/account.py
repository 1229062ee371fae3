"""The state of an account: active, unless the client says otherwise (RFC 7643 §4.1.1)."""

from collections.abc import Mapping
from typing import Any

from rosterd.scim import urns
from rosterd.scim.schema import ResourceType


def stated(document: dict[str, Any], t: ResourceType, current: Mapping[str, Any]) -> dict[str, Any]:
    """The document with ``active`` said, if it is a user's: so that who counts as active is found as active.

    ``current`` is what speaks for a document that does not.
    """
    if t.schema.id == urns.USER:
        document.setdefault("active", current.get("active", True))
    return document
