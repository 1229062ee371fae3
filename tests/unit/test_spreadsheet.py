"""Cells of a table: what a spreadsheet would take for a formula is none, and is read back as it was."""

import pytest

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.spreadsheet import document, harmless


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("@SUM(1)", "'@SUM(1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-1+cmd", "'-1+cmd"),
        ("'=1", "''=1"),
        ("+49 (555) 0199-1", "+49 (555) 0199-1"),
        ("-5", "-5"),
        ("'tis", "'tis"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_is_no_formula_and_comes_back(value: str, written: str) -> None:
    assert harmless(value) == written
    row = {"userName": "ann", "title": written}
    assert document(row, CORE_MODEL.types["User"])["title"] == value
