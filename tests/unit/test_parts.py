"""The index of parts of texts is told of a change of a resource if it has something else of it then."""

from typing import Any

import pytest

from rosterd.store.parts import has_same_parts, parts_text

ANN: dict[str, Any] = {"userName": "ann", "name": {"givenName": "ann", "familyName": "lee"}}
MAIL = {"value": "a@x", "primary": True}


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ({}, None),
        ({"title": "boss"}, None),
        ({"userName": "ann", "displayName": "an"}, "\nann"),
        (ANN, "\nann\nlee"),
        ({"emails": [MAIL, {"value": "b@x", "type": "work"}], "userName": "ann"}, "\nann\na@x\nb@x\nwork"),
    ],
)
def test_each_searched_text_is_in_it_once(search: dict[str, Any], text: str | None) -> None:
    assert parts_text(search) == text


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ANN, True),
        ({**ANN, "title": "boss", "active": False}, True),
        ({**ANN, "displayName": "a"}, False),
        ({"userName": "ann"}, False),
        (
            {**ANN, "name": {"familyName": "lee", "givenName": "ann"}},
            False,
        ),  # it is taken out in its order
    ],
)
def test_it_has_the_same_as_long_as_the_texts_and_their_order_are(other: dict[str, Any], same: bool) -> None:
    assert has_same_parts(ANN, other) is same
    assert has_same_parts(other, ANN) is same
