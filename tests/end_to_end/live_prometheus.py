"""A real Prometheus that watches a line by the shipped rules, faster than shipped.

Every duration of the rules and of the configuration is divided by FASTER, and nothing else: the rules that are loaded
are made from deploy/prometheus/ each time, so that they cannot differ from what is shipped.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rule_file import CONFIG, RULES, SECONDS

from streams.local.ports import HOST, choose_ports
from streams.local.process import Process
from streams.local.supervisor import Supervisor

FASTER = 15
"""1 min becomes 4 s, and what is looked at every 15 s is looked at every second."""

LOOKS = 3
"""So many evaluations, one a second, must agree before it counts."""

_DURATION = re.compile(r"((?:for|interval|scrape_interval|evaluation_interval|refresh_interval): |\[)(\d+)([smh])\b")
_DEADLINE_S = 45.0


def faster(text: str) -> str:
    """The same rules or configuration, with every duration divided by FASTER."""
    return _DURATION.sub(lambda m: f"{m[1]}{int(m[2]) * SECONDS[m[3]] * 1000 // FASTER}ms", text)


@dataclass(frozen=True)
class LivePrometheus:
    url: str

    def query(self, expression: str) -> list[Any]:
        """The series that the expression gives now."""
        return list(self._ask(f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")["result"])

    def alerts(self) -> dict[str, set[str]]:
        """By state (`pending`, `firing`), the names of the alerts that are in it."""
        states: dict[str, set[str]] = {"pending": set(), "firing": set()}
        for alert in self._ask("/api/v1/alerts")["alerts"]:
            states[alert["state"]].add(alert["labels"]["alertname"])
        return states

    def wait_for(self, *names: str) -> None:
        """Until exactly these alerts fire, at several looks in a row. What fired before them counts as well."""
        due_at, agreed, seen = time.monotonic() + _DEADLINE_S, 0, set[str]()
        while agreed < LOOKS:
            firing = self.alerts()["firing"]
            seen |= firing
            agreed = agreed + 1 if firing == set(names) else 0
            assert time.monotonic() < due_at, f"must fire: {names or 'none'}; fired: {seen}; now {self.alerts()}"
            time.sleep(1)  # the next evaluation
        assert not names or seen <= set(names), f"must fire: {names}; fired in between: {seen - set(names)}"

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)["data"]

    def is_ready(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.url}/-/ready", timeout=2).status == 200
        except OSError:
            return False


@contextmanager
def live_prometheus(program: Path, targets: Path, folder: Path) -> Iterator[LivePrometheus]:
    """Watches the processes that the file of targets names."""
    folder.mkdir()
    (folder / RULES.name).write_text(faster(RULES.read_text()))
    config = folder / CONFIG.name
    config.write_text(faster(CONFIG.read_text()).replace("targets/*.json", str(targets)))
    port = choose_ports(folder / "ports.json", ["prometheus"])["prometheus"]
    prometheus = LivePrometheus(f"http://{HOST}:{port}")
    flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    process = Process(
        name="prometheus",
        argv=[str(program), *flags, f"--web.listen-address={HOST}:{port}"],
        healthy=prometheus.is_ready,
    )
    with Supervisor(logs=folder, registry=folder / "processes.json") as supervisor:
        supervisor.start(process)
        yield prometheus
