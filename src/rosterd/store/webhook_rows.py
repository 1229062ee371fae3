"""How endpoints, their lines and what came of deliveries are written in rows, whatever the engine."""

from collections.abc import Sequence
from typing import Any

import orjson

from rosterd.service.set_stream import Stream
from rosterd.service.signing_keys import SigningKey
from rosterd.service.standing import Standing
from rosterd.service.webhooks import Attempt, DeadLetter, Endpoint, Key, Line, Outcome, Secret, StoredAttempt
from rosterd.store.rows import Row, as_json


def endpoint_of(row: Sequence[Any]) -> Endpoint:
    """An endpoint from a row of its columns, without its secrets and its stream."""
    id, directory, url, label, types, created, max_events, max_wait, *standing, failing = row
    return Endpoint(
        id, directory, url, label, tuple(orjson.loads(types)), created, max_events, max_wait,
        Standing(*standing), failing,
    )  # fmt: skip


def endpoint_row(endpoint: Endpoint) -> Row:
    """An endpoint as the columns of a new row."""
    standing = endpoint.standing
    return (
        endpoint.id, endpoint.directory, endpoint.url, endpoint.label, as_json(list(endpoint.types)),
        endpoint.created, endpoint.max_events, endpoint.max_wait,
        standing.state, standing.by, standing.reason, standing.since,
    )  # fmt: skip


def endpoint_change(endpoint: Endpoint) -> Row:
    """What an administrator says of an endpoint."""
    return (
        endpoint.id, endpoint.url, endpoint.label, as_json(list(endpoint.types)),
        endpoint.max_events, endpoint.max_wait,
    )  # fmt: skip


def secret_row(id: str, secret: Secret) -> Row:
    """A secret of an endpoint as the columns of its row."""
    return (id, secret.sealed, secret.scheme, secret.created, secret.public, secret.expires)


def stream_row(id: str, stream: Stream) -> Row:
    """The stream of an endpoint as the columns of its row."""
    return (id, stream.audience, stream.method, stream.detail, stream.vocabulary, stream.authorization)


class Overtaken(Exception):
    """What is to be changed is not as it was, so nothing is."""


def stream_change(old: Endpoint, new: Endpoint) -> Row | None:
    """What makes a stream another one, if it is as it was; ``None``: it is none, or stays as it is."""
    if old.stream is None or new.stream is None or old.stream == new.stream:
        return None
    return (*stream_row(new.id, new.stream), *stream_row(old.id, old.stream)[1:])


def line_of(row: Sequence[Any]) -> tuple[Line, int]:
    """A line from a row of its columns, and the newest number of its directory."""
    return Line(Key(*row[:3]), *row[3:11]), row[11]


def dead_row(dead: DeadLetter) -> Row:
    """A dead letter as the columns of its row."""
    return (
        dead.directory, dead.webhook, dead.first, dead.last, dead.message, dead.at, dead.attempts,
        dead.status, dead.error,
    )  # fmt: skip


def attempt_row(attempt: Attempt) -> Row:
    """An attempt as the columns of its row."""
    outcome = attempt.outcome
    return (
        attempt.webhook, attempt.directory, attempt.kind, attempt.message, attempt.first, attempt.last,
        attempt.attempt, outcome.at, outcome.took, outcome.status, outcome.error,
        as_json(dict(outcome.request)), as_json(dict(outcome.reply)), outcome.body,
    )  # fmt: skip


def attempt_of(row: Sequence[Any]) -> StoredAttempt:
    """An entry of the log from a row of its columns."""
    seq, webhook, directory, kind, message, first, last, attempt, at, took, status, error, *texts = row
    request, reply, body = texts
    outcome = Outcome(
        at, took, status, error, request=orjson.loads(request), reply=orjson.loads(reply), body=body
    )
    return StoredAttempt(seq, Attempt(webhook, directory, kind, message, first, last, attempt, outcome))


def signing_key_of(row: Sequence[Any]) -> SigningKey:
    """A signing key from a row of its columns."""
    kid, algorithm, public, *rest = row
    return SigningKey(kid, algorithm, orjson.loads(public), *rest)


def signing_key_row(key: SigningKey) -> Row:
    """A signing key as the columns of a new row."""
    return (key.kid, key.algorithm, as_json(dict(key.public)), key.sealed, key.created, key.signs)
