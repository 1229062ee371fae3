"""What the console's menu holds, by who looks and where: a table, and the loop over it."""

from dataclasses import dataclass
from typing import Final

from rosterd.console.request import PageRequest, path
from rosterd.service.visitor import OWNER, VIEWER


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu; ``here`` if the page shown belongs to it."""

    label: str
    address: str
    here: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Lines below one heading; ``""`` for none."""

    heading: str
    entries: tuple[Entry, ...]


# label, the segments below the directory (none: the directory itself), the least role.
_OF_DIRECTORY: Final = (
    ("Connections", ("connections",), VIEWER),
    ("Users", ("users",), VIEWER),
    ("Groups", ("groups",), VIEWER),
    ("Requests", ("requests",), VIEWER),
    ("Events", ("events",), VIEWER),
    ("Mapping", ("mapping",), VIEWER),
    ("Reconcile", ("reconcile",), VIEWER),
    ("Schema", ("schema",), VIEWER),
)
# label, address, the least role, and whether it is for those only who know of every directory.
_OF_INSTALLATION: Final = (
    ("Directories", "/directories", VIEWER, True),
    ("Webhooks", "/webhooks", VIEWER, False),
    ("Audit log", "/audit", VIEWER, False),
    ("API keys", "/keys", OWNER, False),
    ("Administrators", "/administrators", OWNER, False),
    ("Settings", "/settings", VIEWER, True),
)


def sections(request: PageRequest) -> tuple[Section, ...]:
    """The menu of this page; empty for guests and for those with a set-up link."""
    visitor = request.guest
    if visitor is None or not visitor.may(VIEWER):
        return ()
    found = [Section("", (_entry(request, "Overview", "/"),))]
    name = request.path.get("directory")
    if name:
        lines = tuple(
            _entry(request, label, path("directories", name, *segments))
            for label, segments, role in _OF_DIRECTORY
            if visitor.may(role)
        )
        found.append(Section(name, lines))
    lines = tuple(
        _entry(request, label, address)
        for label, address, role, whole in _OF_INSTALLATION
        if visitor.may(role) and not (whole and visitor.directory is not None)
    )
    found.append(Section("Installation", lines))
    return tuple(found)


def _entry(request: PageRequest, label: str, address: str) -> Entry:
    shown = path(*request.address.strip("/").split("/")) if request.address != "/" else "/"
    nested = address not in ("/", "/directories") and shown.startswith(address + "/")
    return Entry(label, address, shown == address or nested)
