"""What is different from Faust's Kafka transport: how it produces, and where it begins to read after a rebalance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka


class IdempotentProducer(aiokafka.Producer):  # type: ignore[misc]
    """Keeps the order of what was sent over a broker's outage, however long: batches never expire (KIP-98)."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {**super()._settings_extra(), "acks": "all", "enable_idempotence": True}


class HeldConsumer(aiokafka.Consumer):  # type: ignore[misc]
    """Hands on nothing between an assignment and the seek to what is committed.

    Faust stops its flow when partitions are given back, so not in a member that has none. If that one is given some,
    it hands on records while it still asks for the committed offsets (faust/tables/recovery.py, _resume_streams): what
    its queue then holds is cleared when the flow is resumed, is fetched a second time, and is dropped because of
    _read_offset, which the first time has moved. Acknowledgements pass over the gap.
    """

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Before anything can be fetched from them."""
        self._hold()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Whoever seeks resumes the flow afterwards; an assignment before this one may have resumed it just now."""
        self._hold()
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[Any, int | None]:
        """Also where nothing is committed: Faust leaves such a partition where an earlier fetch has moved it to."""
        committed: Mapping[Any, int | None] = await super().seek_to_committed()
        new = [partition for partition, offset in committed.items() if not offset]
        if new:
            await self._thread.seek_to_beginning(*new)
        return committed

    def _hold(self) -> None:
        self.stop_flow()
        self.app.flow_control.suspend()


class LineTransport(aiokafka.Transport):  # type: ignore[misc]
    """aiokafka with the idempotent producer and the consumer that begins where the commits end."""

    Producer = IdempotentProducer
    Consumer = HeldConsumer
