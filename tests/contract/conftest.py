import pytest

pytest.register_assert_rewrite("rosterd.testing")
