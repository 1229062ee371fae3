"""One SCIM app in Okta, as its administrator uses it: every action sends what Okta would send.

    assign · update · activate · deactivate · sync_password        people
    push_group · change_members · push_now · rename · unlink       groups
    test_credentials · walk                                        credential test, import

An action that the server refuses raises ``Refused``. Ids are the server's.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rosterd.simulator import messages
from rosterd.simulator.client import Client, Reply
from rosterd.simulator.okta import FIRST, Style, by_group_name, by_user_name
from rosterd.simulator.steps import PAGE, merge

MEMBERS_AT_ONCE: Final = 1000
"""So many members join by one message when a large group is pushed."""


class Refused(Exception):
    """The server did not do what it was asked."""

    def __init__(self, action: str, reply: Reply) -> None:
        said = f"answered {reply.status}" if reply.status else "did not answer"
        super().__init__(f"{action}: the server {said}: {reply.detail}")
        self.action = action
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assigned user: ``linked`` if the server had the account already."""

    id: str
    linked: bool


class OktaApp:
    """An app of the given style over an open client."""

    def __init__(self, client: Client, style: Style = "patch") -> None:
        self._client = client
        self._style = style

    async def test_credentials(self) -> None:
        """Okta's two requests when the administrator presses "Test API Credentials"."""
        two = (("startIndex", "1"), ("count", "2"))
        await self._do("test credentials", "GET", "/Users", two)
        await self._do("test credentials", "GET", "/Groups", FIRST)

    async def count(self, endpoint: str) -> int:
        """``totalResults`` of ``/Users`` or ``/Groups``."""
        reply = await self._do("count", "GET", endpoint, FIRST)
        total = reply.body.get("totalResults") if isinstance(reply.body, Mapping) else None
        return total if isinstance(total, int) else 0

    async def walk(self, endpoint: str) -> AsyncIterator[list[dict[str, Any]]]:
        """Import: every page of ``/Users`` or ``/Groups``."""
        start, total = 1, 1
        while start <= total:
            query = (("startIndex", str(start)), ("count", str(PAGE)))
            reply = await self._do("import", "GET", endpoint, query)
            page = reply.body if isinstance(reply.body, Mapping) else {}
            resources, total = page.get("Resources") or [], page.get("totalResults") or 0
            if not resources:
                return
            yield resources
            start += PAGE

    async def assign(self, user: Mapping[str, Any]) -> Assigned:
        """Assign a user: link the account with this user name, or create it."""
        name = user["userName"]
        found = await self._find("assign", "/Users", by_user_name(name))
        if found is None:
            reply = await self._do(f"create {name}", "POST", "/Users", body=user, expected=(201,))
            if not isinstance(reply.body, Mapping) or not reply.body.get("id"):
                raise Refused(f"create {name}", reply)
            return Assigned(reply.body["id"], linked=False)
        id = found["id"]
        if found.get("active") is False:
            await self.set_active(id, True)
        profile = {key: value for key, value in user.items() if key != "password"}
        await self._do(f"push {name}", "PUT", f"/Users/{id}", body=merge(found, profile))
        return Assigned(id, linked=True)

    async def update(self, id: str, changes: Mapping[str, Any]) -> None:
        """Update a profile: read it, and replace it with what was read, changed."""
        found = await self._do(f"read user {id}", "GET", f"/Users/{id}")
        body = merge(found.body, changes)
        await self._do(f"update user {id}", "PUT", f"/Users/{id}", body=body)

    async def set_active(self, id: str, active: bool) -> None:
        """Activate or deactivate (unassign) a user."""
        await self._set(id, "activate" if active else "deactivate", {"active": active})

    async def sync_password(self, id: str, password: str) -> None:
        """Set the user's password."""
        await self._set(id, "set the password of", {"password": password})

    async def reassign(self, user: Mapping[str, Any]) -> str:
        """Assign a deactivated user again: find, activate, push the profile; the id found."""
        return (await self.assign(user)).id

    async def push_group(self, name: str) -> str:
        """Push a group: made empty at first, its members follow. Its id."""
        reply = await self._do(
            f"create group {name}", "POST", "/Groups", body=messages.group(name), expected=(201,)
        )
        if not isinstance(reply.body, Mapping) or not reply.body.get("id"):
            raise Refused(f"create group {name}", reply)
        return str(reply.body["id"])

    async def find_group(self, name: str) -> str | None:
        """The id of the group of that name, to link it."""
        found = await self._find("link", "/Groups", by_group_name(name))
        return str(found["id"]) if found else None

    async def change_members(
        self,
        id: str,
        name: str,
        members: Sequence[Mapping[str, Any]],
        add: Sequence[Mapping[str, Any]] = (),
        remove: Sequence[str] = (),
    ) -> None:
        """Tell who joined and who left; ``members`` is the whole membership afterwards (for PUT)."""
        if self._style == "put":
            await self.push_now(id, name, members)
            return
        await self.rename(id, name, members)
        for at in range(0, max(1, len(add)), MEMBERS_AT_ONCE):
            body = messages.okta_members(add[at : at + MEMBERS_AT_ONCE], remove if at == 0 else ())
            await self._do(f"change members of {name}", "PATCH", f"/Groups/{id}", body=body)

    async def push_now(self, id: str, name: str, members: Sequence[Mapping[str, Any]]) -> None:
        """Overwrite the whole membership."""
        path = f"/Groups/{id}"
        if self._style == "put":
            await self._do(f"read group {name}", "GET", path)
            await self._do(f"push group {name}", "PUT", path, body=messages.group(name, members))
        else:
            await self._do(f"push group {name}", "PATCH", path, body=messages.okta_push_now(members))

    async def rename(self, id: str, name: str, members: Sequence[Mapping[str, Any]]) -> None:
        """Give the group a name; ``members`` is its membership (for PUT)."""
        if self._style == "put":
            await self.push_now(id, name, members)
            return
        body = messages.okta_set(id=id, displayName=name)
        await self._do(f"name group {name}", "PATCH", f"/Groups/{id}", body=body)

    async def unlink(self, id: str) -> None:
        """Unlink a pushed group and delete it on the server."""
        await self._do(f"delete group {id}", "DELETE", f"/Groups/{id}", expected=(204,))

    async def _set(self, id: str, word: str, values: dict[str, Any]) -> None:
        if self._style == "put":
            await self.update(id, values)
        else:
            body = messages.okta_set(**values)
            await self._do(f"{word} user {id}", "PATCH", f"/Users/{id}", body=body)

    async def _find(
        self, action: str, endpoint: str, query: Sequence[tuple[str, str]]
    ) -> dict[str, Any] | None:
        reply = await self._do(action, "GET", endpoint, query, expected=(200, 404))
        resources = reply.body.get("Resources") if isinstance(reply.body, Mapping) else None
        return resources[0] if resources else None

    async def _do(
        self,
        action: str,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        body: Any = None,
        expected: Sequence[int] = (200, 204),
    ) -> Reply:
        reply = await self._client.send(method, path, query, body)
        if reply.status not in expected:
            raise Refused(action, reply)
        return reply
