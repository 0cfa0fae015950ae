from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import jgo.maven
import pytest
from rich.console import Console

from streams.errors import StackFailed
from streams.local.jar_lock import DEBEZIUM, KAFKA, Jar, read_lock
from streams.local.jars import install_jars

CONTENT = b"not really a jar"
QUIET = Console(quiet=True)


def lock_of(folder: Path, content: bytes = CONTENT, artifact: str = "thing") -> Path:
    jar = Jar(
        group="org.example",
        artifact=artifact,
        version="1.0",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )
    lock = folder / "jars.lock"
    lock.write_text(f"# pinned\n\n{jar}\n")
    return lock


class Repository(http.server.SimpleHTTPRequestHandler):
    """A Maven repository of one jar that counts how often it is asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths asked of a repository that serves `thing-1.0.jar`, and that the resolver is led to."""
    root = tmp_path / "repository"
    (root / "org/example/thing/1.0").mkdir(parents=True)
    (root / "org/example/thing/1.0/thing-1.0.jar").write_bytes(CONTENT)
    asked: list[str] = []
    handler = type("Counting", (Repository,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        remote = {"test": f"http://127.0.0.1:{server.server_port}"}
        monkeypatch.setattr(jgo.maven, "MavenContext", partial(jgo.maven.MavenContext, remote_repos=remote))
        yield asked
        server.shutdown()
        thread.join()


def test_a_missing_jar_is_fetched_and_a_second_run_fetches_nothing(tmp_path: Path, asked: list[str]) -> None:
    lock, jars = lock_of(tmp_path), tmp_path / "jars"

    assert install_jars(jars, lock=lock, console=QUIET) == [jars / "thing-1.0.jar"]
    assert (jars / "thing-1.0.jar").read_bytes() == CONTENT
    assert asked
    asked.clear()
    install_jars(jars, lock=lock, console=QUIET)
    assert asked == []
    assert [path.name for path in jars.iterdir()] == ["thing-1.0.jar"]


def test_a_truncated_jar_is_fetched_again(tmp_path: Path, asked: list[str]) -> None:
    lock, jars = lock_of(tmp_path), tmp_path / "jars"
    jars.mkdir()
    (jars / "thing-1.0.jar").write_bytes(CONTENT[:5])

    install_jars(jars, lock=lock, console=QUIET)

    assert (jars / "thing-1.0.jar").read_bytes() == CONTENT


@pytest.mark.usefixtures("asked")
def test_a_jar_with_another_checksum_is_refused(tmp_path: Path) -> None:
    lock, jars = lock_of(tmp_path, content=b"what was pinned!"), tmp_path / "jars"

    with pytest.raises(StackFailed, match=r"org\.example:thing:1.0: the download has sha256"):
        install_jars(jars, lock=lock, console=QUIET)

    assert list(jars.iterdir()) == []


@pytest.mark.usefixtures("asked")
def test_a_jar_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, artifact="missing")

    with pytest.raises(StackFailed, match=r"org\.example:missing:1.0: download failed"):
        install_jars(tmp_path / "jars", lock=lock, console=QUIET)


def test_a_line_that_is_not_a_pin_is_refused_with_its_number(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    lock.write_text(lock.read_text() + "org.example:other:1.0\n")

    with pytest.raises(StackFailed, match=r"jars.lock, line 4: .*org.example:other:1.0"):
        read_lock(lock)


def test_a_pin_reads_as_it_is_written(tmp_path: Path) -> None:
    pin = Jar(group="g", artifact="a", version="1", classifier="linux", sha256="0" * 64, size=3)
    (tmp_path / "lock").write_text(f"{pin}\n")

    assert read_lock(tmp_path / "lock") == [pin]
    assert pin.file_name == "a-1-linux.jar"


def test_the_shipped_lock_pins_one_version_of_kafka_and_of_debezium() -> None:
    jars = read_lock()
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {KAFKA}
    assert {jar.version for jar in jars if jar.group == "io.debezium"} == {DEBEZIUM}
    assert len({(jar.group, jar.artifact) for jar in jars}) == len({jar.file_name for jar in jars}) == len(jars)
