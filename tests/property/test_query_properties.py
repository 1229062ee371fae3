"""Query strings: what the standard library finds in one, is found."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from rosterd.http.decode import MAX_PARAMETERS, parse_query
from rosterd.scim import errors

PIECES = st.sampled_from(
    [*"abc=&+;%?/ é", *("%20", "%22", "%2B", "%26", "%3D", "%25", "%C3%A9", "%c3", "%A9", "%E2%82%AC", "%zz")]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


@given(st.one_of(TEXTS.map(str.encode), st.binary(max_size=40)))
def test_a_query_string_is_read_as_the_standard_library_reads_it(raw: bytes) -> None:
    try:
        text = raw.decode("utf-8")
        expected = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        expected = None
    try:
        found = list(parse_query(raw))
    except errors.InvalidSyntax:
        found = None
    assert found == expected
