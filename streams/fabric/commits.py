"""The fate of submitted transactions, read from the stream of blocks.

Who submits registers first and keeps what it gets: an expectation that nobody holds any more is forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakValueDictionary

from streams.fabric.envelopes import validation_code
from streams.ledger import VALID
from streams.retry import CONFLICTS, DUPLICATE_TXID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A transaction seen in a block, with a code that no other entry of its id can change."""

    code: str
    block_number: int
    seen_at: datetime


class Expectation:
    """One expected transaction.

    `has_several`: there is more than one envelope of its id. `is_repeated`: a block held it as a mere repetition, so
    the ledger has its id, and no further envelope of it can become valid.
    """

    __slots__ = ("__weakref__", "_is_doubtful", "_sighting", "_waiting", "has_several", "is_repeated")

    def __init__(self) -> None:
        self.has_several = self.is_repeated = False
        self._sighting: Sighting | None = None
        self._is_doubtful = False
        self._waiting: list[asyncio.Future[bool]] = []

    @property
    def is_seen(self) -> bool:
        """Whether it is in a block."""
        return self._sighting is not None

    async def news(self, deadline: float) -> Sighting | None:
        """Wait for news: the sighting, or None when only a look-up can tell.

        `deadline` is a time of the event loop's clock. Raises TimeoutError.
        """
        if self._sighting is None and not self._is_doubtful:
            loop = asyncio.get_running_loop()
            waiting: asyncio.Future[bool] = loop.create_future()
            self._waiting.append(waiting)
            # A timer of its own: asyncio.timeout costs more than the whole wait.
            timer = loop.call_at(deadline, _answer, waiting, False)
            try:
                if not await waiting:
                    raise TimeoutError
            finally:
                timer.cancel()
                self._waiting.remove(waiting)
        self._is_doubtful = False
        return self._sighting

    def seen(self, sighting: Sighting) -> None:
        """It is in a block."""
        self._sighting = sighting
        self._wake_all()

    def doubt(self) -> None:
        """It may be on the ledger without the stream telling."""
        self._is_doubtful = True
        self._wake_all()

    def _wake_all(self) -> None:
        for waiting in self._waiting:
            _answer(waiting, True)


def _answer(waiting: asyncio.Future[bool], is_news: bool) -> None:
    if not waiting.done():
        waiting.set_result(is_news)


class Commits:
    """Every expected transaction of this process, by transaction id."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._expected: WeakValueDictionary[str, Expectation] = WeakValueDictionary()

    def expect(self, transaction_id: str) -> Expectation:
        """Register, before Submit."""
        expectation = self._expected.get(transaction_id)
        if expectation is None:
            expectation = self._expected[transaction_id] = Expectation()
        else:
            expectation.has_several = True
        return expectation

    def __len__(self) -> int:
        return len(self._expected)

    def block(self, number: int, codes: list[tuple[str, int]]) -> None:
        """Decide over all entries of an id: any VALID wins.

        Then a conflict, which only a whole and signed entry can get. Other codes do not settle it: a repetition
        (DUPLICATE_TXID) has an earlier entry, and under any id a stranger may order junk.
        """
        of_expected: dict[str, list[str]] = {}
        for transaction_id, code in codes:
            if transaction_id in self._expected:
                of_expected.setdefault(transaction_id, []).append(validation_code(code))
        for transaction_id, seen in of_expected.items():
            expectation = self._expected.get(transaction_id)
            if expectation is None:
                continue
            settled = next((code for code in (VALID, *sorted(CONFLICTS)) if code in seen), None)
            expectation.is_repeated |= DUPLICATE_TXID in seen
            if settled is None:
                expectation.doubt()
            else:
                expectation.has_several |= len(seen) > 1
                expectation.seen(Sighting(code=settled, block_number=number, seen_at=self._now()))

    def gap(self) -> None:
        """Everything expected has to be looked up."""
        for expectation in list(self._expected.values()):
            expectation.doubt()
