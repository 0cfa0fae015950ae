"""The endpoints answer for a worker, also for one that does not turn."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from streams.local.ports import HOST, choose_ports
from streams.messages import DeadLetterKind
from streams.telemetry import endpoints as module
from streams.telemetry.endpoints import endpoints, first_problem, turning
from streams.telemetry.metrics import GAUGES, Metrics


def ask(listen: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{listen}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def listen(tmp_path: Path) -> str:
    return f"{HOST}:{choose_ports(tmp_path / 'ports.json', ['worker'])['worker']}"


def test_a_worker_is_alive_and_ready_until_it_says_otherwise(listen: str) -> None:
    problems: dict[str, str] = {}
    metrics = Metrics("org1-admin")
    metrics.dead_letter(DeadLetterKind.BUG)
    with endpoints(
        listen, live=lambda: problems.get("live"), ready=lambda: problems.get("ready"), registry=metrics.registry
    ):
        assert ask(listen, "/live") == ask(listen, "/ready") == (200, "yes\n")
        problems |= {"live": "stuck", "ready": "not yet"}
        assert ask(listen, "/live") == (503, "stuck\n")
        assert ask(listen, "/ready") == (503, "not yet\n")
        assert 'outbox_dead_letters_total{identity="org1-admin",kind="bug"} 1.0' in ask(listen, "/metrics")[1]
        assert ask(listen, "/")[0] == 404
    with pytest.raises(urllib.error.URLError):
        ask(listen, "/live")


def test_nothing_listens_unless_it_is_told_where() -> None:
    with endpoints(None, live=lambda: None, ready=lambda: None, registry=CollectorRegistry()):
        pass


async def test_a_loop_that_does_not_turn_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    check = turning(asyncio.get_running_loop())
    assert await asyncio.to_thread(check) is None
    monkeypatch.setattr(module, "TURN_S", 0.1)
    asked = asyncio.get_running_loop().run_in_executor(None, check)
    time.sleep(0.5)  # noqa: ASYNC251 - that is the fault
    assert await asked == "the event loop has not turned for 0 s"


def test_a_loop_that_has_ended_is_found_out() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert turning(loop)() == "the event loop has ended"


def test_the_first_problem_counts() -> None:
    assert first_problem(lambda: None, lambda: "one", lambda: "two")() == "one"
    assert first_problem(lambda: None)() is None


@pytest.mark.parametrize("name", GAUGES)
def test_a_gauge_is_read_when_it_is_asked_for(name: str) -> None:
    metrics, values = Metrics("org1-admin"), [1.0]
    metrics.watch(name, lambda: values[0])
    assert metrics.registry.get_sample_value(name, {"identity": "org1-admin"}) == 1.0
    values[0] = 2.0
    assert metrics.registry.get_sample_value(name, {"identity": "org1-admin"}) == 2.0
