"""Whether a text mentions a name of somebody who is erased: as a word, however it is written there."""

import pytest

from rosterd.store.request_rows import mentioning, searched


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("ann", 'filter=userName eq "ANN"', True),
        ("ann", "filter=userName%20eq%20%22ann%22", True),
        ("ann", "joanna's annual review", False),
        ("ann", "/Users/ann", True),
        ("ann", '{"displayName":"line\\nann"}', True),
        ("ann", '{"displayName":"\\u00e9ann\\tx"}', True),
        ("1", "count=10&startIndex=11", False),
        ("1", '{"externalId":"1"}', True),
        ("ann@x.de", "ann@x.dex", False),
        ("ann@x.de", "<ann@x.de>", True),
        ('o"b', '{"a":"o\\"b"}', True),
        ("+49 555", "tel:+49 555;ext=1", True),
        ("(x)", "a(x)b", True),
        ("\u7530\u4e2d", "\u7530\u4e2d\u3055\u3093", True),
        ("J\u00f6rg", "J\u00d6RG!", True),
        ("J\u00f6rg", "j\u00f6rgen", False),
    ],
)
def test_a_name_is_found_as_a_word(name: str, text: str, found: bool) -> None:
    words = searched([name, ""])
    assert words is not None
    assert mentioning([(7, None, text)], words) == ([7] if found else [])


def test_nobody_is_mentioned_by_nothing() -> None:
    assert searched(["", ""]) is searched([]) is None
