"""The application's accounts as CSV becomes ``Account``: the first line names the columns. Pure."""

import csv
from collections.abc import Iterable
from typing import Any, Final

from rosterd.scim import errors
from rosterd.service.reconciliation import Account

COLUMNS: Final = ("account", "userName", "email", "id", "active", "displayName")
"""All but the first may be left out."""

_TEXTS: Final = {
    "account": "account",
    "userName": "user_name",
    "email": "email",
    "id": "id",
    "displayName": "display_name",
}
_ACTIVE: Final = {"": True, "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_SURPLUS: Final = "\0"
"""Under which the values are that no column has."""


def read_accounts(lines: Iterable[str]) -> list[Account]:
    """The accounts in these lines. Raises ``InvalidValue`` that says where something is wrong."""
    reader = csv.DictReader(lines, restkey=_SURPLUS, strict=True)
    try:
        header = list(reader.fieldnames or ())
        strange = [name for name in header if name not in COLUMNS]
        if "account" not in header or strange:
            what = f"'{strange[0][:50]}' is none of them." if strange else "'account' must be there."
            raise errors.InvalidValue(f"The columns are {', '.join(COLUMNS)}; {what}")
        return [_account(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise errors.InvalidValue(f"Line {reader.line_num + 1} is not valid CSV: {error}.") from error


def _account(line: int, row: dict[str, Any]) -> Account:
    if _SURPLUS in row:
        raise errors.InvalidValue(f"line {line}: there are more values than columns.")
    if any("\n" in text or "\r" in text for text in row.values() if text):
        raise errors.InvalidValue(f"line {line}: a value goes over several lines; is a quote missing before?")
    active = str(row.get("active") or "").strip().casefold()
    account = str(row.get("account") or "").strip()
    if active not in _ACTIVE or not account:
        what = f"'{active[:50]}' is neither true nor false" if account else "there is no account"
        raise errors.InvalidValue(f"line {line}: {what}.")
    texts = {own: str(row.get(name) or "").strip() for name, own in _TEXTS.items()}
    return Account(active=_ACTIVE[active], **texts)
