"""What administrators change of their own log-in: the password and the second factor.

Each asks for the password once more, and for a code if there is a second factor that it changes. What is
wrong is counted as in ``service/login.py``, for the account alone. All other sessions end.
"""

from collections.abc import Callable

from rosterd.scim import errors
from rosterd.service.administrators import Administrator, Administrators
from rosterd.service.login import LoginControl, begin
from rosterd.service.passwords import Hasher
from rosterd.service.second_factor import Offer, SecondFactors
from rosterd.service.visitor import Visitor


class OwnAccount:
    """Of whoever is logged in.

    What asks for the password raises ``Forbidden`` if it or the code is wrong, ``TooManyRequests`` after too
    many of these, and ``Conflict`` if the account was changed meanwhile.
    """

    def __init__(
        self,
        control: LoginControl,
        administrators: Administrators,
        second_factors: SecondFactors,
        hasher: Hasher,
        now: Callable[[], int],
    ) -> None:
        self._control = control
        self._administrators = administrators
        self._second_factors = second_factors
        self._hasher = hasher
        self._now = now

    async def change_password(self, visitor: Visitor, old: str, new: str, code: str = "") -> None:
        """Change the password, knowing the one of before. Raises ``InvalidValue``."""
        own = await self._known(visitor, old, "The old password is not right.", code=code)
        await self._administrators.set_password(own, new, keep=visitor.session, by=visitor.actor)

    async def offer_second_factor(self, visitor: Visitor, sealed: str = "") -> Offer:
        """A secret to set an app up with, or one that was offered once more; nothing is kept of it."""
        return self._second_factors.offer(await self._administrators.find(visitor.actor.id), sealed)

    async def add_second_factor(
        self, visitor: Visitor, password: str, offer: str, code: str
    ) -> tuple[str, ...]:
        """Put an offer in force; gives the recovery codes, told here only. Raises ``InvalidValue``."""
        own = await self._known(visitor, password, code=None)
        _, codes = await self._second_factors.add(own, offer, code, keep=visitor.session, by=visitor.actor)
        return codes

    async def renew_recovery_codes(self, visitor: Visitor, password: str, code: str) -> tuple[str, ...]:
        """New recovery codes in place of the others. Raises ``NotFound`` without a second factor."""
        own = await self._known(visitor, password, code=code)
        _, codes = await self._second_factors.renew(own, keep=visitor.session, by=visitor.actor)
        return codes

    async def remove_second_factor(self, visitor: Visitor, password: str, code: str) -> None:
        """Let the password be enough, until one is set up anew. Raises ``NotFound`` without one."""
        own = await self._known(visitor, password, code=code)
        await self._second_factors.remove(own, keep=visitor.session, by=visitor.actor)

    async def _known(
        self,
        visitor: Visitor,
        password: str,
        wrong: str = "The password is not right.",
        *,
        code: str | None,
    ) -> Administrator:
        """The visitor's own account, once they have shown that they know the password, and have the app.

        Without a second factor a ``code`` says nothing.
        """
        own = await self._administrators.find(visitor.actor.id)
        places = (f"own {own.id}",)
        await begin(self._control, places, self._now())
        try:
            right = await self._hasher.verify(own.password, password)
        except BaseException:
            await self._control.take_back(places)
            raise
        if not right:
            raise errors.Forbidden(wrong)
        if code is not None and own.second_factor is not None:
            own = self._second_factors.after(own, code)
        await self._control.take_back(places)
        return own
