"""Who may use the console, in one hand: administrators, their log-ins and sessions, set-up links."""

from dataclasses import dataclass
from typing import Protocol

from rosterd.service.administrators import AdministratorControl, Administrators
from rosterd.service.login import LogIn, LoginControl
from rosterd.service.own_account import OwnAccount
from rosterd.service.second_factor import SecondFactors
from rosterd.service.sessions import SessionControl, Sessions
from rosterd.service.setup_links import SetupLinkControl, SetupLinks


class AccessControl(AdministratorControl, SessionControl, LoginControl, SetupLinkControl, Protocol):
    """The part of the control plane for the console's visitors."""


@dataclass(frozen=True, slots=True)
class Access:
    """The use cases, and ``control`` for reading."""

    control: AccessControl
    administrators: Administrators
    sessions: Sessions
    login: LogIn
    own: OwnAccount
    second_factors: SecondFactors
    setup_links: SetupLinks
