"""What the table says about one command type."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routes.arguments import Argument, OrderingKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who signs, what is called, with which arguments. Commands of a type that is not `enabled` are refused."""

    command_type: str
    identity: str
    contract: str
    function: str
    arguments: tuple[Argument, ...]
    ordering_key: OrderingKey
    enabled: bool = True

    @property
    def transaction_name(self) -> str:
        """`contract:function`."""
        return f"{self.contract}:{self.function}"
