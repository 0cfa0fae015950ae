"""Every process of the line answers for itself, and `streams top` shows them together."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from conftest import Population
from running_line import STREAMS, RunningLine, environment, streams, until

from streams.demo import payloads
from streams.local.targets import TARGETS, Job, Target, read_targets
from streams.operations.top.samples import Samples, scrape
from streams.telemetry.metrics import STAGE_LATENCY
from streams.telemetry.stages import Stage

SUBMIT = [f"submit-{identity}" for identity in ("org1-super-admin", "org1-admin", "org1-partner-api")]
COUNT = 4


def targets(line: RunningLine) -> list[Target]:
    return read_targets(line.line.paths.state / TARGETS)


def ask(address: str, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


def observed(line: RunningLine) -> dict[Stage, float]:
    """How often each stage was observed, over all processes."""
    found: list[Samples] = [scrape(target.address) for target in targets(line)]
    return {
        stage: sum(
            samples.total(f"{STAGE_LATENCY}_count", stage=stage, identity="org1-admin") or 0 for samples in found
        )
        for stage in Stage
    }


def test_every_worker_and_the_sink_answer_live_ready_and_metrics(line: RunningLine) -> None:
    listed = targets(line)
    jobs = [Job.ROUTE, *[Job.SUBMIT] * len(SUBMIT), Job.WRITE_BACK]
    workers = [target for target in listed if target.job in jobs]
    assert [(target.process, target.job) for target in workers] == list(
        zip(["route", *SUBMIT, "sink"], jobs, strict=True)
    )
    for target in workers:
        assert ask(target.address, "/live") == ask(target.address, "/ready") == (200, "yes\n")
        assert "outbox_worker_status 1.0" in ask(target.address, "/metrics")[1]


def test_status_shows_where_they_answer(line: RunningLine) -> None:
    addresses = {target.process: target.address for target in targets(line)}
    shown = {process["name"]: process["address"] for process in line.json("status")["processes"]}
    assert {name: address for name, address in shown.items() if address is not None} == addresses


def test_each_stage_of_a_command_is_observed_once(line: RunningLine, population: Population) -> None:
    before = observed(line)
    transfers = [payloads.transfer(population.payers[3], population.payees[3], 1 + number) for number in range(COUNT)]
    line.carry("TRANSFER_TOKENS", *transfers)

    def growth() -> dict[Stage, float]:
        now = observed(line)
        return {stage: now[stage] - before[stage] for stage in Stage}

    line.until(lambda: growth()[Stage.TOTAL] >= COUNT, "the whole way observed")
    line.settle()
    assert growth() == dict.fromkeys(Stage, COUNT)


def test_one_frame_shows_rates_times_lag_and_errors(line: RunningLine, population: Population) -> None:
    line.carry("TRANSFER_TOKENS", payloads.transfer(population.payers[4], population.payees[4], 3))
    frame = line.json("top")
    assert [row["identity"] for row in frame["identities"]] == ["org1-admin", "org1-partner-api", "org1-super-admin"]
    assert {row["breaker"] for row in frame["identities"]} == {"closed"}
    assert all(row["p50_s"] <= row["p95_s"] for row in frame["stages"])
    assert [row["stage"] for row in frame["stages"]] == list(Stage)
    assert {row["group"]: row["records"] for row in frame["lags"]}["write-back"] == 0

    ran = line.streams("top", "--once")
    assert (ran.returncode, ran.stderr) == (0, "")
    for part in ("org1-partner-api", "closed", "endorse", "submit.org1-admin", "last dead letters", "0 not reachable"):
        assert part in ran.stdout


def test_a_part_that_does_not_answer_is_named_and_the_rest_is_shown(line: RunningLine) -> None:
    ran = line.streams("top", "--once", "--monitor", "http://127.0.0.1:1")
    assert ran.returncode == 0
    assert "monitor: http://127.0.0.1:1 is not reachable: " in ran.stdout
    assert "org1-partner-api" in ran.stdout


@dataclass
class Terminal:
    """A program in a terminal of its own; `seen` is what it has drawn."""

    process: subprocess.Popen[bytes]
    keyboard: int
    seen: bytes = b""

    def wait_for(self, text: bytes) -> None:
        def is_there() -> bool:
            self.seen += os.read(self.keyboard, 65_536)  # a frame comes every half second
            return text in self.seen

        until(is_there, text.decode())


@contextmanager
def in_terminal(line: RunningLine, *arguments: str) -> Iterator[Terminal]:
    keyboard, screen = pty.openpty()
    process = subprocess.Popen(
        [STREAMS, *arguments],
        cwd=line.folder,
        env=environment({"TERM": "xterm", "COLUMNS": "150", "LINES": "50"}),
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
    )
    os.close(screen)
    try:
        yield Terminal(process, keyboard)
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)


@pytest.mark.parametrize(
    "end",
    [
        lambda terminal: os.write(terminal.keyboard, b"q"),
        lambda terminal: terminal.process.send_signal(signal.SIGINT),
    ],
    ids=["q", "Ctrl-C"],
)
def test_the_live_view_ends_cleanly(line: RunningLine, end: Callable[[Terminal], object]) -> None:
    with in_terminal(line, "top", "--interval-s", "0.5") as terminal:
        terminal.wait_for(b"oldest pending")
        end(terminal)
        assert terminal.process.wait(timeout=30) == 0


def test_where_no_line_runs_top_says_what_to_do(line: RunningLine, tmp_path_factory: pytest.TempPathFactory) -> None:
    ran = streams(tmp_path_factory.mktemp("nowhere"), "top", "--once")
    assert ran.returncode == 2
    assert "name a --target" in " ".join((ran.stdout + ran.stderr).replace("│", " ").split())
