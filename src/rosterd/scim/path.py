"""Attribute paths: what a PATCH operation points at, what ``attributes`` and ``sortBy`` name.

A path is only syntax; whether its attributes exist is for ``ResourceType.resolve`` to say. Parsing
back what ``print_path`` writes gives the same path. RFC 7644 Figure 7 (§3.5.2):

    PATH = attrPath / valuePath [subAttr]

The rest is the grammar of filters (Figure 1). A bare schema URN, which clients send as the path of
a whole extension, is given as ``AttrPath`` too: ``resolve`` puts it together again.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rosterd.scim.errors import InvalidFilter, InvalidPath
from rosterd.scim.filter import AttrPath, Filter, print_filter, value_filter
from rosterd.scim.grammar import ATTRIBUTE, BARE_URN, LIMITS, Limits, Tokens

SHORT: Final = 200
"""Characters of a path that is remembered."""
_EXAMPLE: Final = "an attribute name, such as 'userName' or 'name.familyName'"


@dataclass(frozen=True, slots=True)
class Path:
    """``attr``, or ``attr[filter]``, or ``attr[filter].sub``.

    Without a filter the sub-attribute is ``attr.sub``; with one it is ``sub``, and ``attr.sub`` is
    ``None``.
    """

    attr: AttrPath
    filter: Filter | None = None
    sub: str | None = None
    text: str = field(default="", compare=False, repr=False)
    """As it was written."""

    def __str__(self) -> str:
        return print_path(self)


def parse_path(text: str, limits: Limits = LIMITS) -> Path:
    """The path of a PATCH operation.

    Raises ``InvalidPath``, or ``InvalidFilter`` if what stands in brackets is not a filter (RFC 7644
    Table 9 has both for PATCH).
    """
    return _remembered(text) if limits is LIMITS and len(text) <= SHORT else _parse(text, limits)


def _parse(text: str, limits: Limits = LIMITS) -> Path:
    whole = _whole(text, limits)
    if whole:
        return Path(whole, text=text)
    tokens = Tokens(text, "path", InvalidPath, limits)
    path = AttrPath(*tokens.attribute(_EXAMPLE))
    if tokens.value != "[" or path.sub:
        raise tokens.unexpected("the end of the path" if path.sub else "'[' or the end of the path")
    tokens.error = InvalidFilter
    tree = value_filter(tokens, path)
    tokens.error = InvalidPath
    sub = None
    if tokens.kind == "sub":
        sub = tokens.value[1:]
        tokens.advance()
    if tokens.kind != "end":
        raise tokens.unexpected("the end of the path" if sub else "'.' and a sub-attribute, or the end")
    return Path(path, tree, sub, text)


_remembered: Final = lru_cache(maxsize=256)(_parse)
"""An identity provider changes the same few attributes again and again."""


def parse_attribute(text: str, limits: Limits = LIMITS) -> AttrPath:
    """An attribute as ``attributes``, ``excludedAttributes`` and ``sortBy`` name it (RFC 7644 §3.10).

    Raises ``InvalidPath``.
    """
    whole = _whole(text, limits)
    if whole:
        return whole
    tokens = Tokens(text, "attribute", InvalidPath, limits)
    tokens.attribute(_EXAMPLE)
    raise tokens.unexpected("the end")


def print_path(path: Path) -> str:
    """The path as text."""
    text = str(path.attr)
    if path.filter is not None:
        text += f"[{print_filter(path.filter)}]"
    return f"{text}.{path.sub}" if path.sub else text


def _whole(text: str, limits: Limits) -> AttrPath | None:
    """The text as one attrPath or URN, spaces around it ignored; ``None`` if it is neither."""
    if len(text) > limits.length:
        return None
    text = text.strip(" \t")
    found = ATTRIBUTE.fullmatch(text) or BARE_URN.fullmatch(text)
    return AttrPath(*found.groups()) if found else None
