"""A receiver of webhooks as a process: what it accepts is in its file before it answers."""

import hashlib
import sys

from aiohttp import web


async def handle(request: web.Request) -> web.Response:
    body = await request.read()
    line = f"{request.headers['webhook-id']} {hashlib.sha256(body).hexdigest()}\n"
    with open(sys.argv[2], "a") as file:  # noqa: ASYNC230, PTH123 - the answer comes after it
        file.write(line)
    return web.Response(status=204)


app = web.Application()
app.router.add_post("/", handle)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
