"""A form-encoded body as names and values: each name once, an empty value as if it were not there.

Whoever asks names the fields it knows; others are ignored (RFC 6749 §3.2), but not one whose name differs
in letter case only, and none may stand in the address, where logs would keep it.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from rosterd.http.decode import read_body
from rosterd.http.headers import Headers, check_encoding
from rosterd.http.reply import Receive
from rosterd.scim import errors
from rosterd.service.clients import Refused

FORM: Final = "application/x-www-form-urlencoded"
MAX_FORM: Final = 16 * 1024
MAX_FIELDS: Final = 100


async def read_form(
    receive: Receive, headers: Headers, query: bytes, known: Sequence[str]
) -> Mapping[str, str]:
    """The fields of the body that are known.

    Raises ``Refused`` (``invalid_request``), ``UnsupportedMediaType`` and ``PayloadTooLarge``.
    """
    declared = headers.get(b"content-type") or ""
    if declared.split(";")[0].strip().casefold() != FORM:
        sent = f"as '{declared[:100]}'" if declared else "without a Content-Type"
        raise errors.UnsupportedMediaType(f"The body was sent {sent}; send it as {FORM}.")
    check_encoding(headers.raw(b"content-encoding") or b"")
    for name, _ in _pairs(query, "The query string"):
        if name in known:
            raise Refused("invalid_request", f"Send {name} in the body, never in the address.")
    return _once(_pairs(await read_body(receive, headers, MAX_FORM), "The body"), known)


def _pairs(raw: bytes, what: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise Refused(
            "invalid_request", f"{what} is no form in UTF-8 with at most {MAX_FIELDS} fields."
        ) from error


def _once(pairs: Sequence[tuple[str, str]], known: Sequence[str]) -> Mapping[str, str]:
    spelled = {name.casefold(): name for name in known}
    fields: dict[str, str] = {}
    for name, value in pairs:
        right = spelled.get(name.casefold())
        if name in fields:
            raise Refused("invalid_request", f"Send each field once: {right or 'one'} was repeated.")
        if right not in (None, name):
            raise Refused("invalid_request", f"A field is spelled wrongly: it must read {right}.")
        fields[name] = value
    return {name: value for name, value in fields.items() if name in known and value}
