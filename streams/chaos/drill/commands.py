"""What a drill inserts: transfers between users of its own, each with its command id in an argument."""

from __future__ import annotations

from streams.chaos.workload import Planned, Workload


class Transfers(Workload):
    """`is_fresh`: the ledger was never used, and is set up first."""

    def __init__(self, seed: int, *, is_fresh: bool) -> None:
        super().__init__(seed)
        self._is_fresh = is_fresh

    def preparation(self) -> list[list[Planned]]:
        """The system and a country if there is none yet, and users that hold money."""
        bootstrap, countries, users = super().preparation()
        return [bootstrap, countries, users] if self._is_fresh else [users]

    def next(self) -> Planned:
        """One more transfer."""
        return self._transfer()
