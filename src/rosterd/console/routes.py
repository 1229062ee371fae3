"""All pages of the console, and the way from a path to its row."""

from collections.abc import Mapping
from typing import Final

from rosterd.console.appearance import PAGES as APPEARANCE
from rosterd.console.route import Page
from rosterd.scim import errors

PAGES: Final[tuple[Page, ...]] = (*APPEARANCE,)

TABLE: Final[Mapping[str, Mapping[str, Page]]] = {
    template: {page.method: page for page in PAGES if page.template == template}
    for template in dict.fromkeys(page.template for page in PAGES)
}

_PATTERNS: Final = tuple(
    # A template with more fixed segments is the more particular one.
    tuple(template.split("/"))
    for template in sorted(TABLE, key=lambda t: t.count("{"))
)


def match(path: str) -> tuple[str, Mapping[str, str]]:
    """The template of a percent-decoded path, and its parameters. Raises ``NotFound``."""
    segments = path.split("/")
    for pattern in _PATTERNS:
        if len(pattern) != len(segments):
            continue
        found = {}
        for wanted, given in zip(pattern, segments, strict=True):
            if wanted.startswith("{") and given:
                found[wanted[1:-1]] = given
            elif wanted != given:
                break
        else:
            return "/".join(pattern), found
    raise errors.NotFound("There is no such page.")


def page(template: str, method: str) -> Page:
    """The row for the method. Raises ``MethodNotAllowed``."""
    row = TABLE[template].get("GET" if method == "HEAD" else method)
    if row is None:
        allow = tuple(TABLE[template])
        raise errors.MethodNotAllowed(f"This page takes {' and '.join(allow)} only.", allow=allow)
    return row
