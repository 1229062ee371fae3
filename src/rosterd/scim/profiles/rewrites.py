"""A rewrite is one named tolerance: it turns one habit of real clients into canonical SCIM.

It never changes what it is given, gives the very same object back when it has nothing to do (so that
"did it change something" is ``is``), and passes through what it does not understand: the core reports
that. There are three kinds of functions, told apart by what they look at:

    message   a whole body and its resource type; runs on every message
    values    all values of a multi-valued attribute; runs when they are no list or have two primaries
    value     one value; runs when it does not fit its attribute's type, or has a member
              that is unknown or an empty string
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from rosterd.scim.schema import Attribute, ResourceType

Kind = Literal["create", "replace", "patch"]
"""What a body is: a resource to create, one to replace another with, a PatchOp message."""

Body = Mapping[str, object]
MessageFunction = Callable[[ResourceType, Body], Body]
ValueFunction = Callable[[Attribute, object], object]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One tolerance; exactly one of the three functions is given."""

    name: str
    description: str
    """What the client sends and how it is read."""
    applies_to: frozenset[Kind]
    message: MessageFunction | None = None
    values: ValueFunction | None = None
    value: ValueFunction | None = None


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
