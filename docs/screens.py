"""The pictures of the console in docs/images: a real server with a company in it, seen in a real Chromium.

The browser believes that the server is at https://scim.example.com, as in the documents; what it asks for is
fetched from the loopback. ``ROSTERD_CHROMIUM`` names a browser that is not in the path.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
from palette import smaller
from playwright.sync_api import Page, Route, sync_playwright

from rosterd.simulator import Summary, make_company, provision
from rosterd.wiring import Settings
from rosterd.wiring.server import Running, start_in_thread

PICTURES: Final = Path(__file__).with_name("images")
SITE: Final = "https://scim.example.com"
COMMAND: Final = str(Path(sys.executable).with_name("rosterd"))
MOST: Final = 120 * 1024
"""Bytes of a picture."""


def main() -> None:
    """Draw them all. Raises ``SystemExit`` without a Chromium, or if a picture is too large."""
    chromium = os.environ.get("ROSTERD_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium in the path; name one in ROSTERD_CHROMIUM.")
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        start_in_thread(
            Settings(data=Path(folder) / "data", port=0, base_url=SITE, log_level="error")
        ) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1040, "height": 840}, color_scheme="light")
        page.route("**/*", lambda route: _fetch(route, server.base_url))
        _draw(page, server)
        page.unroute_all(behavior="ignoreErrors")
        browser.close()


def _fetch(route: Route, origin: str) -> None:
    """What the browser asks the public address for, from the loopback.

    A redirect becomes a page that leads on, as the browser would follow it to the real address.
    """
    reply = route.fetch(url=route.request.url.replace(SITE, origin), max_redirects=0)
    if reply.status == 303:
        headers = {**reply.headers, "content-type": "text/html"}
        body = f'<meta http-equiv="refresh" content="0;url={headers.pop("location")}">'
        route.fulfill(status=200, headers=headers, body=body)
    else:
        route.fulfill(response=reply)


def _draw(page: Page, server: Running) -> None:
    owner = server.owner
    if owner is None:
        raise SystemExit("The server made no owner of the console.")
    page.goto(f"{SITE}/login")
    page.get_by_label("Name or e-mail address").fill(owner.name)
    page.get_by_label("Password").fill(owner.password)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("heading", name="Overview").wait_for()
    token = _connect(page, "okta")
    # The browser's driver has this thread's event loop.
    with ThreadPoolExecutor(1) as others:
        others.submit(asyncio.run, _provision(server.base_url, token)).result()
    page.locator("#check-members.done").wait_for()
    _keep(page, "console-okta", ".two")
    _refused(server.base_url, token)
    page.goto(f"{SITE}/")
    page.get_by_role("link", name="See why").first.wait_for()
    _keep(page, "console-overview")
    page.get_by_role("link", name="See why").first.click()
    page.get_by_text("What the client was told").wait_for()
    _keep(page, "console-request")
    token = _connect(page, "entra")
    _simulate(server.base_url, token)
    page.locator("#check-deactivated.done").wait_for()
    _keep(page, "console-entra", ".two")
    for provider in ("onelogin", "jumpcloud", "ping"):
        _connect(page, provider)
        _keep(page, f"console-{provider}", ".two")


def _connect(page: Page, provider: str) -> str:
    """Make a connection and a token; the page shows its set-up then."""
    page.goto(f"{SITE}/directories/default/new-connection")
    page.get_by_label("Identity provider").select_option(provider)
    page.get_by_role("button", name="Create the connection").click()
    page.wait_for_url("**/setup*")
    page.get_by_role("button", name="Generate a token").click()
    return page.get_by_label("Token", exact=True).input_value()


async def _provision(origin: str, token: str) -> None:
    """What Okta does with a company of 240 people."""
    async for step in provision(make_company(240), f"{origin}/scim/v2", token):
        if isinstance(step, Summary) and not step.ok:
            raise SystemExit(f"The company was not provisioned: {step.errors}")


def _simulate(origin: str, token: str) -> None:
    command = [COMMAND, "simulate", "entra", f"{origin}/scim/v2", token, "--quiet"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def _refused(origin: str, token: str) -> None:
    """A request that is refused, for the page that says why."""
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": ""}
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "Okta SCIM Client 1.0.0"}
    httpx.post(f"{origin}/scim/v2/Users", json=body, headers=headers)


def _keep(page: Page, name: str, top: str = "body") -> None:
    """A picture of the window, with an element at its top."""
    picture = PICTURES / f"{name}.png"
    page.evaluate("document.activeElement.blur()")
    page.locator(top).evaluate("element => { element.scrollIntoView(); scrollBy(0, -16); }")
    picture.write_bytes(smaller(page.screenshot(animations="disabled")))
    if picture.stat().st_size > MOST:
        raise SystemExit(f"{picture.name} has {picture.stat().st_size} bytes, more than {MOST}.")


if __name__ == "__main__":
    main()
