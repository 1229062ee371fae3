"""Somebody who takes webhooks, in a thread of its own."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextlib.contextmanager
def receiver(seconds: float = 0.0) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Its URL, and what it has got so far: ids of messages and their bodies; it answers after so long."""
    got: list[tuple[str, Any]] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            got.append((self.headers["webhook-id"], body))
            time.sleep(seconds)
            self.send_response(204)
            self.end_headers()

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # whoever asked may be dead
                super().handle()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Takes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", got
        finally:
            server.shutdown()
            thread.join()
