"""The control API: faults put in force and taken out over HTTP, on the loopback interface only.

    GET    /faults      every fault in force, as a list
    POST   /faults      a fault as JSON (faults.py says which fields each kind has); answers it with its number
    DELETE /faults/N    take one out of force
    DELETE /faults      take all out of force

Answers are JSON; a wrong request is answered with 4xx and {"error": text}.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, TypeVar

from streams.errors import StackFailed
from streams.simulator.fault_book import ActiveFault
from streams.simulator.faults import read_fault
from streams.simulator.server import Simulator

T = TypeVar("T")

_LOOPBACK = ("127.0.0.1", "localhost")
_BODY_MAX_BYTES = 64 * 1024


class Control:
    """`with Control(simulator, listen) as control:` serves; `control.url` is where. Raises StackFailed."""

    def __init__(self, simulator: Simulator, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        if host not in _LOOPBACK or not port.isdigit():
            raise StackFailed(f"the control API listens on 127.0.0.1:PORT only, not on {listen}")
        loop = asyncio.get_running_loop()

        class Handler(_Handler):
            faults = _Faults(simulator, loop)

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
        except (OSError, OverflowError) as error:
            raise StackFailed(f"the control API cannot listen on {listen}: {error}") from error
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, name="control", daemon=True)

    def __enter__(self) -> Control:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Faults:
    """The simulator's faults, for threads: everything is done in its own loop."""

    def __init__(self, simulator: Simulator, loop: asyncio.AbstractEventLoop) -> None:
        self._simulator = simulator
        self._loop = loop

    def listed(self) -> list[dict[str, Any]]:
        return self._in_loop(lambda: [_shown(active) for active in self._simulator.faults.listed()])

    def add(self, fields: object) -> dict[str, Any]:
        fault = read_fault(fields)
        names = self._simulator.identity_names()
        if fault.identity is not None and fault.identity not in names:
            raise ValueError(f"identity: the wallet has no {fault.identity!r}; it has {', '.join(names)}")
        return self._in_loop(lambda: _shown(self._simulator.add_fault(fault)))

    def remove(self, number: int) -> bool:
        return self._in_loop(lambda: self._simulator.faults.remove(number))

    def clear(self) -> None:
        self._in_loop(self._simulator.faults.clear)

    def _in_loop(self, action: Callable[[], T]) -> T:
        done: Future[T] = Future()

        def act() -> None:
            try:
                done.set_result(action())
            except Exception as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(act)
        return done.result()


class _Handler(BaseHTTPRequestHandler):
    faults: _Faults

    def do_GET(self) -> None:
        """List."""
        if self._path() == ["faults"]:
            self._answer(HTTPStatus.OK, self.faults.listed())
        else:
            self._complain(HTTPStatus.NOT_FOUND, "there is nothing but /faults")

    def do_POST(self) -> None:
        """Add one. JSON only, which a page in a browser cannot send to another origin unasked."""
        if self._path() != ["faults"]:
            self._complain(HTTPStatus.NOT_FOUND, "there is nothing but /faults")
            return
        if self.headers.get_content_type() != "application/json":
            self._complain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
            return
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _BODY_MAX_BYTES:
            self._complain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {_BODY_MAX_BYTES} bytes")
            return
        try:
            fields = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            self._complain(HTTPStatus.BAD_REQUEST, f"no JSON: {error}")
            return
        try:
            added = self.faults.add(fields)
        except ValueError as error:
            self._complain(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._answer(HTTPStatus.CREATED, added)

    def do_DELETE(self) -> None:
        """Remove one, or all."""
        match self._path():
            case ["faults"]:
                self.faults.clear()
                self._answer(HTTPStatus.OK, [])
            case ["faults", number] if number.isdigit() and self.faults.remove(int(number)):
                self._answer(HTTPStatus.OK, [])
            case _:
                self._complain(HTTPStatus.NOT_FOUND, "there is no such fault")

    def log_message(self, format: str, *args: Any) -> None:
        """A healthy hour is silent."""

    def _path(self) -> list[str]:
        return self.path.strip("/").split("/")

    def _answer(self, status: HTTPStatus, document: object) -> None:
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _complain(self, status: HTTPStatus, text: str) -> None:
        # What was not read of the request must not be taken for the next one.
        self.close_connection = True
        self._answer(status, {"error": text})


def _shown(active: ActiveFault) -> dict[str, Any]:
    fields = active.fault.model_dump(mode="json", exclude_none=True)
    numbers = {"number": active.number, "struck": active.struck, "spent": active.is_spent}
    return numbers | {"kind": active.fault.kind} | fields
