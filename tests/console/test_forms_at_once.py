"""Two administrators save the same page: each changes what they changed, and nothing else."""

import re
from html import unescape
from pathlib import Path

import pytest
from console.pages import Shown, World, run

from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY

HIDDEN = re.compile(r'<input type="hidden" name="shown-([^"]*)" value="([^"]*)">')


def held(page: Shown) -> dict[str, str]:
    """What a browser sends of a page of which nothing was changed."""
    fields = {unescape(name): unescape(value) for name, value in HIDDEN.findall(page.html)}
    boxes = {"type": fields["type"]} if fields.get("type") else {}
    sent = {name: value for name, value in fields.items() if name != "type"} | boxes
    return {**sent, **{f"shown-{name}": value for name, value in fields.items()}}


@pytest.mark.parametrize(
    ("page", "save", "one", "two"),
    [
        ("/settings", "/settings", {"secondFactorRequired": "true"}, {"tokenWarningDays": "31"}),
        ("/settings", "/settings", {"eraseDeletedAfterDays": ""}, {"eventRetentionDays": "31"}),
        (
            "/directories/acme/connections/okta/policy",
            "/directories/acme/connections/okta/policy",
            {"fuse_count": "20", "name": "new"},
            {"read_rate": "111", "reach": "directory"},
        ),
        (
            "/webhooks/HOOK/settings",
            "/webhooks/HOOK/settings",
            {"url": "https://new.example/", "max_events": "9"},
            {"label": "L", "type": "user.*"},
        ),
    ],
)
def test_what_somebody_else_saved_meanwhile_stays(
    tmp_path: Path, page: str, save: str, one: dict[str, str], two: dict[str, str]
) -> None:
    async def test(world: World) -> None:
        hook, _ = await world.service.webhooks.create("https://old.example/", types="group.*", by=BY)
        ann, bob = await world.visit(OWNER), await world.visit(OWNER)
        await ann.post("/settings", {"eraseDeletedAfterDays": "5"})
        at, to = page.replace("HOOK", hook.id), save.replace("HOOK", hook.id)
        before = held(await ann.get(at))
        for visit, changed in ((ann, one), (bob, two)):
            done = await visit.post(to, {**before, **changed})
            assert done.status == 303, done.words
            to = to.replace("/okta/", "/new/") if "name" in changed else to
        defaults = {"eraseDeletedAfterDays": "0"}
        now = held(await ann.get(to if "new" in to else at))
        wanted = {name: value or defaults.get(name, "") for name, value in {**before, **one, **two}.items()}
        assert {name: value for name, value in now.items() if not name.startswith("shown-")} == {
            name: value for name, value in wanted.items() if not name.startswith("shown-")
        }

    run(tmp_path, test)
