"""Whether the alert of an outage fires: as Prometheus says, or by the alert's own expression."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from typing import Protocol

from streams.errors import PipelineError
from streams.local.targets import Job, Target
from streams.operations.top.samples import scrape

ALERT = "BreakerOpen"
"""Of deploy/prometheus/rules.yaml; its expression is `max by (identity) (outbox_breaker_open) > 0`."""

FOR_S = 300.0
"""So long the expression holds until it fires, as shipped."""

_METRIC = "outbox_breaker_open"
_TIMEOUT_S = 5.0


class Alert(Protocol):
    """`told_by` says in words who answers."""

    told_by: str

    def fires(self) -> bool:
        """Whether it fires now. Raises PipelineError when nobody can tell."""


class AskedOfPrometheus:
    """A Prometheus at `url` that has the shipped rules."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self.told_by = f"the Prometheus at {self._url}"

    def fires(self) -> bool:
        """Whether ALERT is among the firing ones."""
        if not self._url.startswith(("http://", "https://")):
            raise PipelineError(f"{self._url} is not the URL of a Prometheus")
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/alerts", timeout=_TIMEOUT_S) as answer:  # noqa: S310
                alerts = json.load(answer)["data"]["alerts"]
        except (OSError, ValueError, KeyError) as error:
            raise PipelineError(f"no Prometheus answers at {self._url}: {error}") from error
        return any(alert["state"] == "firing" and alert["labels"]["alertname"] == ALERT for alert in alerts)


class Evaluated:
    """The expression, evaluated at each question from what the submit workers export; fires after `for_s` seconds.

    A worker that does not answer says nothing, as in Prometheus.
    """

    def __init__(
        self, targets: Sequence[Target], for_s: float = FOR_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._addresses = [target.address for target in targets if target.job is Job.SUBMIT]
        self._for_s, self._clock = for_s, clock
        self._since: float | None = None
        self.told_by = f"its expression, true for {for_s:g} s at the workers themselves"

    def fires(self) -> bool:
        """Ask every worker."""
        if not any(self._is_open(address) for address in self._addresses):
            self._since = None
            return False
        self._since = self._since if self._since is not None else self._clock()
        return self._clock() - self._since >= self._for_s

    def _is_open(self, address: str) -> bool:
        try:
            return (scrape(address).largest(_METRIC) or 0.0) > 0
        except (OSError, ValueError):
            return False
