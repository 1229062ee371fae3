"""rosterd inside Starlette, below /rosterd, in a lifespan that does more: ``uvicorn starlette_app:app``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from rosterd.asgi import Event, Rosterd

rosterd = Rosterd()  # ROSTERD_DATA says where its data is
seats: set[str] = set()  # in earnest: a table


@rosterd.on("user.created", "user.activated", "user.deactivated", "user.deleted")
async def keep_seats(event: Event) -> None:
    """Called in this process, in order, at least once; done twice it comes to the same."""
    user, data = event["resource"]["id"], event["data"]
    if data.get("sessions") == "revoke":
        seats.discard(user)
    elif event["type"] == "user.activated" or data.get("after", {}).get("active"):  # one may be made inactive
        seats.add(user)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """What else the application opens and closes goes here, too."""
    async with rosterd.lifespan():
        yield


async def taken(request: Request) -> JSONResponse:
    """Who has a seat."""
    return JSONResponse(sorted(seats))


app = Starlette(lifespan=lifespan, routes=[Route("/seats", taken), Mount("/rosterd", rosterd)])
