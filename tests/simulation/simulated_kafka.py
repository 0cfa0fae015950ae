"""The topic of commands: partitions, the offsets that are committed, and what is delivered again after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field

from seeded_scenario import PARTITIONS, Planned


@dataclass(slots=True)
class Topic:
    """`committed` is where a new process begins; acknowledgements reach it with the next commit, or never."""

    partitions: list[list[Planned]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    committed: list[int] = field(default_factory=lambda: [0] * PARTITIONS)

    def append(self, planned: Planned) -> int:
        """By key, as Kafka's partitioner does."""
        partition = ord(planned.command.ordering_key) % PARTITIONS
        self.partitions[partition].append(planned)
        return partition

    @property
    def is_done(self) -> bool:
        """Nothing would be delivered to a new process."""
        return all(offset == len(records) for offset, records in zip(self.committed, self.partitions, strict=True))
