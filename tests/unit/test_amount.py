"""How much a resource has is counted at any depth, and only more than before is too much."""

from typing import Any

import orjson
import pytest

from rosterd.scim.amount import (
    MOST_BYTES,
    MOST_NAMES,
    MOST_SEARCHED,
    MOST_VALUES,
    SMALL,
    long_list,
    long_list_in_patch,
    require_moderate,
)
from rosterd.scim.errors import InvalidValue
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]

FULL = list(range(MOST_VALUES))
OVER = [*FULL, 0]
URN = "urn:example:2.0:More"
LONG = "x" * MOST_BYTES
MAIL = {"value": "x" * (MOST_SEARCHED // 2), "type": ""}


@pytest.mark.parametrize(
    ("document", "former", "refused"),
    [
        ({"codes": FULL}, {}, None),
        ({"codes": OVER}, {}, "codes:"),
        ({"codes": OVER}, {"codes": FULL}, "codes:"),
        ({"codes": OVER}, {"codes": OVER}, None),
        ({"codes": [*OVER, 1]}, {"codes": OVER}, "codes:"),
        ({"codes": OVER}, {"codes": [*OVER, 1]}, None),
        ({"codes": OVER, "others": FULL}, {"others": OVER}, "codes:"),
        ({URN: {"codes": OVER}}, {}, f"{URN}.codes:"),
        ({"parts": [{"codes": []}, {"codes": OVER}, {"codes": [1]}]}, {}, "parts.codes:"),
        ({"parts": [{"codes": [1]}, {"codes": OVER}]}, {"parts": [{"codes": OVER}]}, None),
        ({"note": LONG[11:]}, {}, None),
        ({"note": LONG[10:]}, {}, f"{MOST_BYTES + 1} bytes"),
        ({"note": LONG}, {"note": LONG[1:]}, f"{MOST_BYTES + 11} bytes"),
        ({"note": LONG}, {"note": LONG}, None),
        ({"note": LONG}, {"note": LONG * 2}, None),
        ({"note": LONG, "active": False}, {"note": LONG, "active": True}, None),
        ({"note": LONG, "on": False, "more": "x"}, {"note": LONG, "on": True}, f"{MOST_BYTES + 33} bytes"),
        ({"displayName": LONG[:MOST_SEARCHED], "title": "x"}, {}, None),
        ({"displayName": LONG[:MOST_SEARCHED], "userName": "x"}, {}, f"{MOST_SEARCHED + 1} characters"),
        ({"displayName": "x", "emails": [MAIL, MAIL]}, {}, f"{MOST_SEARCHED + 1} characters"),
        ({"name": {"givenName": "x"}, "emails": [MAIL, MAIL]}, {"emails": [MAIL]}, f"{MOST_SEARCHED + 1} ch"),
        ({"userName": "x", "emails": [MAIL, MAIL]}, {"emails": [MAIL, MAIL], "displayName": "x"}, None),
        ({"title": LONG[:MOST_SEARCHED] + "x"}, {}, None),
    ],
)
def test_more_than_the_bound_and_than_before_is_refused(
    document: dict[str, Any], former: dict[str, Any], refused: str | None
) -> None:
    sizes = [len(orjson.dumps(each)) for each in (document, former)]
    if refused is None:
        require_moderate(document, max(sizes[0], SMALL), former, sizes[1])
        return
    with pytest.raises(InvalidValue) as caught:
        require_moderate(document, sizes[0], former, sizes[1])
    assert f"{caught.value}".startswith(f"{refused}")


@pytest.mark.parametrize(
    "sent", [{"x": 1}, {"name": {"x": 1}}, {"Operations": [{"op": "add", "value": {"x": 1}}]}]
)
def test_an_object_with_too_many_names_is_not_gone_through(sent: dict[str, Any]) -> None:
    find = long_list_in_patch if "Operations" in sent else long_list
    assert find(sent, USER) is None
    inner = sent["Operations"][0]["value"] if "Operations" in sent else sent.get("name", sent)
    inner |= {f"emails[type eq {number}]": 1 for number in range(MOST_NAMES)}
    with pytest.raises(InvalidValue, match=f"^An object has {MOST_NAMES + 1} names, such as 'x'; at most "):
        find(sent, USER)


def test_a_document_that_is_not_looked_at_cannot_have_too_many() -> None:
    assert len(b'{"x":[' + b",".join(b"1" for _ in OVER) + b"]}") >= SMALL
