"""rosterd inside FastAPI, below /rosterd: ``uvicorn fastapi_app:app``."""

from fastapi import FastAPI

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


app = FastAPI(lifespan=rosterd.lifespan)
app.mount("/rosterd", rosterd)


@app.get("/seats")
async def taken() -> list[str]:
    """Who has a seat."""
    return sorted(seats)
