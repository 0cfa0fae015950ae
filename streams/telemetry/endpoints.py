"""/live, /ready and /metrics of a process, from a thread of their own: they answer also when its loop does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

TURN_S = 5.0
"""How long an event loop may be busy with one thing; far more than it ever should."""

Check: TypeAlias = Callable[[], str | None]
"""What is wrong, or None. Called in the thread of the request."""

Remarks: TypeAlias = Callable[[], Iterable[str]]
"""Lines that /ready adds to its answer, whatever it is. Called in the thread of the request."""


@contextmanager
def endpoints(
    listen: str | None, *, live: Check, ready: Check, registry: CollectorRegistry, remarks: Remarks = tuple
) -> Iterator[None]:
    """Listen at `host:port` while the context lasts; None: nowhere. Raises OSError if the port is taken."""
    if listen is None:
        yield
        return
    host, _, port = listen.rpartition(":")
    server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(live, ready, registry, remarks))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="endpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def turning(loop: asyncio.AbstractEventLoop) -> Check:
    """Does the event loop turn?"""

    def check() -> str | None:
        turned = threading.Event()
        try:
            loop.call_soon_threadsafe(turned.set)
        except RuntimeError:
            return "the event loop has ended"
        return None if turned.wait(TURN_S) else f"the event loop has not turned for {TURN_S:.0f} s"

    return check


def first_problem(*checks: Check) -> Check:
    """All of them, until one finds something."""
    return lambda: next((problem for check in checks if (problem := check()) is not None), None)


def _handler(live: Check, ready: Check, registry: CollectorRegistry, remarks: Remarks) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/live":
                    self._answer_check(live)
                case "/ready":
                    self._answer_check(ready, remarks)
                case "/metrics":
                    self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"/live, /ready, /metrics\n")

        def _answer_check(self, check: Check, remarks: Remarks = tuple) -> None:
            problem = check()
            status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
            lines = [problem or "yes", *remarks()]
            self._answer(status, "".join(f"{line}\n" for line in lines).encode())

        def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A probe every few seconds is no news."""

    return Handler
