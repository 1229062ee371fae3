"""How many values attributes have is counted at any depth, and only more than before is too many."""

from typing import Any

import pytest

from rosterd.scim.amount import MOST_VALUES, SMALL, require_few
from rosterd.scim.errors import InvalidValue

FULL = list(range(MOST_VALUES))
OVER = [*FULL, 0]
URN = "urn:example:2.0:More"


@pytest.mark.parametrize(
    ("document", "former", "refused"),
    [
        ({"codes": FULL}, {}, None),
        ({"codes": OVER}, {}, "codes"),
        ({"codes": OVER}, {"codes": FULL}, "codes"),
        ({"codes": OVER}, {"codes": OVER}, None),
        ({"codes": [*OVER, 1]}, {"codes": OVER}, "codes"),
        ({"codes": OVER}, {"codes": [*OVER, 1]}, None),
        ({"codes": OVER, "others": FULL}, {"others": OVER}, "codes"),
        ({URN: {"codes": OVER}}, {}, f"{URN}.codes"),
        ({"parts": [{"codes": []}, {"codes": OVER}, {"codes": [1]}]}, {}, "parts.codes"),
        ({"parts": [{"codes": [1]}, {"codes": OVER}]}, {"parts": [{"codes": OVER}]}, None),
    ],
)
def test_more_than_the_bound_and_than_before_is_refused(
    document: dict[str, Any], former: dict[str, Any], refused: str | None
) -> None:
    if refused is None:
        require_few(document, SMALL, former)
        return
    with pytest.raises(InvalidValue) as caught:
        require_few(document, SMALL, former)
    assert f"{caught.value}".startswith(f"{refused}: ")


def test_a_document_that_is_not_looked_at_cannot_have_too_many() -> None:
    assert len(b'{"x":[' + b",".join(b"1" for _ in OVER) + b"]}") >= SMALL
