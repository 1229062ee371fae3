"""What is said of a resource beside its document."""

import orjson
import pytest

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.ports import Stored
from rosterd.service.view import View, meta_text

ROW = Stored("0-1", "User", 1, None, 1, 3, 1_764_000_000_007, 1_764_000_001_120, None, b"{}")


@pytest.mark.parametrize(
    "base_url", ["https://scim.example:8443/d/acme", 'http://x/a"b\\c', "http://é/\u2028"]
)
def test_meta_is_json_whatever_the_base_url_is(base_url: str) -> None:
    assert orjson.loads(meta_text(View(ROW, CORE_MODEL.types["User"], None), base_url)) == {
        "resourceType": "User",
        "created": "2025-11-24T16:00:00.007Z",
        "lastModified": "2025-11-24T16:00:01.120Z",
        "location": f"{base_url}/Users/0-1",
        "version": 'W/"3"',
    }
