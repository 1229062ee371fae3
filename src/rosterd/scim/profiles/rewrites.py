"""A rewrite is one named tolerance: it turns one habit of real clients into canonical SCIM.

It never changes what it is given, gives the very same object back when it has nothing to do (so that
"did it change something" is ``is``), and passes through what it does not understand: the core reports
that. There are four kinds of functions, told apart by what they look at:

    message     a whole body and its resource type; runs on every message, but on no resource that is in order
    operation   an operation of a PATCH; gives what is to be in its place, which may be several
    values      all values of a multi-valued attribute; runs when they are no list or have two primaries
    value       one value; runs when it does not fit its attribute's type, or has a member that its
                schema does not spell so, or that is an empty string
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rosterd.scim.schema import Attribute, ResourceType

Kind = Literal["create", "replace", "patch"]
"""What a body is: a resource to create, one to replace another with, a PatchOp message."""

Body = Mapping[str, object]
MessageFunction = Callable[[ResourceType, Body], Body]
OperationFunction = Callable[[ResourceType, Body], Body | list[Body]]
ValueFunction = Callable[[Attribute, object], object]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One tolerance; exactly one of the four functions is given."""

    name: str
    description: str
    """What the client sends and how it is read."""
    applies_to: frozenset[Kind]
    message: MessageFunction | None = None
    operation: OperationFunction | None = None
    values: ValueFunction | None = None
    value: ValueFunction | None = None


Steps = tuple[tuple[str, OperationFunction], ...]
"""Rewrites of an operation, by name, in order."""


class Chain(NamedTuple):
    """The rewrites of a profile for one kind of body; those of values are in its ``Walk``."""

    messages: tuple[tuple[str, MessageFunction], ...]
    before: Steps
    """What comes before the walk through an operation's value."""
    after: Steps

    @classmethod
    def of(cls, rewrites: Iterable[Rewrite], kind: Kind) -> "Chain":
        """The chain of a profile's rewrites."""
        chosen = [rewrite for rewrite in rewrites if kind in rewrite.applies_to]
        walk = next((place for place, r in enumerate(chosen) if r.value or r.values), 0)
        return cls(
            tuple((r.name, r.message) for r in chosen if r.message),
            tuple((r.name, r.operation) for r in chosen[:walk] if r.operation),
            tuple((r.name, r.operation) for r in chosen[walk:] if r.operation),
        )


def member(body: Body, name: str) -> object:
    """A member of a JSON object, letter case ignored; ``None`` if it is not there or null."""
    if name in body:
        return body[name]
    folded = name.casefold()
    return next((value for key, value in body.items() if key.casefold() == folded), None)


def has_member(body: Body, name: str) -> bool:
    """Whether a JSON object has a member, letter case ignored, be it null."""
    return name in body or name.casefold() in map(str.casefold, body)


def with_member(body: Body, name: str, value: object) -> dict[str, object]:
    """A copy with this member in place of any of the same name in other letter case."""
    return {**without_member(body, name), name: value}


def without_member(body: Body, name: str) -> dict[str, object]:
    """A copy without this member, letter case ignored."""
    folded = name.casefold()
    return {key: value for key, value in body.items() if key.casefold() != folded}
