"""Composition root: what the command line needs to run rosterd."""

from rosterd.wiring.server import PortTaken, Ready, Running, serve, start_in_thread
from rosterd.wiring.service import DEFAULT, FirstOwner, FirstRun, Service, open_service, running_service
from rosterd.wiring.settings import Settings, SettingsError
from rosterd.wiring.workers import WorkersEnded, supervise

__all__ = [
    "DEFAULT",
    "FirstOwner",
    "FirstRun",
    "PortTaken",
    "Ready",
    "Running",
    "Service",
    "Settings",
    "SettingsError",
    "WorkersEnded",
    "open_service",
    "running_service",
    "serve",
    "start_in_thread",
    "supervise",
]
