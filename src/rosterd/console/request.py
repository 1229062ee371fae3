"""One request for a page: where it goes, what it brings, who is asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from rosterd.http.headers import Headers
from rosterd.scim import errors
from rosterd.service.visitor import Visitor


@dataclass(slots=True)
class PageRequest:
    """One request. ``path``, ``query`` and ``form`` are decoded texts; of repeated ones the first."""

    method: str
    address: str
    """The path, percent-decoded, e.g. ``/directories/acme/users``."""
    route: str
    """The template of the path."""
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    """All values of each field of the form, e.g. of check boxes with one name."""
    headers: Headers
    cookies: Mapping[str, str]
    request_id: str
    origin: str
    """Scheme, host and port as the browser sees them, e.g. ``https://scim.example.com``."""
    client: str | None
    """The network address it came from."""
    guest: Visitor | None = None
    """Who asks, if anybody is known."""

    @property
    def visitor(self) -> Visitor:
        """Who asks. Raises ``Unauthorized``."""
        if self.guest is None:
            raise errors.Unauthorized("Log in first.")
        return self.guest

    @property
    def secure(self) -> bool:
        """Whether the browser came by TLS."""
        return self.origin.startswith("https://")

    def text(self, name: str, most: int = 500) -> str:
        """A field of the form, without the blanks around it. Raises ``InvalidValue`` if it is too long."""
        value = self.form.get(name, "").strip()
        if len(value) > most:
            raise errors.InvalidValue(f"{name}: at most {most} characters, not {len(value)}.")
        return value


def local(address: str) -> str:
    """An address of ours to go on to, ``/`` for any other one: no link leads from here to elsewhere."""
    if not address.startswith("/") or address.startswith(("//", "/\\")):
        return "/"
    return quote(address, safe="/?&=%:@+,;~!$'()*-._")


def path(*segments: str) -> str:
    """An address of these segments, each percent-encoded."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
