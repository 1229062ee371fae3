"""API keys: form, lifetime, scopes, and who is let in."""

import asyncio
import os
from dataclasses import replace

import pytest

from rosterd.scim import errors
from rosterd.service.keys import SCOPES, Keys, key_id, verify
from rosterd.service.registry import ApiKey, KeyHolder
from rosterd.service.tokens import MAX_LIFETIME, token_id
from rosterd.store.memory import MemoryStore
from rosterd.testing.scenario import BY

NOW = 1_800_000_000_000


def create(**options: object) -> tuple[ApiKey, str]:
    return asyncio.run(Keys(MemoryStore(), lambda: NOW, os.urandom).create(**options, by=BY))  # type: ignore[arg-type]


def test_a_key_says_its_id_and_keeps_its_secret() -> None:
    key, text = create(label="x")
    assert text.startswith(f"rak_{key.id}_")
    assert key_id(text) == key.id
    assert token_id(text) is None
    assert text not in repr(key)
    assert (key.scopes, key.directory) == (tuple(SCOPES), None)
    assert key.expires == NOW + MAX_LIFETIME * 1000


@pytest.mark.parametrize(
    "options", [{"lifetime": 59}, {"lifetime": MAX_LIFETIME + 1}, {"scopes": ()}, {"scopes": ("x",)}]
)
def test_what_no_key_may_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(errors.InvalidValue):
        create(**options)


def test_only_the_whole_text_of_a_valid_key_is_let_in() -> None:
    key, text = create(lifetime=60)
    _, other = create()
    assert verify(KeyHolder(key, None), text, NOW).key == key
    for holder, given, at in (
        (None, text, NOW),
        (KeyHolder(key, None), other, NOW),
        (KeyHolder(key, None), text, NOW + 60_000),
        (KeyHolder(replace(key, revoked=NOW), None), text, NOW),
    ):
        with pytest.raises(errors.Unauthorized):
            verify(holder, given, at)
    assert verify(KeyHolder(replace(key, revoked=NOW + 1), None), text, NOW)
