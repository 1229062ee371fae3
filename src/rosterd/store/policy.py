"""How a connection's limits and standing are written in a row, and read back at every request.

Limits are kept as a JSON object of those that are not the default, so that a release may change its
defaults for whoever never set them.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

import orjson

from rosterd.service.limits import Limits
from rosterd.service.standing import Standing

ACTIVE: Final = Standing()
_DEFAULTS: Final = asdict(Limits())


def limits_json(limits: Limits) -> str:
    """The limits as they are kept."""
    own = {name: value for name, value in asdict(limits).items() if value != _DEFAULTS[name]}
    return orjson.dumps(own).decode()


@lru_cache(1000)
def limits_of(text: str) -> Limits:
    """The limits from what is kept."""
    return Limits(**orjson.loads(text))


def standing_of(row: Sequence[Any]) -> Standing:
    """The standing from its four columns."""
    return ACTIVE if row[3] is None else Standing(*row)
