"""The application's accounts as CSV: what is read, and what is refused with its line."""

import pytest

from rosterd.scim.errors import InvalidValue
from rosterd.service.account_list import read_accounts


def test_columns_come_in_any_order_and_quotes_hold_commas() -> None:
    (one, two) = read_accounts(["userName,account,active\n", '"a,b",1,no\n', "c,2,\n"])
    assert (one.account, one.user_name, one.active) == ("1", "a,b", False)
    assert (two.account, two.user_name, two.active) == ("2", "c", True)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["userName\n", "a\n"], "'account' must be there"),
        (["account,mail\n"], "'mail' is none of them"),
        (["account,userName\n", "1,a\n", ",b\n"], "line 3: there is no account"),
        (["account,active\n", "1,perhaps\n"], "line 2: 'perhaps' is neither true nor false"),
        (
            ["account,userName\n", '1,"ann,true\n', "2,bob\n"],
            "Line 2 is not valid CSV: unexpected end",
        ),
        (["account,userName\n", '1,"ann\n', '2,bob"\n'], "line 3: a value goes over several lines"),
        (["account,userName\n", "1,ann,true\n"], "line 2: there are more values than columns"),
        (["account,userName\n", '1,"ann"x\n'], "Line 2 is not valid CSV"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(lines: list[str], words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        read_accounts(lines)
