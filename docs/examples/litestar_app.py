"""rosterd inside Litestar, below /rosterd: ``uvicorn litestar_app:app``."""

from litestar import Litestar, asgi, get
from litestar.types import Receive, Scope, Send

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


# Litestar takes the prefix off the path and does not say so; below() does.
mounted = rosterd.below("/rosterd")


@asgi("/rosterd", is_mount=True, copy_scope=True)
async def scim(scope: Scope, receive: Receive, send: Send) -> None:
    """All that lies below /rosterd."""
    await mounted(scope, receive, send)


@get("/seats")
async def taken() -> list[str]:
    """Who has a seat."""
    return sorted(seats)


app = Litestar(route_handlers=[scim, taken], lifespan=[rosterd.lifespan])
