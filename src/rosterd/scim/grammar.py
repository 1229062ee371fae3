"""The words of filters and paths, and the limits on them. Reading never backs up and never recurses.

``Tokens`` walks a text one token at a time and is the one place that words a syntax error: where
(counted in characters from 1), what was expected and what was found. The content of a string
literal is never repeated in an error, as it may be a secret. RFC 7644 Figure 1 and RFC 7159:

    attrPath  = [URI ":"] ATTRNAME *1subAttr
    ATTRNAME  = ALPHA *(nameChar)
    nameChar  = "-" / "_" / DIGIT / ALPHA
    subAttr   = "." ATTRNAME
    compValue = false / null / true / number / string      ; rules from JSON (RFC 7159)

Notes: RFC 7643 §2.1 has "$" among the nameChars, and "$ref" begins with it. ``*1subAttr`` means at
most one. A schema URI is a URN here, so a name with a colon begins with ``urn:``; the attribute
name stands behind its last colon. JSON's literal names are in lower case; in any case they are
accepted. Spaces and tabs may stand between any two tokens.
"""

import json
import re
from dataclasses import dataclass
from math import isfinite
from typing import Final

from rosterd.scim.errors import BadRequest

_NAME: Final = r"\$?[A-Za-z][A-Za-z0-9$_-]*"
_URN_CHARS: Final = r"A-Za-z0-9()+,\-=@;$_!*'%/?#"
_URN: Final = rf"[Uu][Rr][Nn]:[{_URN_CHARS}.:]+"
_TEXT: Final = r'[^"\\\x00-\x1f\ud800-\udfff]*+'

_ATTRIBUTE: Final = rf"(?:(?P<urn>{_URN}):)?(?P<name>{_NAME})(?:\.(?P<under>{_NAME}))?"
ATTRIBUTE: Final = re.compile(_ATTRIBUTE)
"""attrPath: its groups are URN, name and sub-attribute."""
BARE_URN: Final = re.compile(rf"({_URN}):([{_URN_CHARS}]+)(?:\.([{_URN_CHARS}.]+))?")
"""A URN whose last part need not be an attribute name, such as ``urn:example:hr:2.0``."""

_TOKEN: Final = re.compile(
    rf"""[ \t]*+(?:
      (?P<word>{_ATTRIBUTE})
    | (?P<string>"{_TEXT}(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{{4}}){_TEXT})*+")
    | (?P<mark>[()\[\]])
    | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[Ee][+-]?[0-9]++)?)
    | (?P<sub>\.{_NAME})
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
PLAIN: Final = re.compile(rf'(?![Nn][Oo][Tt][ \t])(?>{_ATTRIBUTE})[ \t]+eq[ \t]+"(?P<value>{_TEXT})"')
"""The commonest filter, an attribute and the text that it equals: ``ATTRIBUTE``'s groups, and the text."""
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_NAMED: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_VALUE: Final = "a value (a string in double quotes, a number, true, false or null)"
_SHOWN: Final = 40
_LONGEST_INTEGER: Final = len(str(-(2**63)))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a filter or path may ask for; more is an error that names the limit."""

    length: int = 8192
    """Characters of the whole text."""
    depth: int = 30
    """Open parentheses and brackets at any place."""
    comparisons: int = 200
    """Attribute expressions (``userName eq "x"``, ``title pr``) in the whole text."""


LIMITS: Final = Limits()


class Tokens:
    """A text and the token at hand: its ``kind`` (word, string, mark, number, sub, end, or bad, which
    is anything else) and its ``value`` as written.

    ``what`` ("filter", "path") begins every message; ``error`` is the class of the errors.
    Raises ``error`` at once if the text is longer than ``limits`` allow.
    """

    __slots__ = (
        "_comparisons",
        "_depth",
        "_end",
        "_limits",
        "_match",
        "error",
        "kind",
        "lenient",
        "text",
        "value",
        "what",
    )

    def __init__(
        self, text: str, what: str, error: type[BadRequest], limits: Limits, *, lenient: bool = False
    ) -> None:
        self.lenient = lenient
        """Whether a filter may be written as some clients do (``profiles.filters``)."""
        self.text = text
        self.what = what
        self.error = error
        self._limits = limits
        self._depth = self._comparisons = self._end = 0
        if len(text) > limits.length:
            raise error(f"{what}: longer than {limits.length} characters; shorten it or split the request")
        self.advance()

    def advance(self) -> None:
        """Take the next token."""
        self._match = found = _TOKEN.match(self.text, self._end)
        if found is None:
            self.kind, self.value = "bad", self.text[self._end :].lstrip(" \t")[:1]
            return
        # The outermost group closes last, so a word's URN and name are not the last group.
        self.kind = kind = found.lastgroup or "end"
        self.value = found[kind]
        self._end = found.end()

    @property
    def at(self) -> int:
        """Where the token at hand begins."""
        if self._match is not None:
            return self._match.start(self.kind)
        return len(self.text) - len(self.text[self._end :].lstrip(" \t"))

    def attribute(self, expected: str) -> tuple[str | None, str, str | None]:
        """Take a word: its URN, name and sub-attribute."""
        if self.kind != "word" or self._match is None:
            raise self.unexpected(expected)
        urn, name, under = self._match.group("urn", "name", "under")
        self.advance()
        return urn, name, under

    def enter(self, mark: str) -> None:
        """Take an opening parenthesis or bracket."""
        if self.value != mark:
            raise self.unexpected(f"'{mark}'")
        self._depth += 1
        if self._depth > self._limits.depth:
            raise self.error(
                f"{self.what}: at character {self.at + 1}: nested more than {self._limits.depth} deep; "
                "remove parentheses that are not needed"
            )
        self.advance()

    def leave(self, mark: str) -> None:
        """Take the closing one, which ends a filter."""
        if self.value != mark:
            raise self.unexpected(f"'and', 'or' or '{mark}'")
        self._depth -= 1
        self.advance()

    def count(self) -> None:
        """Count an attribute expression."""
        self._comparisons += 1
        if self._comparisons > self._limits.comparisons:
            raise self.error(
                f"{self.what}: more than {self._limits.comparisons} comparisons; split the request"
            )

    def literal(self) -> str | int | float | bool | None:
        """Take a compValue: a JSON string or number, true, false or null."""
        value: str | int | float | bool | None
        if self.kind == "string":
            value = self._string() if "\\" in self.value else self.value[1:-1]
        elif self.kind == "number":
            value = self._number()
        elif self.kind == "word" and (name := self.value.lower()) in _NAMED:
            value = _NAMED[name]
        else:
            raise self.unexpected(_VALUE, found="a word without quotes" if self.kind == "word" else "")
        self.advance()
        return value

    def unexpected(self, expected: str, *, found: str = "", hint: str = "") -> BadRequest:
        """The error for the token at hand; ``hint`` says what to do about it."""
        before = ""
        for token in _TOKEN.finditer(self.text, 0, self.at):
            if token.lastgroup and token.lastgroup != "end":
                before = f" after {_shown(token.lastgroup, token[token.lastgroup])}"
        found = found or self._found()
        detail = f"at character {self.at + 1}: expected {expected}{before}, found {found}"
        return self.error(f"{self.what}: {detail}; {hint}" if hint else f"{self.what}: {detail}")

    def _found(self) -> str:
        if self.kind == "end":
            return f"the end of the {self.what}"
        if self.kind == "bad" and self.value == '"':
            return "a string that is not closed or not valid JSON"
        return _shown(self.kind, self.value)

    def _string(self) -> str:
        value: str = json.loads(self.value)
        if _NOT_TEXT.search(value):
            raise self.unexpected(_VALUE, found="a string with U+0000 or half of a surrogate pair")
        return value

    def _number(self) -> int | float:
        text = self.value
        if text.lstrip("-").isdigit():
            # The length is looked at first, as int() refuses very long texts.
            if len(text) <= _LONGEST_INTEGER and -(2**63) <= (whole := int(text)) < 2**63:
                return whole
        elif isfinite(real := float(text)):
            return real
        raise self.unexpected("a number of at most 64 bits", found="a larger one")


def _shown(kind: str, value: str) -> str:
    if kind in ("string", "number"):
        return f"a {kind}"
    if not value.isprintable():
        return f"U+{ord(value[0]):04X}"
    return f"'{value}'" if len(value) <= _SHOWN else f"'{value[:_SHOWN]}…'"
