"""What the console's visitors need, put together."""

import os
from typing import TYPE_CHECKING, Final

from rosterd.service.access import Access, AccessControl
from rosterd.service.administrators import Administrators
from rosterd.service.login import WINDOW, LogIn
from rosterd.service.passwords import Hasher
from rosterd.service.sessions import Sessions
from rosterd.service.setup_links import SetupLinks
from rosterd.wiring.ids import now
from rosterd.wiring.settings import Settings

if TYPE_CHECKING:
    from rosterd.http.openid import OpenId

FAILURES_KEPT: Final = 50_000
"""Accounts and addresses whose failed log-ins are counted at most."""


def access_of(settings: Settings, control: AccessControl, hasher: Hasher, secret: bytes) -> Access:
    """All use cases over one control plane."""
    administrators = Administrators(control, hasher, now, os.urandom)
    sessions = Sessions(control, now, os.urandom, secret, settings.session_hours)
    login = LogIn(
        control,
        control,
        administrators,
        sessions,
        hasher,
        now,
        os.urandom,
        secret,
        settings.oidc_default_role,
    )
    return Access(control, administrators, sessions, login, SetupLinks(control, now, os.urandom))


def openid_of(settings: Settings) -> "OpenId | None":
    """The OpenID provider by which administrators may log in, if one is set."""
    if not settings.oidc_issuer:
        return None
    from rosterd.http.openid import OpenId  # noqa: PLC0415 - only the HTTP side needs it

    return OpenId(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        settings.oidc_name,
        now,
        os.urandom,
    )


async def tidy(control: AccessControl) -> None:
    """Remove sessions that have ended and failures that count no more."""
    await control.purge_sessions(now())
    await control.forget_failures(now() - WINDOW, FAILURES_KEPT)
