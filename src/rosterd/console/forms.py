"""What forms bring: numbers, choices and consents, with what is wrong told beside its field."""

from collections.abc import Iterable, Mapping
from typing import Final

from rosterd.console.context import Console
from rosterd.console.once import NEW, USED
from rosterd.console.request import PageRequest, path
from rosterd.http.reply import Reply
from rosterd.scim import errors

MARK: Final = "once"
"""The hidden field of a form that is believed once."""
SHOWN: Final = "shown-"
"""Before the name of a field: the hidden one with what it held when the page was shown."""


class Form:
    """The fields of a form; ``errors`` collects what is wrong, by the field's name."""

    def __init__(self, request: PageRequest) -> None:
        self._request = request
        self.errors: dict[str, str] = {}

    @property
    def values(self) -> Mapping[str, str]:
        """What was typed, to be shown again."""
        return self._request.form

    def text(self, name: str, most: int = 200) -> str:
        """A text, without the blanks around it."""
        try:
            return self._request.text(name, most)
        except errors.InvalidValue as error:
            self.errors[name] = error.detail
            return ""

    def number(self, name: str, least: int, most: int) -> int:
        """A whole number; blanks and commas between its digits do not count."""
        text = self.text(name, 40).replace(",", "").replace(" ", "")
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self.errors[name] = f"A whole number from {least:,} to {most:,}."
        return least

    def choice(self, name: str, options: Iterable[str]) -> str:
        """One of some values."""
        value, known = self.text(name), tuple(options)
        if value in known:
            return value
        self.errors[name] = f"One of: {', '.join(known)}."
        return known[0]

    def shown(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """What the fields of the page held when it was first shown: ``values``, if this is that moment."""
        return {name: self._request.form.get(SHOWN + name, value) for name, value in values.items()}

    def is_changed(self, name: str) -> bool:
        """Whether a field was changed since then; somebody else may have saved what was not meanwhile."""
        before = self._request.form.get(SHOWN + name)
        return before is None or self._request.form.get(name, "") != before

    def require_valid(self) -> None:
        """Raise ``InvalidValue`` for what is wrong, where no page shows it beside its field."""
        for name, text in self.errors.items():
            raise errors.InvalidValue(f"{name}: {text}")

    def require_consent(self) -> None:
        """Raise ``InvalidValue`` unless the box is checked that says what will happen."""
        if self.text("confirm") != "yes":
            raise errors.InvalidValue(
                "Check the box that says what will happen; nothing was changed. Go back to do so."
            )


async def sent_before(console: Console, request: PageRequest) -> Reply | None:
    """The page for a form that was sent already or is too old; ``None`` for one that is to be carried out."""
    outcome = await console.once.spend(request.text(MARK), request.visitor.session, request.address)
    if outcome == NEW:
        return None
    segments = request.address.strip("/").split("/")
    shown = segments[:-2] if segments[-1] == "rotate" else segments
    return console.page(request, "again.html", 409, used=outcome == USED, back=path(*shown))
