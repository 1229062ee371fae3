"""What a server listens on, and what keeps one from serving; light, for who only asks about it."""

import errno
import socket

from rosterd.wiring.settings import Settings


class PortTaken(OSError):
    """Another process listens on the port."""


class NoSuchHost(PortTaken):
    """This machine has not the address that is to be listened on."""


class WorkersEnded(Exception):
    """Workers end before they serve; ``how`` says with which exit code or signal."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"The workers end before they serve ({how}). What they said above tells why; "
            "'rosterd doctor' looks for causes, and with --workers 1 there is one process to look at."
        )


def bind(settings: Settings) -> socket.socket:
    """A listening socket; raises ``PortTaken`` with a text that says what to do."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        place = f"{settings.host}:{settings.port} ({error.strerror})"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise NoSuchHost(
                f"Cannot listen on {place}: that is no address of this machine; give another with --host, "
                "such as 127.0.0.1, or 0.0.0.0 for all."
            ) from error
        raise PortTaken(f"Cannot listen on {place}; choose another with --port.") from error
    listener.listen(2048)
    return listener
