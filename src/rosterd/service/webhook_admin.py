"""Administration of webhooks: endpoints, replays, tests, and secrets, each of which is shown once only."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from rosterd.scim import errors
from rosterd.service import credential_text, webhook_messages
from rosterd.service.audit import ATTEMPTS, ITSELF, MASK, Actor, Entry
from rosterd.service.composing import Composer
from rosterd.service.control import Control, Directory
from rosterd.service.events import Event
from rosterd.service.feed import parse_types
from rosterd.service.ports import Store
from rosterd.service.set_stream import PUSH, Stream, authorization_of, check_authorization
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.standing import Standing
from rosterd.service.webhook_messages import Message
from rosterd.service.webhook_rules import check, no_handler, not_polled, target, told
from rosterd.service.webhook_secrets import Keyring, Made
from rosterd.service.webhooks import (
    DISABLED,
    ENABLED,
    FAILED,
    RANGE,
    SCHEMES,
    TEST,
    V1,
    Attempt,
    Endpoint,
    Key,
    Line,
    Outcome,
    Secret,
    StoredAttempt,
    Webhooks,
)

MAX_SECRETS: Final = 5
MAX_OVERLAP: Final = 31_536_000
"""Seconds; a year."""
MAX_REASON: Final = 500
GIVEN_UP: Final = "webhook.disabled"


class Sender(Protocol):
    """Sends one message once."""

    async def send(self, endpoint: Endpoint, message: Message) -> Outcome:
        """What came of it; nothing that a receiver does is an exception."""


class Plane(Control, Webhooks, Protocol):
    """What of the control plane is used."""


class WebhookAdmin:
    """Endpoints and what is done to them. ``now`` gives ms; ``check_url`` raises ``InvalidValue``."""

    def __init__(
        self,
        plane: Plane,
        store: Store,
        keyring: Keyring,
        sender: Sender,
        check_url: Callable[[str], None],
        now: Callable[[], int],
        random: Callable[[int], bytes],
        composer: Composer | None = None,
        signing: SigningKeys | None = None,
    ) -> None:
        self.composer = composer or Composer()
        self._signing = signing
        self._plane = plane
        self._store = store
        self._keyring = keyring
        self._sender = sender
        self._check_url = check_url
        self._now = now
        self._random = random

    async def create(
        self,
        url: str,
        *,
        directory: int | None = None,
        label: str = "",
        types: str = "",
        scheme: str = V1,
        max_events: int = 1,
        max_wait: int = 0,
        stream: Stream | None = None,
        authorization: str | None = None,
        by: Actor,
    ) -> tuple[Endpoint, str]:
        """Make an endpoint; its secret (of ``v1a`` its public key) is returned here.

        It gets what happens from now on. One with a ``stream`` gets security event tokens, which the keys of
        the installation sign, so it has no secret of its own. Raises ``InvalidValue``.
        """
        now = self._now()
        id = f"we_{credential_text.public_id(self._random)}"
        secrets: tuple[Secret, ...] = ()
        shown = ""
        if stream is None:
            made = self._make(id, scheme)
            secrets = (Secret(made.sealed, scheme, now, made.public),)
            shown = made.shown
        else:
            stream = self._authorized(id, stream, authorization)
        endpoint = Endpoint(
            id=id,
            directory=directory,
            url=url,
            label=label,
            types=parse_types(types),
            created=now,
            max_events=max_events,
            max_wait=max_wait,
            standing=Standing(ENABLED, str(by), "", now),
            secrets=secrets,
            stream=stream,
        )
        if stream is None or stream.method == PUSH:
            self._check_url(url)
        check(endpoint)
        if stream is not None and self._signing is not None:
            await self._signing.ensure(by=by)
        after = {**told(endpoint), **({} if stream else {"scheme": scheme})}
        entry = Entry(by, now, "webhook.created", target(endpoint), directory, after=after)
        await self._plane.create_webhook(endpoint, entry)
        return endpoint, shown

    async def find(self, id: str, directory: Directory | None = None) -> Endpoint:
        """The endpoint; for who knows one directory only, if it is that one's. Raises ``NotFound``."""
        found = await self._plane.webhook(id, directory.id if directory else None)
        if found is None:
            raise errors.NotFound(f"There is no webhook {id}.")
        return found

    async def update(
        self,
        old: Endpoint,
        *,
        url: str | None = None,
        label: str | None = None,
        types: str | None = None,
        max_events: int | None = None,
        max_wait: int | None = None,
        stream: Mapping[str, Any] | None = None,
        authorization: str | None = None,
        by: Actor,
    ) -> Endpoint:
        """Change what is given; of a ``stream`` the fields that are. What others change meanwhile stays so.

        Raises ``InvalidValue``, ``NotFound``, ``Conflict`` for a handler.
        """
        no_handler(old)
        values: dict[str, Any] = {
            "url": url,
            "label": label,
            "types": None if types is None else parse_types(types),
            "max_events": max_events,
            "max_wait": max_wait,
        }
        given = {name: value for name, value in values.items() if value is not None}
        for _ in range(ATTEMPTS):
            new = self._changed(old, given, stream, authorization)
            before, after = told(old), told(new)
            if authorization is not None:
                after["authorization"] = MASK
            differ = [name for name in after if before[name] != after[name]]
            if not differ:
                return old
            entry = self._entry(
                by, "webhook.updated", new, {n: before[n] for n in differ}, {n: after[n] for n in differ}
            )
            if await self._plane.update_webhook(old, new, entry):
                return new
            old = await self.find(old.id)
        raise errors.Conflict("Others change this webhook all the time; nothing was changed. Try again.")

    def _changed(
        self,
        old: Endpoint,
        given: Mapping[str, Any],
        stream: Mapping[str, Any] | None,
        authorization: str | None,
    ) -> Endpoint:
        """It with what is given. Raises ``InvalidValue``."""
        new = replace(old, **given)
        if stream is not None or authorization is not None:
            if old.stream is None:
                raise errors.InvalidValue(f"{old.id} gets webhooks, and no security event tokens.")
            changed = replace(old.stream, **(stream or {}))
            new = replace(new, stream=self._authorized(old.id, changed, authorization))
        if new.url != old.url:
            self._check_url(new.url)
        check(new)
        return new

    async def remove(self, endpoint: Endpoint, *, by: Actor) -> None:
        """Remove it, its dead letters and its log. Raises ``NotFound``."""
        entry = self._entry(by, "webhook.removed", endpoint, told(endpoint))
        if not await self._plane.delete_webhook(endpoint.id, entry):
            raise errors.NotFound(f"There is no webhook {endpoint.id}.")

    async def rotate(
        self, endpoint: Endpoint, *, overlap: int = 86_400, scheme: str | None = None, by: Actor
    ) -> tuple[Endpoint, str]:
        """Give it a new secret; messages are signed with the old ones too for ``overlap`` seconds.

        Raises ``InvalidValue``, ``Conflict`` for a handler and if too many are in use, ``NotFound``.
        """
        no_handler(endpoint)
        if endpoint.stream is not None:
            raise errors.Conflict(
                "Security event tokens are signed with keys of the installation: 'rosterd set-key rotate'."
            )
        if not 0 <= overlap <= MAX_OVERLAP:
            raise errors.InvalidValue(f"overlap: must be 0 to {MAX_OVERLAP} seconds, not {overlap}.")
        now = self._now()
        if sum(secret.expires is None or secret.expires > now for secret in endpoint.secrets) >= MAX_SECRETS:
            raise errors.Conflict(
                f"The webhook has {MAX_SECRETS} secrets in use; wait until the overlap of one has ended."
            )
        scheme = scheme or endpoint.secrets[0].scheme
        made = self._make(endpoint.id, scheme)
        newest = max(now, endpoint.secrets[0].created + 1)  # so that their order is that of their times
        secret = Secret(made.sealed, scheme, newest, made.public)
        after = {"scheme": scheme, "overlap": overlap}
        entry = self._entry(by, "webhook.rotated", endpoint, {}, after)
        if not await self._plane.add_webhook_secret(endpoint.id, secret, now + overlap * 1000, entry):
            raise errors.NotFound(f"There is no webhook {endpoint.id}.")
        return await self.find(endpoint.id), made.shown

    async def enable(self, endpoint: Endpoint, *, by: Actor) -> Endpoint:
        """Let it go on where it stood; if it is enabled, whatever waits for a retry is tried now."""
        if endpoint.standing.state == ENABLED:
            await self._plane.hurry_webhook(endpoint.id, self._entry(by, "webhook.retried", endpoint))
            return endpoint
        return await self._move(endpoint, ENABLED, "webhook.enabled", "", by)

    async def disable(self, endpoint: Endpoint, *, reason: str = "", by: Actor) -> Endpoint:
        """Send nothing more to it; where its lines stand is kept."""
        if len(reason) > MAX_REASON:
            raise errors.InvalidValue(f"reason: at most {MAX_REASON} characters, not {len(reason)}.")
        return await self._move(endpoint, DISABLED, "webhook.disabled", reason, by)

    async def give_up(self, endpoint: Endpoint, directory: int, reason: str) -> bool:
        """Disable it of rosterd's own accord, and say so in the feed of the directory concerned."""
        now = self._now()
        standing = Standing(DISABLED, str(ITSELF), reason, now)
        data = {"webhook": endpoint.id, "label": endpoint.label, "state": DISABLED, "by": str(ITSELF)}
        event = Event(GIVEN_UP, "Webhook", endpoint.id, now, 0, "", {**data, "reason": reason})
        entry = self._entry(
            ITSELF, GIVEN_UP, endpoint, {"state": ENABLED}, {"state": DISABLED, "reason": reason}
        )
        return await self._plane.move_webhook(endpoint.id, standing, entry, (directory, event))

    async def test(self, endpoint: Endpoint, *, by: Actor) -> StoredAttempt:
        """Send a test message once, whatever the endpoint's state; the log has the attempt too.

        Raises ``Conflict`` for a handler and a stream that is polled.
        """
        no_handler(endpoint)
        not_polled(endpoint)
        home = await self._home(endpoint.directory)
        at = self._now()
        chance = credential_text.public_id(self._random)
        message = self.composer.test(endpoint, chance, at, home.name if home else None)
        outcome = replace(await self._sender.send(endpoint, message), at=at)
        attempt = Attempt(endpoint.id, endpoint.directory, TEST, message.id, 0, 0, 1, outcome)
        after = {"message": message.id, "status": outcome.status, "error": outcome.error}
        entry = self._entry(by, "webhook.tested", endpoint, {}, after)
        return StoredAttempt(await self._plane.note_attempt(attempt, entry), attempt)

    async def replay(
        self,
        endpoint: Endpoint,
        directory: Directory,
        *,
        after: int | None = None,
        through: int | None = None,
        since: int | None = None,
        failed: bool = False,
        by: Actor,
    ) -> Line:
        """Send once more, beside the line: the events behind ``after``, or those since a time (ms), up to
        ``through``; with ``failed`` only dead letters. In order, under the ids they had.

        Raises ``InvalidValue`` for a directory that is not the endpoint's, for events that are not kept and
        where there is nothing to send, ``Conflict`` if the endpoint is disabled or polled or too many replays
        have not ended.
        """
        not_polled(endpoint)
        if endpoint.directory not in (None, directory.id):
            raise errors.InvalidValue(f"The webhook does not hear of directory '{directory.name}'.")
        if endpoint.standing.state != ENABLED:
            raise errors.Conflict("The webhook is disabled. Enable it first.")
        edges = await self._store.reader(directory.id).feed(0, 0)
        if since is not None:
            found = await self._plane.first_since(directory.id, since)
            after = edges.last if found is None else found - 1
        begin = edges.forgotten if after is None else after
        end = edges.last if through is None else min(through, edges.last)
        if begin < edges.forgotten and not failed:
            raise errors.InvalidValue(
                f"The oldest event that is kept is {directory.id}-{edges.forgotten + 1}; begin there."
            )
        if begin >= end:
            raise errors.InvalidValue("There is no event in that range.")
        if failed and not await self._has_dead(endpoint, directory, begin, end):
            raise errors.InvalidValue("No message of that range was given up.")
        line = Line(Key(directory.id, endpoint.id), FAILED if failed else RANGE, begin, end)
        told = {"kind": line.kind, "after": begin, "through": end}
        entry = replace(self._entry(by, "webhook.replayed", endpoint, {}, told), directory=directory.id)
        try:
            lane = await self._plane.add_lane(line, entry)
        except LookupError as error:
            raise errors.Conflict(
                "Too many replays of this webhook have not ended yet; wait until one has."
            ) from error
        return replace(line, key=replace(line.key, lane=lane))

    async def _has_dead(self, endpoint: Endpoint, directory: Directory, after: int, through: int) -> bool:
        first = await self._plane.dead_letters(endpoint.id, (directory.id, after), 1)
        return any(dead.directory == directory.id and dead.first <= through for dead in first)

    async def sent(self, attempt: Attempt, directory: Directory | None) -> bytes | None:
        """The body of an attempt, put together anew from the feed; ``None`` if that has forgotten it.

        Of a security event token the claims.
        """
        endpoint = await self.find(attempt.webhook)
        if attempt.kind == TEST:
            name = directory.name if directory else None
            chance = attempt.message.rpartition("-")[2]
            return self.composer.test(endpoint, chance, attempt.outcome.at, name).body
        if directory is None or not attempt.first:
            return None
        names = await self._plane.connection_names(directory.id)
        limit = attempt.last - attempt.first + 1
        page = await self._store.reader(directory.id).feed(attempt.first - 1, limit, endpoint.types)
        events = tuple(stored for stored in page.events if stored.seq <= attempt.last)
        if not events:
            return None
        one = attempt.message.count("-") == 1
        message = (
            self.composer.single(endpoint, events[0], directory, names)
            if one
            else webhook_messages.batch(events, directory, names)
        )
        return message.body if message and message.id == attempt.message else None

    async def _move(self, endpoint: Endpoint, state: str, action: str, reason: str, by: Actor) -> Endpoint:
        standing = Standing(state, str(by), reason, self._now())
        before = {"state": endpoint.standing.state}
        entry = self._entry(by, action, endpoint, before, {"state": state, "reason": reason})
        await self._plane.move_webhook(endpoint.id, standing, entry)
        return await self.find(endpoint.id)

    async def _home(self, id: int | None) -> Directory | None:
        return next((d for d in await self._plane.directories() if d.id == id), None)

    def _make(self, id: str, scheme: str) -> Made:
        if scheme not in SCHEMES:
            raise errors.InvalidValue(f"scheme: must be one of {', '.join(SCHEMES)}.")
        return self._keyring.make(id, scheme)

    def _authorized(self, id: str, stream: Stream, authorization: str | None) -> Stream:
        """The stream with its authorization, if that is given. Raises ``InvalidValue``."""
        self.composer.check_issuer()
        if authorization is None:
            return stream
        check_authorization(authorization)
        return replace(stream, authorization=self._keyring.seal(authorization_of(id), authorization.encode()))

    def _entry(
        self,
        by: Actor,
        action: str,
        endpoint: Endpoint,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> Entry:
        return Entry(by, self._now(), action, target(endpoint), endpoint.directory, before or {}, after or {})
