"""A checked document taken apart: what is stored, what is looked for, and the members of a group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from rosterd.scim import amount, membership
from rosterd.scim.index import Indexed, index
from rosterd.scim.membership import Member, has_members
from rosterd.scim.schema import ResourceType

Document = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """A checked document in the parts in which it is stored."""

    document: bytes
    indexed: Indexed
    external_id: str | None
    visible: Document
    """The stored document with externalId, as events tell it."""


def parted(document: Document, resource_type: ResourceType) -> tuple[Document, tuple[Member, ...]]:
    """A canonical document (as ``check`` or ``patch`` return it) without its members, and these."""
    if "members" not in document or not has_members(resource_type):
        return document, ()
    rest = {name: value for name, value in document.items() if name != "members"}
    return rest, membership.members_of(document)


def draft(
    visible: Document, resource_type: ResourceType, former: Mapping[str, Any] | None = None, was: int = 0
) -> Draft:
    """Take a canonical document without members apart.

    With a ``former`` one, of ``was`` bytes of JSON, raises ``InvalidValue`` for more than a resource can
    have, before anything is folded.
    """
    stored = dict(visible)
    external_id = stored.pop("externalId", None)
    document = orjson.dumps(stored)
    if former is not None:
        amount.require_moderate(visible, len(document), former, was)
    return Draft(document, index(stored, resource_type), external_id, visible)
