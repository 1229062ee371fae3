"""FastAPI with rosterd below /rosterd: uvicorn fastapi_app:app."""

from fastapi import FastAPI

from rosterd.asgi import Event, Rosterd

rosterd = Rosterd()  # ROSTERD_DATA says where its data is
signed_in = {"ada", "grace"}


@rosterd.on("user.deactivated", "user.deleted")
async def end_sessions(event: Event) -> None:
    """Called in this process, at least once: to discard twice does no harm."""
    signed_in.discard(event["data"]["userName"])


app = FastAPI(lifespan=rosterd.lifespan)
app.mount("/rosterd", rosterd)


@app.get("/signed-in")
async def who() -> list[str]:
    """Who is signed in."""
    return sorted(signed_in)
