"""Which of several media types a client gets (RFC 9110 §12.5.1)."""

import pytest

from rosterd.http.headers import preferred

JSON, STREAM = "application/json", "text/event-stream"


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        (STREAM, STREAM),
        ("Text/Event-Stream", STREAM),
        (f"{STREAM}, */*", STREAM),
        (f"*/*, {JSON}", JSON),
        ("text/*", STREAM),
        (f"{JSON}, {STREAM};q=0.1", JSON),
        (f"{JSON};q=0.5, {STREAM};q=0", JSON),
        (f"{STREAM};q=0, {JSON}", JSON),
        (f"{STREAM} ; Q = 0.000 , text/*", None),
        (f"{JSON};q=0, */*", STREAM),
        ("image/png", None),
        (f"{STREAM};q=x", STREAM),
        (f"{STREAM};charset=utf-8;q=0.9, {JSON};q=0.8", STREAM),
    ],
)
def test_the_type_that_is_wanted_most(accept: str | None, found: str | None) -> None:
    assert preferred(accept, (JSON, STREAM)) == found
