"""What the console's visitors need, put together."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from rosterd.service.access import Access, AccessControl
from rosterd.service.administrators import Administrators
from rosterd.service.login import WINDOW, LogIn
from rosterd.service.own_account import OwnAccount
from rosterd.service.passwords import Hasher
from rosterd.service.second_factor import Authenticator, SecondFactors
from rosterd.service.sessions import Sessions
from rosterd.service.setup_links import SetupLinks
from rosterd.wiring.ids import now
from rosterd.wiring.settings import Settings

if TYPE_CHECKING:
    from rosterd.http.openid import OpenId

FAILURES_KEPT: Final = 50_000
"""Accounts and addresses whose failed log-ins are counted at most."""


def access_of(
    settings: Settings,
    control: AccessControl,
    hasher: Hasher,
    secret: bytes,
    authenticator: Authenticator,
    is_required: Callable[[], Awaitable[bool]],
) -> Access:
    """All use cases over one control plane; ``is_required`` tells whether a second factor is."""
    administrators = Administrators(control, hasher, now, os.urandom)
    sessions = Sessions(control, now, os.urandom, secret, settings.session_hours)
    second_factors = SecondFactors(administrators, authenticator, now, os.urandom, is_required)
    login = LogIn(
        control,
        control,
        administrators,
        sessions,
        hasher,
        now,
        os.urandom,
        secret,
        second_factors,
        settings.oidc_default_role,
    )
    own = OwnAccount(control, administrators, second_factors, hasher, now)
    links = SetupLinks(control, now, os.urandom)
    return Access(control, administrators, sessions, login, own, second_factors, links)


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
