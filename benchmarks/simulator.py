"""How many VALID transactions a second the simulator carries on one core.

    python -m benchmarks.simulator [--transactions N] [--in-flight N] [--commit stream|status] [--no-own-core]

The server process may use one core only, the load another one; it is told that the core is its own. Both organisations
endorse, and every signature of a client is verified; what the peers of this process have signed themselves is known to
be good.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.simulator_load import Load, load
from streams.simulator.certificates import Authority
from streams.simulator.identities import Membership, Signer, serialize

GOAL_TPS = 1000
VALID = 0


def main() -> int:
    """Measure and print; 1 when a transaction was not VALID."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=1000)
    parser.add_argument("--commit", choices=["stream", "status"], default="stream")
    parser.add_argument("--own-core", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    server_core, load_core = cores()
    with (
        tempfile.TemporaryDirectory() as folder,
        server(Path(folder), server_core, given.own_core) as (process, address),
    ):
        os.sched_setaffinity(0, {load_core})
        before_s = cpu_s(process.pid)
        carried_out, took_s = asyncio.run(
            load(Path(folder), address, given.transactions, given.in_flight, given.commit)
        )
        used_s = cpu_s(process.pid) - before_s
    return report(carried_out, given.transactions, took_s, used_s)


def report(carried_out: Load, transactions: int, took_s: float, used_s: float) -> int:
    valid = sum(code == VALID for code in carried_out.codes.values())
    cuts = statistics.quantiles(carried_out.latencies_s, n=100)
    figures = {
        "VALID transactions": f"{valid:,} of {transactions:,}",
        "per second, measured": f"{valid / took_s:,.0f} (goal: {GOAL_TPS:,}, {_judged(valid / took_s)})",
        "server CPU per transaction": f"{used_s / transactions * 1000:.3f} ms",
        "per second, if the core were the server's alone": f"{transactions / used_s:,.0f}",
        "latency p50 / p95": f"{cuts[49] * 1000:,.0f} / {cuts[94] * 1000:,.0f} ms",
        "one P-256 verification here and now": f"{verification_us():.0f} us",
        "load average": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }
    for name, figure in figures.items():
        print(f"{name:<50}{figure}")
    return int(valid != transactions)


def _judged(per_second: float) -> str:
    return "reached" if per_second >= GOAL_TPS else "missed"


def cores() -> tuple[int, int]:
    """One for the server, another for the load; the same one when there is no other."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


@contextlib.contextmanager
def server(folder: Path, core: int, own_core: bool) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulator_server", str(folder), *["own-core"][: int(own_core)]],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise SystemExit("the simulator did not start")
        pin_threads(process.pid, core)
        yield process, address
    finally:
        process.terminate()
        process.wait(30)


def pin_threads(pid: int, core: int) -> None:
    """Threads that were started before the process was bound to its core."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {core})


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, all threads."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def verification_us(times: int = 500) -> float:
    """How fast this core is at what the simulator does most."""
    authority = Authority.make("ca")
    credential = authority.issue("somebody", "client")
    membership = Membership({"Org1MSP": authority})
    creator = serialize("Org1MSP", credential.certificate_pem)
    assert isinstance(credential.key, ec.EllipticCurvePrivateKey)
    signer = Signer(creator, credential.key)
    messages = [str(number).encode() for number in range(times)]
    signatures = [signer.sign(message) for message in messages]
    identity = membership.identify(creator)
    started = time.process_time()
    for message, signature in zip(messages, signatures, strict=True):
        assert membership.verify(identity, signature, message)
    return (time.process_time() - started) / times * 1e6


if __name__ == "__main__":
    sys.exit(main())
