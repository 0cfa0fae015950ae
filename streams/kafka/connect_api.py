"""The REST interface of Kafka Connect: register a connector, ask how it is."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from streams.errors import StackFailed

_TIMEOUT_S = 10.0
_POLL_S = 0.05
_BUSY = 409  # a rebalance is under way: ask again


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStatus:
    """The states that Connect gives (RUNNING, FAILED, UNASSIGNED, ...); `trace` is the cause of a failure, or empty."""

    connector: str
    tasks: tuple[str, ...]
    trace: str

    @property
    def is_running(self) -> bool:
        return self.connector == "RUNNING" and bool(self.tasks) and set(self.tasks) == {"RUNNING"}

    @property
    def is_failed(self) -> bool:
        return "FAILED" in (self.connector, *self.tasks)


class ConnectApi:
    """Kafka Connect at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self._secure = parts.scheme == "https"
        self._address, self._path = parts.netloc, parts.path

    @property
    def is_healthy(self) -> bool:
        """The worker has joined its group and answers (GET /health, KIP-1017)."""
        try:
            status, _ = self._call("GET", "/health")
        except OSError:
            return False
        return status == http.client.OK

    def register(self, name: str, config: Mapping[str, str], deadline_s: float = 30.0) -> None:
        """Create the connector or change its configuration. Raises StackFailed if Connect refuses it."""
        due_at = time.monotonic() + deadline_s
        while True:
            status, answer = self._call("PUT", f"/connectors/{quote(name)}/config", config)
            if status < http.client.BAD_REQUEST:
                return
            if status != _BUSY or time.monotonic() > due_at:
                raise StackFailed(f"Connect refuses the connector {name} ({status}): {_message(answer)}")
            time.sleep(_POLL_S)

    def status(self, name: str) -> ConnectorStatus | None:
        """How the connector is; None if Connect does not know it. Raises OSError if Connect does not answer."""
        return self._status(name)[1]

    def certain_status(self, name: str) -> ConnectorStatus | None:
        """As `status`, but None only if Connect says that there is no such connector; ConnectionError if it cannot."""
        code, status = self._status(name)
        if status is None and code != http.client.NOT_FOUND:
            raise ConnectionError(f"Kafka Connect cannot tell the status of {name} ({code})")
        return status

    def _status(self, name: str) -> tuple[int, ConnectorStatus | None]:
        code, answer = self._call("GET", f"/connectors/{quote(name)}/status")
        if code != http.client.OK or not isinstance(answer, dict):
            return code, None
        tasks = answer["tasks"]
        traces = [part["trace"] for part in (answer["connector"], *tasks) if part.get("trace")]
        return code, ConnectorStatus(
            connector=answer["connector"]["state"],
            tasks=tuple(task["state"] for task in tasks),
            trace="\n".join(traces),
        )

    def wait_running(self, name: str, deadline_s: float = 60.0) -> None:
        """Return when the connector and its task run. Raises StackFailed with Connect's trace if one has failed."""
        due_at = time.monotonic() + deadline_s
        while True:
            status = self.status(name)
            if status is not None and status.is_running:
                return
            if status is not None and status.is_failed:
                raise StackFailed(f"the connector {name} has failed:\n{status.trace}")
            if time.monotonic() > due_at:
                raise StackFailed(f"the connector {name} does not run after {deadline_s:g} s: {status}")
            time.sleep(_POLL_S)

    def restart_failed(self, name: str) -> bool:
        """Restart what has failed of the connector. True if something had. Raises OSError as `status` does."""
        status = self.status(name)
        if status is None or not status.is_failed:
            return False
        code, _ = self._call("POST", f"/connectors/{quote(name)}/restart?includeTasks=true&onlyFailed=true")
        return code < http.client.BAD_REQUEST

    def _call(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._address, timeout=_TIMEOUT_S)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, self._path + path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except http.client.HTTPException as error:  # a worker that dies in the middle of its answer
            raise ConnectionError(f"Kafka Connect at {self.url}: {error!r}") from error
        finally:
            connection.close()
        return response.status, json.loads(answer) if answer.startswith((b"{", b"[")) else answer.decode()


def _message(answer: object) -> object:
    return answer["message"] if isinstance(answer, dict) and "message" in answer else answer
