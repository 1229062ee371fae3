"""What administrators choose for the whole installation; it holds for every process within a second.

    value  =  what the environment fixes,  else what is stored,  else the default

What the environment fixes is changed there and nowhere else. Each change is an entry of the audit log.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service.audit import ATTEMPTS, Actor, Entry, differing

Value = int | bool

_AGE: Final = 1_000_000_000
_MAX_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class Preferences:
    """The values in force. Days are days of 24 hours."""

    event_retention_days: int = 30
    request_log_retention_days: int = 7
    request_log_bodies: bool = True
    erase_deleted_after_days: int = 0
    token_warning_days: int = 30
    signing_key_days: int = 90
    second_factor_required: bool = False


@dataclass(frozen=True, slots=True)
class Preference:
    """A row of the table: what there is to choose."""

    field: str
    """Of ``Preferences``; the environment calls it ``ROSTERD_<FIELD>``."""
    meaning: str
    least: int = 0
    most: int = _MAX_DAYS

    @property
    def name(self) -> str:
        """As the API and the command line call it."""
        first, *others = self.field.split("_")
        return first + "".join(word.capitalize() for word in others)

    @property
    def variable(self) -> str:
        """The environment variable that fixes it."""
        return f"ROSTERD_{self.field.upper()}"

    @property
    def default(self) -> Value:
        """What holds if nobody chooses."""
        value: Value = getattr(DEFAULTS, self.field)
        return value

    def check(self, value: object) -> Value:
        """The value, if it may be one. Raises ``InvalidValue``."""
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
            raise errors.InvalidValue(f"{self.name} must be true or false.")
        if isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most:
            return value
        raise errors.InvalidValue(f"{self.name} must be a whole number from {self.least} to {self.most}.")

    def parse(self, text: str) -> Value:
        """The value that a text means. Raises ``InvalidValue``."""
        try:
            return self.check(json.loads(text.strip().lower()))
        except ValueError:
            return self.check(text)


DEFAULTS: Final = Preferences()

_ROWS: Final = (
    Preference("event_retention_days", "Days that events are kept for the application's feed; `0` for ever."),
    Preference("request_log_retention_days", "Days that requests are kept in the request log.", 1, 365),
    Preference(
        "request_log_bodies", "Whether the request log keeps the bodies of requests and replies, masked."
    ),
    Preference(
        "erase_deleted_after_days",
        "Days after which a deleted user that was retained is erased for good; `0` never.",
    ),
    Preference(
        "token_warning_days",
        "Days before the end of a token at which its expiry is announced; `0` does not announce it.",
        most=365,
    ),
    Preference(
        "signing_key_days",
        "Days that a key signs security event tokens before the next does; `0` until it is rotated by hand.",
        most=3650,
    ),
    Preference(
        "second_factor_required",
        "Whether administrators who log in by password must have a second factor; whoever has none sets one "
        "up at the next log-in.",
    ),
)
PREFERENCES: Final[Mapping[str, Preference]] = {row.name: row for row in _ROWS}
"""All that there is to choose, by name."""


def described(preferences: Preferences) -> dict[str, Value]:
    """The values by name."""
    return {name: getattr(preferences, row.field) for name, row in PREFERENCES.items()}


class SettingStore(Protocol):
    """The port: chosen values by name, each a JSON text."""

    async def settings(self) -> Mapping[str, str]:
        """What was chosen."""

    async def change_settings(
        self, former: Mapping[str, str], values: Mapping[str, str | None], entry: Entry
    ) -> bool:
        """Choose; ``None`` leaves it to the default again. ``False`` if ``former`` is not what was chosen."""


class Installation:
    """Reads and changes the preferences of the installation.

    ``fixed`` are those of the environment, by field. ``now`` gives ms since the epoch, ``clock`` nanoseconds
    that never go back.
    """

    def __init__(
        self,
        store: SettingStore,
        fixed: Mapping[str, Value],
        now: Callable[[], int],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._fixed = fixed
        self._now = now
        self._clock = clock
        self._known: tuple[int, Preferences] | None = None

    @property
    def fixed(self) -> tuple[str, ...]:
        """The names of those that the environment fixes."""
        return tuple(name for name, row in PREFERENCES.items() if row.field in self._fixed)

    async def get(self) -> Preferences:
        """What holds now, at most a second old; raises ``StoreUnavailable``."""
        at = self._clock()
        if self._known is None or at - self._known[0] >= _AGE:
            self._known = at, self._read(await self._store.settings())
        return self._known[1]

    async def change(self, values: Mapping[str, Value | None], *, by: Actor) -> Preferences:
        """Choose values by name, ``None`` meaning the default; all of them or none.

        Raises ``InvalidValue`` for a name or value that cannot be, ``Conflict`` for what the environment
        fixes.
        """
        chosen: dict[str, str | None] = {}
        for name, value in values.items():
            row = PREFERENCES.get(name)
            if row is None:
                raise errors.InvalidValue(
                    f"There is no setting '{name}'. There are: {', '.join(PREFERENCES)}."
                )
            if row.field in self._fixed:
                raise errors.Conflict(
                    f"{name} is fixed by {row.variable} in the environment of the server; change it there."
                )
            checked = row.default if value is None else row.check(value)
            chosen[name] = None if checked == row.default else json.dumps(checked)
        for _ in range(ATTEMPTS):
            stored = await self._store.settings()
            after = {name: text for name, text in {**stored, **chosen}.items() if text is not None}
            former, latter = self._read(stored), self._read(after)
            changes = differing(described(former), described(latter))
            entry = Entry(by, self._now(), "settings.updated", "settings", None, *changes)
            if after == stored or await self._store.change_settings(stored, chosen, entry):
                self._known = None
                return latter
        raise errors.Conflict("Others change the settings all the time; nothing was changed. Try again.")

    def _read(self, stored: Mapping[str, str]) -> Preferences:
        values = {
            PREFERENCES[name].field: json.loads(text) for name, text in stored.items() if name in PREFERENCES
        }
        return Preferences(**{**values, **self._fixed})
