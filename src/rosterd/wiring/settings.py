"""Settings: read once at start, from the command line or the environment (``ROSTERD_*``)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


class SettingsError(ValueError):
    """A setting is not valid; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one rosterd process runs. Each field can be set as ``ROSTERD_<FIELD>``."""

    data: Path = Path("rosterd-data")
    """Directory of the database; made on first run, readable by its owner only."""
    host: str = "127.0.0.1"
    """Address to listen on; ``0.0.0.0`` for every interface (behind TLS)."""
    port: int = 8000
    """TCP port to listen on."""
    base_url: str | None = None
    """Public URL of this server without ``/scim/v2``, if clients reach it under another name."""
    log_level: str = "info"
    """``debug``, ``info``, ``warning`` or ``error``."""
    log_format: str = "auto"
    """``json``, ``console``, or ``auto``: console on a terminal, else json."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose ``X-Forwarded-*`` headers are believed, separated by commas; ``*`` for all."""
    documentation_url: str | None = None
    """Shown to clients as ``documentationUri`` in ServiceProviderConfig."""
    event_retention_days: int = 30
    """Days that events are kept for the application's feed; ``0`` for ever."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, **overrides: Any) -> "Settings":
        """The environment's settings, with those overrides that are not ``None``.

        Raises ``SettingsError`` for a value of the wrong form.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            text = environ.get(f"ROSTERD_{field.name.upper()}")
            if text:
                values[field.name] = text
        values.update({name: value for name, value in overrides.items() if value is not None})
        if "data" in values:
            values["data"] = Path(values["data"])
        if "event_retention_days" in values:
            values["event_retention_days"] = _days(values["event_retention_days"])
        if "port" in values:
            values["port"] = _port(values["port"])
        settings = cls(**values)
        if settings.log_level not in ("debug", "info", "warning", "error"):
            raise SettingsError("log_level must be debug, info, warning or error")
        if settings.log_format not in ("json", "console", "auto"):
            raise SettingsError("log_format must be json, console or auto")
        if settings.base_url is not None and not settings.base_url.startswith(("http://", "https://")):
            raise SettingsError("base_url must begin with https:// or http://")
        return settings

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "rosterd.db"

    @property
    def local_url(self) -> str:
        """The URL under which this machine reaches the server."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def _port(value: Any) -> int:
    try:
        port = int(value)
    except ValueError as error:
        raise SettingsError(f"port must be a number, not {value!r}") from error
    if not 0 <= port <= 65535:
        raise SettingsError("port must be between 0 and 65535")
    return port


def _days(value: Any) -> int:
    try:
        days = int(value)
    except ValueError as error:
        raise SettingsError(f"event_retention_days must be a number, not {value!r}") from error
    if not 0 <= days <= 36_500:
        raise SettingsError("event_retention_days must be between 0 and 36500")
    return days
