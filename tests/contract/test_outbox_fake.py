"""The outbox contract on the fake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from outbox_contract import OutboxContract
from write_back_contract import WriteBackContract

from streams.postgres.fake import FakeOutbox


class TestFakeOutbox(OutboxContract, WriteBackContract):
    @pytest.fixture
    def outbox(self) -> FakeOutbox:
        return FakeOutbox(lambda: datetime.now(UTC))
