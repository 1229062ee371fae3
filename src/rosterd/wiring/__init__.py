"""Composition root: what commands need of a service. What serves is in ``server`` and ``workers``."""

from rosterd.wiring.service import Service, open_service, running_service
from rosterd.wiring.settings import Settings, SettingsError
from rosterd.wiring.use_cases import DEFAULT, FirstOwner, FirstRun

__all__ = [
    "DEFAULT",
    "FirstOwner",
    "FirstRun",
    "Service",
    "Settings",
    "SettingsError",
    "open_service",
    "running_service",
]
