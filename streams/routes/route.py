"""What the table says about one command type."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routes.arguments import Argument, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who signs, what is called, with which arguments. Commands of a type that is not `enabled` are refused.

    `touches` are further keys beside the ordering key. `waits_for_parked`: not sent past a parked command of its
    ordering key.
    """

    command_type: str
    identity: str
    contract: str
    function: str
    arguments: tuple[Argument, ...]
    ordering_key: Key
    touches: tuple[Key, ...] = ()
    waits_for_parked: bool = True
    enabled: bool = True

    @property
    def transaction_name(self) -> str:
        """`contract:function`."""
        return f"{self.contract}:{self.function}"
