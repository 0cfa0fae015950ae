"""The drill: when its alert fires, and what its report says of a drill that went wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from streams.chaos.checker.check import check
from streams.chaos.checker.evidence import End, Evidence
from streams.chaos.drill.alert import ALERT, FOR_S, AskedOfPrometheus, Evaluated
from streams.chaos.drill.outage import Result
from streams.chaos.drill.page import page
from streams.errors import PipelineError
from streams.files import ROOT
from streams.local.targets import Job, Target

BEGAN_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def answering(texts: list[str]) -> Iterator[str]:
    """A process whose every answer is the last of the texts; its `host:port`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(texts[-1].encode())

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def breaker(value: float) -> str:
    return f'# TYPE outbox_breaker_open gauge\noutbox_breaker_open{{identity="org1-admin"}} {value}\n'


def test_the_expression_must_be_true_for_as_long_as_the_rule_says() -> None:
    texts, clock = [breaker(0)], Clock()
    with answering(texts) as address:
        target = Target(process="submit-org1-admin", job=Job.SUBMIT, address=address, identity="org1-admin")
        alert = Evaluated([target], for_s=10, clock=clock)
        told = []
        for clock.now, value in [(0, 0), (1, 1), (10, 0.5), (11, 1), (12, 0), (13, 1), (22, 1), (23, 1)]:
            texts.append(breaker(value))
            told.append(alert.fires())
    assert told == [False, False, False, True, False, False, False, True]


def test_a_worker_that_does_not_answer_says_nothing() -> None:
    target = Target(process="submit-org1-admin", job=Job.SUBMIT, address="127.0.0.1:1", identity="org1-admin")
    assert not Evaluated([target], for_s=0).fires()


def test_the_alert_is_the_shipped_one() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules.yaml").read_text()
    rule = rules.partition(f"- alert: {ALERT}\n")[2].partition("- alert:")[0]
    assert "max by (identity) (outbox_breaker_open) > 0\n" in rule
    assert f"for: {FOR_S / 60:.0f}m\n" in rule


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nowhere"])
def test_a_prometheus_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(PipelineError, match=url):
        AskedOfPrometheus(url).fires()


def test_the_report_of_a_drill_that_lost_a_command_says_so() -> None:
    evidence = Evidence(ends={"c-1": End.COMMITTED}, rows=[], changes=[], transactions=[])
    result = Result(
        moments=[("the ledger is away", BEGAN_AT), ("the ledger is back", BEGAN_AT + timedelta(seconds=90))],
        late=[f"not within 180 s: {ALERT} fires"],
        violations=check(evidence),
        evidence=evidence,
        most_open=1,
        alert_told_by="somebody",
    )
    text = page(result)
    assert not result.is_good
    assert "**Not everything went as it must; see the end.**" in text
    assert "| 2026-01-02 03:05:35 | 90.0 s | the ledger is back |" in text
    assert "| lost (no row, or no end) | 1 |" in text
    assert f"- not within 180 s: {ALERT} fires\n- no row is lost: c-1: inserted, and not in the table\n" in text
