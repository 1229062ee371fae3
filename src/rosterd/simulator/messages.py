"""The bodies identity providers send, as functions of what they know. Pure.

Okta's are those of its SCIM 2.0 reference, Entra's those of Microsoft's tutorial.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rosterd.scim import urns
from rosterd.simulator.company import Person

MANAGER: Final = f"{urns.ENTERPRISE_USER}:manager"


def okta_user(person: Person, manager: Person | None = None) -> dict[str, Any]:
    """The body of Okta's ``POST /Users``: ``groups`` and a random ``password`` are always in it."""
    enterprise: dict[str, Any] = {
        "employeeNumber": person.employee_number,
        "costCenter": person.cost_center,
        "department": person.department,
    }
    if manager is not None:
        enterprise["manager"] = {"value": manager.employee_number, "displayName": manager.display}
    return {
        "schemas": [urns.USER, urns.ENTERPRISE_USER],
        "userName": person.user_name,
        "name": {"givenName": person.given, "familyName": person.family},
        "emails": [{"primary": True, "value": person.user_name, "type": "work"}],
        "displayName": person.display,
        "title": person.title,
        "userType": person.user_type,
        "phoneNumbers": [
            {"primary": True, "value": person.phone, "type": "work"},
            {"value": person.mobile, "type": "mobile"},
        ],
        "addresses": [
            {
                "type": "work",
                "streetAddress": person.street,
                "locality": person.city,
                "region": person.region,
                "postalCode": person.postal_code,
                "country": person.country,
            }
        ],
        "locale": person.locale,
        "timezone": person.timezone,
        "externalId": person.external_id,
        "groups": [],
        "password": placeholder_password(person),
        "active": True,
        urns.ENTERPRISE_USER: enterprise,
    }


def placeholder_password(person: Person) -> str:
    """What Okta sends while password sync is off: eight characters without meaning."""
    return hashlib.sha256(person.external_id.encode()).hexdigest()[:8]


def entra_user(person: Person, *, emails: bool = True) -> dict[str, Any]:
    """The body of Entra's ``POST /Users``."""
    body: dict[str, Any] = {
        "schemas": [urns.USER, urns.ENTERPRISE_USER],
        "externalId": entra_id(person.external_id),
        "userName": person.user_name,
        "active": True,
        "displayName": person.display,
        "meta": {"resourceType": "User"},
        "name": {"formatted": person.display, "familyName": person.family, "givenName": person.given},
        "title": person.title,
        "roles": [],
        urns.ENTERPRISE_USER: {"department": person.department, "employeeNumber": person.employee_number},
    }
    if emails:
        body["emails"] = [{"primary": True, "type": "work", "value": person.user_name}]
    return body


def entra_id(seed: str) -> str:
    """An object id, as Entra uses GUIDs for; always the same for the same seed."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def group(name: str, members: Sequence[Mapping[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """The body of a ``POST`` or ``PUT`` of a group."""
    return {"schemas": [urns.GROUP], "displayName": name, "members": list(members), **more}


def patch(*operations: Mapping[str, Any]) -> dict[str, Any]:
    """A PATCH message (RFC 7644 §3.5.2)."""
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def okta_set(**values: Any) -> dict[str, Any]:
    """Okta's PATCH without a path: ``active``, ``password``, or a group's ``id`` and ``displayName``."""
    return patch({"op": "replace", "value": values})


def okta_members(add: Sequence[Mapping[str, Any]] = (), remove: Sequence[str] = ()) -> dict[str, Any]:
    """Okta's membership update: one ``remove`` for each leaver, one ``add`` with all who join."""
    operations: list[dict[str, Any]] = [
        {"op": "remove", "path": f'members[value eq "{value}"]'} for value in remove
    ]
    if add:
        operations.append({"op": "add", "path": "members", "value": list(add)})
    return patch(*operations)


def okta_push_now(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Okta's "Push Now": the whole membership, which may be empty."""
    return patch({"op": "replace", "path": "members", "value": list(members)})


def member(value: str, display: str) -> dict[str, Any]:
    """A member as Okta sends it: ``display`` is the user name."""
    return {"value": value, "display": display}
