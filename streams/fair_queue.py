"""Whose turn it is: the waiting tenant that holds the least for its weight. Pure; knows no clock and no task."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

SPARE_ENTRIES = 64
"""How many outdated heap entries are no reason to tidy up."""


@dataclass(eq=False, slots=True)
class _Tenant(Generic[T]):
    """`since`: the turn in which it was served last or began to wait; `entry`: the number of its valid heap entry."""

    weight: float
    in_use: int = 0
    since: int = 0
    entry: int = 0
    waiting: OrderedDict[T, None] = field(default_factory=OrderedDict)


class FairQueue(Generic[T]):
    """Waiting items and slots in use, by tenant. O(log tenants) a step.

    Of the waiting tenants the one with the least slots in use per weight is next, among equals the one served longest
    ago; within a tenant first come, first served. Tenants without a weight have 1. Nothing is kept of a tenant that
    neither waits nor uses a slot. Raises ValueError for a weight that is not above 0.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        for tenant, weight in weights.items():
            if not weight > 0:
                raise ValueError(f"the weight of tenant {tenant} is {weight}, it must be above 0")
        self._weights = dict(weights)
        self._tenants: dict[str, _Tenant[T]] = {}
        self._heap: list[tuple[float, int, int, str]] = []
        self._entries = 0
        self._turns = 0
        self._waiting = 0
        self.in_use = 0

    def __len__(self) -> int:
        return self._waiting

    def push(self, name: str, item: T) -> None:
        """The item waits, behind those of its tenant."""
        tenant = self._tenant(name)
        if not tenant.waiting:
            tenant.since = self._next_turn()
        tenant.waiting[item] = None
        self._waiting += 1
        if len(tenant.waiting) == 1:
            self._rank(name, tenant)

    def first(self) -> T | None:
        """The next item; None when nothing waits."""
        while self._heap:
            _, _, entry, name = self._heap[0]
            tenant = self._tenants.get(name)
            if tenant is not None and tenant.entry == entry and tenant.waiting:
                return next(iter(tenant.waiting))
            heapq.heappop(self._heap)
        return None

    def pop(self) -> T | None:
        """The next item stops waiting and uses a slot; None when nothing waits."""
        item = self.first()
        if item is None:
            return None
        name = self._heap[0][-1]
        self._tenants[name].waiting.popitem(last=False)
        self._waiting -= 1
        self.use(name)
        return item

    def use(self, name: str) -> None:
        """The tenant uses one more slot."""
        tenant = self._tenant(name)
        tenant.in_use += 1
        tenant.since = self._next_turn()
        self.in_use += 1
        self._rank(name, tenant)

    def release(self, name: str) -> None:
        """The tenant uses one slot less. Raises KeyError if it uses none."""
        tenant = self._tenants[name]
        if not tenant.in_use:
            raise KeyError(name)
        tenant.in_use -= 1
        self.in_use -= 1
        self._rank(name, tenant)

    def discard(self, name: str, item: T) -> None:
        """The item waits no longer. Nothing happens if it did not wait."""
        tenant = self._tenants.get(name)
        if tenant is None or item not in tenant.waiting:
            return
        del tenant.waiting[item]
        self._waiting -= 1
        self._forget_idle(name, tenant)

    def clear(self) -> list[T]:
        """Nothing waits any longer; what did, is returned."""
        dropped = [item for tenant in self._tenants.values() for item in tenant.waiting]
        self._tenants = {name: tenant for name, tenant in self._tenants.items() if tenant.in_use}
        for tenant in self._tenants.values():
            tenant.waiting.clear()
        self._heap.clear()
        self._waiting = 0
        return dropped

    def _tenant(self, name: str) -> _Tenant[T]:
        tenant = self._tenants.get(name)
        if tenant is None:
            tenant = self._tenants[name] = _Tenant(self._weights.get(name, 1.0))
        return tenant

    def _forget_idle(self, name: str, tenant: _Tenant[T]) -> None:
        if not tenant.in_use and not tenant.waiting:
            del self._tenants[name]

    def _next_turn(self) -> int:
        self._turns += 1
        return self._turns

    def _rank(self, name: str, tenant: _Tenant[T]) -> None:
        """Where the tenant stands now; its earlier heap entry is outdated and stays until it comes up."""
        self._forget_idle(name, tenant)
        if not tenant.waiting:
            return
        self._entries += 1
        tenant.entry = self._entries
        heapq.heappush(self._heap, (tenant.in_use / tenant.weight, tenant.since, tenant.entry, name))
        if len(self._heap) > 2 * len(self._tenants) + SPARE_ENTRIES:
            self._heap = [
                (other.in_use / other.weight, other.since, other.entry, name)
                for name, other in self._tenants.items()
                if other.waiting
            ]
            heapq.heapify(self._heap)
