"""Kafka in the embedded stack: one KRaft node, broker and controller in one."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.local.jvm import java_command
from streams.local.paths import LocalPaths
from streams.local.ports import HOST, is_open
from streams.local.process import Process, run_to_end
from streams.local.templates import render

_TEMPLATE = Path(__file__).with_name("broker.properties")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """One broker; clients reach it at `bootstrap_servers`."""

    paths: LocalPaths
    jars: Sequence[Path]
    port: int
    controller_port: int

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def _data(self) -> Path:
        return self.paths.state / "kafka"

    @property
    def _properties(self) -> Path:
        return self.paths.state / "broker.properties"

    def prepare(self) -> None:
        """Write the configuration and, once per state folder, format the storage. Raises StackFailed."""
        self._properties.write_text(
            render(
                _TEMPLATE,
                {"port": self.port, "controller_port": self.controller_port, "log_dirs": self._data},
            )
        )
        formatted = self.paths.state / "kafka.formatted"
        if formatted.exists():
            return
        shutil.rmtree(self._data, ignore_errors=True)  # a formatting that was cut short
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One argument: an id may begin with a dash.
        arguments = ["format", f"--cluster-id={cluster_id}", "--config", str(self._properties)]
        command = java_command("kafka.tools.StorageTool", *arguments, jars=self.jars)
        run_to_end("kafka-format", command, self.paths.logs / "kafka-format.log")
        formatted.touch()

    def process(self) -> Process:
        """The broker; healthy when it tells its topics."""
        return Process(
            name="kafka",
            argv=java_command("kafka.Kafka", str(self._properties), jars=self.jars),
            healthy=self._is_healthy,
            start_deadline_s=120.0,
        )

    @property
    def is_listening(self) -> bool:
        """Whether it is worth asking: a Kafka client would wait for long, and log each refused connection."""
        return is_open(self.port)

    def _is_healthy(self) -> bool:
        if not self.is_listening:
            return False
        try:
            brokers = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0}).list_topics(timeout=2)
        except KafkaException:
            return False
        return bool(brokers.brokers)
