"""The pinned jars: `requirements/jars.lock`, one line `group:artifact:version[:classifier] sha256:<hex> <bytes>` each.

`write_lock` makes the file anew from a few roots and everything they need at run time; which versions that is, is
decided there once and never at installation.
"""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streams.errors import StackFailed
from streams.files import ROOT

if TYPE_CHECKING:
    from jgo.maven import Dependency

LOCK = ROOT / "requirements" / "jars.lock"

KAFKA = "4.3.1"
DEBEZIUM = "3.6.1.Final"
JMX_AGENT = "1.0.1"

# Kafka's clients and Connect's API are named although others bring them: Debezium asks for 4.3.0 of both.
# "!" keeps a root's own parent from managing the versions of everybody else's dependencies.
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA}",
    f"org.apache.kafka:kafka-clients:{KAFKA}",
    f"org.apache.kafka:connect-api:{KAFKA}",
    f"org.apache.kafka:connect-json:{KAFKA}",
    f"org.apache.kafka:connect-runtime:{KAFKA}",
    f"org.apache.kafka:connect-transforms:{KAFKA}",
    f"org.apache.kafka:kafka-tools:{KAFKA}",
    f"io.debezium:debezium-connector-postgres:{DEBEZIUM}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
    f"io.prometheus.jmx:jmx_prometheus_javaagent:{JMX_AGENT}",
)

_LINE = re.compile(
    r"(?P<group>[\w.-]+):(?P<artifact>[\w.-]+):(?P<version>[\w.-]+)(?::(?P<classifier>[\w.-]+))?"
    r" sha256:(?P<sha256>[0-9a-f]{64}) (?P<size>\d+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One pinned file; `size` in bytes."""

    group: str
    artifact: str
    version: str
    classifier: str = ""
    sha256: str
    size: int

    @property
    def coordinate(self) -> str:
        """`group:artifact:version[:classifier]`."""
        return ":".join(part for part in (self.group, self.artifact, self.version, self.classifier) if part)

    @property
    def file_name(self) -> str:
        """`artifact-version[-classifier].jar`."""
        return "-".join(part for part in (self.artifact, self.version, self.classifier) if part) + ".jar"

    def __str__(self) -> str:
        return f"{self.coordinate} sha256:{self.sha256} {self.size}"


def read_lock(file: Path = LOCK) -> list[Jar]:
    """Every pinned jar, in the order of the class path.

    Raises StackFailed naming the line that cannot be read.
    """
    jars: list[Jar] = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise StackFailed(f"{file.name}, line {number}: not `group:artifact:version sha256:<hex> <bytes>`: {line}")
        fields = match.groupdict(default="")
        jars.append(
            Jar(
                group=fields["group"],
                artifact=fields["artifact"],
                version=fields["version"],
                classifier=fields["classifier"],
                sha256=fields["sha256"],
                size=int(fields["size"]),
            )
        )
    return jars


def write_lock(cache: Path, file: Path = LOCK) -> list[Jar]:
    """Resolve ROOTS and what they need, download all of it into `cache`, and pin it in `file`."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=cache, timeout=60)
    inputs, needed = context.resolver.resolve([context.create_dependency(root) for root in ROOTS])
    with ThreadPoolExecutor(8) as pool:
        jars = sorted(pool.map(_pin, [*inputs, *needed]), key=lambda jar: jar.coordinate)
    header = "# Made by `python -m streams.local.jars lock`; do not edit.\n"
    file.write_text(header + "".join(f"{jar}\n" for jar in jars))
    return jars


def _pin(dependency: Dependency) -> Jar:
    path: Path = dependency.artifact.resolve()
    return Jar(
        group=dependency.groupId,
        artifact=dependency.artifactId,
        version=dependency.version,
        classifier=dependency.classifier,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
    )
