"""An application whose handler writes what it hears to a file before it returns."""

import os

from rosterd.asgi import Event, Rosterd

rosterd = Rosterd()
app = rosterd.beside(rosterd, "/rosterd")


@rosterd.on("user.*", name="written")
def written(event: Event) -> None:
    """In a thread; done twice it is twice in the file."""
    with open(os.environ["HEARD"], "a") as file:  # noqa: PTH123 - one line, written at once
        file.write(f"{event['id']}\n")
