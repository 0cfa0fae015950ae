"""A wallet that is followed with clocks moved by hand, and the ways to spoil the pair in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from fabric_credentials import NOW, authority, issued, pem, put

from streams.fabric.rotation import Credentials
from streams.fabric.wallet import load_identity
from streams.telemetry import Event

NAME = "org1-admin"
OVERLAP = timedelta(minutes=10)
CA, OTHER_CA = authority("ca.org1"), authority("ca.org2")


class Watched:
    """A wallet, followed with a clock that is moved by hand."""

    def __init__(self, wallet: Path, units: Sequence[str] = ("client",)) -> None:
        self.wallet = wallet
        self.now_s = 0.0
        self.now = NOW
        self.told: list[tuple[Event, str]] = []
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.first = issued(CA, self.key, NAME, units=units)
        put(wallet, NAME, self.first, pem(self.key))
        identity = load_identity(wallet, NAME, "Org1MSP", now=NOW)
        self.credentials = Credentials(
            wallet,
            identity,
            now=lambda: self.now,
            tell=lambda event, text: self.told.append((event, text)),
            overlap=OVERLAP,
            clock=self.clock,
        )
        self.credentials.keep()

    def clock(self) -> float:
        return self.now_s

    def poll(self, after_s: float = 1.0) -> bytes:
        """The certificate in use after another look."""
        self.now_s += after_s
        self.credentials.poll()
        return self.credentials.identity.certificate

    def poll_for(self, seconds: int) -> bytes:
        for _ in range(seconds):
            self.poll()
        return self.credentials.identity.certificate

    def kept(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.wallet.iterdir() if file.name.startswith(f"{NAME}-cert.")}


def half_written(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, serial=2)[:200])


def missing(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-key").unlink()


def wrong_key(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-key").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))


def open_key(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-key").chmod(0o644)


def not_yet_valid(watched: Watched) -> None:
    future = issued(CA, watched.key, NAME, not_before=NOW + timedelta(days=1))
    (watched.wallet / f"{NAME}-cert").write_bytes(future)


def expired(watched: Watched) -> None:
    past = issued(CA, watched.key, NAME, not_before=NOW - timedelta(days=9), not_after=NOW)
    (watched.wallet / f"{NAME}-cert").write_bytes(past)


def other_authority(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(OTHER_CA, watched.key, NAME))


def other_key_of_the_authority(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(authority("ca.org1"), watched.key, NAME))


def other_client(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, "org1-super-admin"))


def unnamed_key_of_the_authority(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, names_the_key=False))


def without_role(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, units=["department1"]))


def another_role(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, units=["peer"]))
