"""API keys: the credentials of the management API, ``rak_<id>_<secret><checksum>``.

What a key permits is the list of its scopes. A key that is bound to a directory knows of that one only:
every other is to it as if it were not there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service import credential_text
from rosterd.service.audit import Actor, Entry
from rosterd.service.registry import ApiKey, KeyHolder, Registry
from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME

_PREFIX: Final = "rak"

DIRECTORIES_READ: Final = "directories.read"
DIRECTORIES_WRITE: Final = "directories.write"
CONNECTIONS_READ: Final = "connections.read"
CONNECTIONS_WRITE: Final = "connections.write"
USERS_READ: Final = "users.read"
USERS_WRITE: Final = "users.write"
EVENTS_READ: Final = "events.read"
REQUESTS_READ: Final = "requests.read"
AUDIT_READ: Final = "audit.read"
KEYS_READ: Final = "keys.read"
KEYS_WRITE: Final = "keys.write"
SETTINGS_READ: Final = "settings.read"
SETTINGS_WRITE: Final = "settings.write"
WEBHOOKS_READ: Final = "webhooks.read"
WEBHOOKS_WRITE: Final = "webhooks.write"
ADMINISTRATORS_READ: Final = "administrators.read"
ADMINISTRATORS_WRITE: Final = "administrators.write"

SCOPES: Final[Mapping[str, str]] = {
    DIRECTORIES_READ: "See directories and their schema definitions",
    DIRECTORIES_WRITE: "Create and delete directories, define schemas and resource types",
    CONNECTIONS_READ: "See connections, their clients and their tokens, without secrets",
    CONNECTIONS_WRITE: "Create and change connections, their clients and their tokens",
    USERS_READ: "See users and groups, their members and their history",
    USERS_WRITE: "Erase accounts for good",
    EVENTS_READ: "Read the event feed, and snapshots of everything in a directory",
    REQUESTS_READ: "Read the request log: what identity providers sent, secrets masked, and what came of it",
    AUDIT_READ: "Read the audit log of administrative changes",
    KEYS_READ: "See API keys, without their texts",
    KEYS_WRITE: "Create API keys that permit no more than this one, and revoke API keys",
    SETTINGS_READ: "See the settings of the installation",
    SETTINGS_WRITE: "Change the settings of the installation",
    WEBHOOKS_READ: "See webhooks, what was sent to them and what became of it, without secrets",
    WEBHOOKS_WRITE: "Create, change and remove webhooks, test them, and send events once more",
    ADMINISTRATORS_READ: "See the administrators of the console and their sessions",
    ADMINISTRATORS_WRITE: "Make, change and remove administrators, and end their sessions",
}
"""Every scope and what it permits."""


def key_id(text: str) -> str | None:
    """The id inside a key's text; ``None`` if it is not a key or was mistyped."""
    return credential_text.id_of(_PREFIX, text)


def verify(holder: KeyHolder | None, text: str, now: int) -> KeyHolder:
    """The holder, if ``text`` is its key and it is valid now; else raises ``Unauthorized``."""
    if holder is None or not credential_text.matches(holder.key.digest, text):
        raise errors.Unauthorized("The API key is not known here. Make one with 'rosterd key create'.")
    if holder.key.revoked is not None and holder.key.revoked <= now:
        raise errors.Unauthorized("The API key was revoked. Make a new one with 'rosterd key create'.")
    if holder.key.expires <= now:
        raise errors.Unauthorized("The API key has expired. Make a new one with 'rosterd key create'.")
    return holder


class Keys:
    """Create and revoke API keys."""

    def __init__(self, registry: Registry, now: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._registry = registry
        self._now = now
        self._random = random

    async def create(
        self,
        *,
        by: Actor,
        label: str = "",
        scopes: Sequence[str] = tuple(SCOPES),
        directory: int | None = None,
        lifetime: int = MAX_LIFETIME,
        within: ApiKey | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key valid for ``lifetime`` seconds; its text is returned here and never again.

        Raises ``InvalidValue`` for a lifetime outside 60 s to 10 years or an unknown scope, ``Forbidden``
        for a scope or directory that a key ``within`` whose bounds it shall stay does not have itself.
        """
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise errors.InvalidValue(
                f"A key's lifetime must be {MIN_LIFETIME} to {MAX_LIFETIME} seconds (10 years), "
                f"not {lifetime}."
            )
        if not scopes or any(scope not in SCOPES for scope in scopes):
            raise errors.InvalidValue(f"A key's scopes must be out of {', '.join(SCOPES)}.")
        if within is not None:
            _stay(within, scopes, directory)
        now = self._now()
        id, text = credential_text.make(_PREFIX, self._random)
        key = ApiKey(
            id=id,
            digest=credential_text.digest(text),
            directory=directory,
            label=label,
            scopes=tuple(dict.fromkeys(scopes)),
            created=now,
            expires=now + lifetime * 1000,
        )
        after = {"label": label, "scopes": list(key.scopes), "expires": format_time(key.expires)}
        await self._registry.create_key(key, _entry(by, now, "key.created", key, after))
        return key, text

    async def revoke(self, id: str, *, by: Actor) -> None:
        """Revoke at once, for every process. Raises ``NotFound``."""
        holder = await self._registry.key(id)
        if holder is None:
            raise errors.NotFound(f"There is no API key {id}.")
        now = self._now()
        entry = _entry(by, now, "key.revoked", holder.key, {"revoked": format_time(now)})
        await self._registry.revoke_key(id, now, entry)


def _stay(within: ApiKey, scopes: Sequence[str], directory: int | None) -> None:
    lacking = [scope for scope in dict.fromkeys(scopes) if scope not in within.scopes]
    if lacking:
        raise errors.Forbidden(
            f"A key gives no more than it has: this API key has no scope {', '.join(lacking)}. It may give: "
            f"{', '.join(within.scopes)}."
        )
    if within.directory not in (None, directory):
        raise errors.Forbidden(
            "A key gives no more than it has: this API key is bound to a directory, and can make keys for "
            "that one only."
        )


def _entry(by: Actor, at: int, action: str, key: ApiKey, after: Mapping[str, Any]) -> Entry:
    return Entry(by, at, action, f"API key {key.id}", key.directory, after=after)
