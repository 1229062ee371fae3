"""Settings: read once at start, from the command line or the environment (``ROSTERD_*``)."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from rosterd.delivery.egress import Policy
from rosterd.scim import errors
from rosterd.service.preferences import PREFERENCES, Preference
from rosterd.service.visitor import ROLES
from rosterd.service.webhooks import LONGEST_LEASE

_SCIM_PATH: Final = re.compile(r"(?<![:/])/+scim(/+v2(/+d/+[^/]+)?)?/*$", re.IGNORECASE)
"""What clients are given behind the base URL, and so is easily taken for a part of it."""
_PREFIX: Final = "ROSTERD_"
_OF_COMMANDS: Final = ("ROSTERD_TOKEN", "ROSTERD_KEY", "ROSTERD_LISTEN_SECRET")
"""Variables that commands read, and no server."""
_OF_OTHERS: Final = re.compile(r"ROSTERD_(SERVICE_|PORT_\d|TEST_)")
"""What Kubernetes sets beside a service of the name ``rosterd``, and what tests go by."""
_HOST: Final = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%\w+)?")
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "port": (0, 65_535),
    "failure_rate": (0, 1_000_000),
    "api_rate": (0, 1_000_000),
    "token_rate": (0, 1_000_000),
    "event_readers": (0, 1_000_000),
    "event_readers_of_key": (0, 1_000_000),
    "delivery_lease_seconds": (1, LONGEST_LEASE // 1000),
    "session_hours": (1, 720),
    "connection_limit": (10, 100_000),
    "database_connections": (2, 1000),
    "workers": (1, 64),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "console", "auto"),
    "request_log": ("on", "off"),
    "delivery": ("on", "off"),
    "metrics": ("on", "off"),
    "traces": ("on", "off"),
}


class SettingsError(ValueError):
    """A setting is not valid; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one rosterd process runs. Each field can be set as ``ROSTERD_<FIELD>``."""

    data: Path = Path("rosterd-data")
    """Directory of the database; made on first run, readable by its owner only."""
    database_url: str | None = field(default=None, repr=False)
    """``postgres://…`` of a PostgreSQL database that holds the data, instead of a file in ``data``."""
    database_connections: int = 12
    """The most connections to PostgreSQL that one process has open, beside those of snapshots."""
    host: str = "127.0.0.1"
    """Address to listen on; ``0.0.0.0`` for every interface (behind TLS)."""
    port: int = 8000
    """TCP port to listen on."""
    workers: int = 1
    """Processes that serve the port side by side; each uses a processor."""
    base_url: str | None = None
    """Public URL of this server without ``/scim/v2``, if clients reach it under another name."""
    log_level: str = "info"
    """``debug``, ``info``, ``warning`` or ``error``."""
    log_format: str = "auto"
    """``json``, ``console``, or ``auto``: console on a terminal, else json."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses and networks whose ``X-Forwarded-*`` headers are believed; ``*`` for all, or ``none``."""
    documentation_url: str | None = None
    """Shown to clients as ``documentationUri`` in ServiceProviderConfig."""
    event_retention_days: int | None = None
    """Fixes ``eventRetentionDays``."""
    request_log_retention_days: int | None = None
    """Fixes ``requestLogRetentionDays``."""
    request_log_bodies: bool | None = None
    """Fixes ``requestLogBodies``: ``true`` or ``false``."""
    request_log: str = "on"
    """Whether SCIM requests are kept for administrators to look at: ``on`` or ``off``."""
    erase_deleted_after_days: int | None = None
    """Fixes ``eraseDeletedAfterDays``."""
    token_warning_days: int | None = None
    """Fixes ``tokenWarningDays``."""
    signing_key_days: int | None = None
    """Fixes ``signingKeyDays``."""
    second_factor_required: bool | None = None
    """Fixes ``secondFactorRequired``."""
    failure_rate: int = 300
    """Requests a minute with wrong credentials, from one network address; ``0`` for no limit."""
    api_rate: int = 1000
    """Requests a second of one API key; ``0`` for no limit."""
    token_rate: int = 20
    """Tokens a second that one client of the Token Provider fetches; ``0`` for no limit."""
    event_readers: int = 1000
    """Event streams and long-polls that may be open at once; ``0`` for no limit."""
    event_readers_of_key: int = 100
    """The same of one API key; ``0`` for no limit."""
    connection_limit: int = 900
    """Connections that may be open; each takes a file, of which a process often has 1024."""
    metrics: str = "on"
    """Whether ``/metrics`` answers, with numbers for Prometheus: ``on`` or ``off``."""
    metrics_token: str = field(default="", repr=False)
    """Bearer token that it wants from everybody; unless set it is for loopback and private addresses."""
    traces: str = "off"
    """Whether traces are sent by OpenTelemetry: ``on`` or ``off``; the variables ``OTEL_…`` say where to."""
    session_hours: int = 12
    """Hours after which an administrator must log in to the console again, 1 to 720."""
    delivery: str = "on"
    """Whether this process sends webhooks: ``on``, or ``off`` to leave that to others."""
    delivery_lease_seconds: int = 5
    """Seconds after which another process goes on with the deliveries of one that died, 1 to 60."""
    egress_allow: str = ""
    """Addresses, networks and host names that may be connected to though not public, also by http."""
    egress_ports: str = ""
    """TCP ports that may be connected to, separated by commas; any unless set."""
    oidc_issuer: str = ""
    """URL of the OpenID provider by which administrators may log in."""
    oidc_client_id: str = ""
    """Client id that the provider knows this server by."""
    oidc_client_secret: str = field(default="", repr=False)
    """Its secret."""
    oidc_name: str = ""
    """What the button of the log-in page calls the provider; the issuer's host name unless set."""
    oidc_default_role: str = ""
    """Role of whoever the provider vouches for; unless set only administrators made beforehand log in."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, **overrides: Any) -> "Settings":
        """The environment's settings, with those overrides that are not ``None``.

        Raises ``SettingsError`` for a value of the wrong form.
        """
        values: dict[str, Any] = {}
        for known in fields(cls):
            text = environ.get(f"{_PREFIX}{known.name.upper()}")
            if text and not (known.name == "port" and text.startswith("tcp://")):  # it is Kubernetes', too
                values[known.name] = text
        values.update({name: value for name, value in overrides.items() if value is not None})
        if "data" in values:
            values["data"] = Path(values["data"])
        values.update(_preferences(values))
        for name in _RANGES.keys() & values.keys():
            values[name] = _number(name, values[name])
        settings = cls(**values)
        _check_openid(settings)
        _check_delivery(settings)
        for name, words in _CHOICES.items():
            if getattr(settings, name) not in words:
                raise SettingsError(f"{name} must be {', '.join(words[:-1])} or {words[-1]}")
        url = settings.database_url
        if url is not None and not url.startswith(("postgres://", "postgresql://")):
            raise SettingsError("database_url must begin with postgres:// or postgresql://")
        if settings.base_url is not None:
            check_base_url(settings.base_url)
        _check_proxies(settings.trusted_proxies)
        if settings.host.startswith("["):
            raise SettingsError(f"host must be without brackets: {settings.host.strip('[]')}")
        return settings

    @property
    def environment(self) -> Mapping[str, str]:
        """What ``from_env`` makes the same settings of, for a process of one's own; it holds secrets."""
        values = {known.name: getattr(self, known.name) for known in fields(self)}
        return {
            f"{_PREFIX}{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in values.items()
            if value not in (None, "")
        }

    @property
    def fixed(self) -> Mapping[str, int | bool]:
        """The preferences that are not to be changed elsewhere, by field."""
        values = {row.field: getattr(self, row.field) for row in PREFERENCES.values()}
        return {field: value for field, value in values.items() if value is not None}

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "rosterd.db"

    @property
    def is_made(self) -> bool:
        """Whether there is a database to look at: the file, or what a URL leads to."""
        return self.database_url is not None or self.database.exists()

    @property
    def local_url(self) -> str:
        """The URL under which this machine reaches the server."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[tuple[str, str | None]]:
    """Variables ``ROSTERD_…`` that nothing reads, each with the one that may be meant."""
    known = [f"{_PREFIX}{one.name.upper()}" for one in fields(Settings)] + list(_OF_COMMANDS)
    strange = [
        name
        for name in environ
        if name.startswith(_PREFIX) and name not in known and not _OF_OTHERS.match(name)
    ]
    return [(name, next(iter(get_close_matches(name, known, 1, 0.8)), None)) for name in sorted(strange)]


def check_base_url(url: str) -> None:
    """Raise ``SettingsError`` for what is no public URL of a server, or is the SCIM base URL itself."""
    if not url.startswith(("http://", "https://")):
        raise SettingsError("base_url must begin with https:// or http://")
    if "?" in url or "#" in url:
        raise SettingsError("base_url must be without a query ('?') and a fragment ('#')")
    place = urlsplit(url)
    try:
        port = place.port
    except ValueError as error:
        raise SettingsError("base_url must have a port from 1 to 65535, or none") from error
    if "@" in place.netloc:
        raise SettingsError("base_url must be without a user name and a password: every client is told of it")
    if port == 0 or not place.hostname or not _HOST.fullmatch(place.hostname):
        raise SettingsError("base_url must name the host of the server, such as https://scim.example.com")
    bare = _SCIM_PATH.sub("", url)
    if bare != url:
        raise SettingsError(
            f"base_url must be the URL of the server without the path of SCIM, which rosterd adds: {bare}"
        )


def _check_proxies(text: str) -> None:
    if text.strip() in ("*", "none"):
        return
    for one in filter(None, map(str.strip, text.split(","))):
        try:
            ipaddress.ip_network(one)
        except ValueError as error:
            hint = "" if (meant := _network(one)) is None else f"; write {meant}"
            raise SettingsError(
                "trusted_proxies must be addresses and networks such as 10.0.0.5 or 10.0.0.0/24, separated "
                f"by commas, and not {one!r}{hint}"
            ) from error


def _network(text: str) -> str | None:
    """The network that an address with a mask is in, which is what somebody means by it."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _check_openid(settings: Settings) -> None:
    given = (settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)
    if any(given) and not all(given):
        raise SettingsError("oidc_issuer, oidc_client_id and oidc_client_secret are needed together")
    host = urlsplit(settings.oidc_issuer).hostname or ""
    if settings.oidc_issuer and not (
        settings.oidc_issuer.startswith("https://") or host in ("127.0.0.1", "::1", "localhost")
    ):
        raise SettingsError("oidc_issuer must begin with https://")
    if settings.oidc_default_role and settings.oidc_default_role not in ROLES:
        raise SettingsError(f"oidc_default_role must be one of {', '.join(ROLES)}")


def _check_delivery(settings: Settings) -> None:
    try:
        Policy.parse(settings.egress_allow)
    except ValueError as error:
        raise SettingsError(f"egress_allow: {error}") from error
    try:
        Policy.parse("", settings.egress_ports)
    except ValueError as error:
        raise SettingsError("egress_ports must be numbers from 1 to 65535, separated by commas") from error


def _number(name: str, value: Any) -> int:
    least, most = _RANGES[name]
    try:
        number = int(value)
    except ValueError as error:
        raise SettingsError(f"{name} must be a number, not {value!r}") from error
    if not least <= number <= most:
        raise SettingsError(f"{name} must be between {least} and {most}")
    return number


def _preferences(values: Mapping[str, Any]) -> dict[str, int | bool]:
    rows = (row for row in PREFERENCES.values() if isinstance(values.get(row.field), str))
    return {row.field: _parsed(row, values[row.field]) for row in rows}


def _parsed(preference: Preference, text: str) -> int | bool:
    try:
        return preference.parse(text)
    except errors.InvalidValue as error:
        raise SettingsError(f"{preference.variable}: {error}") from error
