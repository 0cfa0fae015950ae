"""A chaincode that can be made to wait and to refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from streams.chaincode.state import ChaincodeRefused, State

PAUSED = "system is paused: incident 42"


class Gate:
    """Notes its calls.

    While the gate is shut, a call of `wait` does not answer, one of `ask` is refused, and one of `held` is refused with
    the words for which commands wait. `refused` is always refused.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.called: list[str] = []

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes | Awaitable[bytes]:
        (command_id,) = arguments
        self.called.append(command_id)
        if function == "Gate:refused":
            raise ChaincodeRefused("never")
        if function == "Gate:ask" and not self.open.is_set():
            raise ChaincodeRefused("the gate is shut")
        if function == "Gate:held" and not self.open.is_set():
            raise ChaincodeRefused(PAUSED)
        state.put(command_id, b"done")
        return self._wait() if function == "Gate:wait" else b"done"

    async def _wait(self) -> bytes:
        await self.open.wait()
        return b"done"
