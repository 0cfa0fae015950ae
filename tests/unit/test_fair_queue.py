"""The tenant with the least in use for its weight is next; nothing is kept of a tenant without business."""

from __future__ import annotations

import gc
import random
import tracemalloc

import pytest

from streams.fair_queue import FairQueue


def served(queue: FairQueue[str], slots: int) -> list[str]:
    """Everything that waits, in the order in which it gets a slot; the oldest of `slots` slots becomes free each time.

    An item is named `tenant number`.
    """
    order: list[str] = []
    while (item := queue.pop()) is not None:
        order.append(item)
        if queue.in_use == slots:
            queue.release(order[-slots].split()[0])
    return order


def push_all(queue: FairQueue[str], tenant: str, many: int) -> None:
    for number in range(many):
        queue.push(tenant, f"{tenant} {number}")


def test_a_tenant_with_ten_thousand_waiting_does_not_starve_one_with_ten() -> None:
    queue: FairQueue[str] = FairQueue({})
    push_all(queue, "big", 10_000)
    push_all(queue, "small", 10)
    order = served(queue, slots=8)
    assert len(order) == 10_010
    assert order.index("small 9") <= 21
    assert [item for item in order if item.startswith("big")] == [f"big {number}" for number in range(10_000)]


def test_tenants_share_the_slots_by_their_weights() -> None:
    queue: FairQueue[str] = FairQueue({"heavy": 3.0})
    push_all(queue, "light", 500)
    push_all(queue, "heavy", 500)
    first = served(queue, slots=8)[:400]
    share = sum(item.startswith("heavy") for item in first) / len(first)
    assert 0.70 <= share <= 0.80


def test_tenants_that_use_equally_much_take_turns() -> None:
    queue: FairQueue[str] = FairQueue({})
    for tenant in "abc":
        push_all(queue, tenant, 3)
    order = served(queue, slots=1)
    assert [item.split()[0] for item in order] == ["a", "b", "c"] * 3


def test_a_tenant_that_comes_back_at_once_does_not_pass_those_that_waited() -> None:
    queue: FairQueue[str] = FairQueue({})
    push_all(queue, "patient", 2)
    queue.push("restless", "restless")
    order = []
    for _ in range(4):
        item = queue.pop()
        assert item is not None
        order.append(item)
        queue.release(item.split()[0])
        if item == "restless":
            queue.push("restless", "restless")
    assert order == ["patient 0", "restless", "patient 1", "restless"]


def test_an_item_that_was_discarded_is_not_served() -> None:
    queue: FairQueue[str] = FairQueue({})
    push_all(queue, "a", 3)
    queue.push("b", "b 0")
    queue.discard("a", "a 0")
    queue.discard("b", "b 0")
    queue.discard("b", "b 0")
    assert (len(queue), served(queue, slots=1)) == (2, ["a 1", "a 2"])


def test_nothing_is_kept_of_tenants_that_neither_wait_nor_use_a_slot() -> None:
    queue: FairQueue[int] = FairQueue({})

    def carry(numbers: range) -> None:
        """Of five tenants a time one is discarded, the others are served; a steady one holds a slot throughout."""
        for number in numbers:
            queue.push(f"tenant {number}", number)
            if number % 5 == 0:
                queue.discard(f"tenant {number}", number)
            elif number % 5 == 4:
                for waited in range(number - 3, number + 1):
                    assert queue.pop() == waited
                    queue.release(f"tenant {waited}")

    queue.use("steady")
    carry(range(10_000))
    gc.collect()
    objects = len(gc.get_objects())
    carry(range(10_000, 110_000))
    gc.collect()
    assert (len(queue), queue.in_use) == (0, 1)
    assert len(gc.get_objects()) - objects < 300


def test_a_queue_that_is_never_empty_does_not_grow() -> None:
    queue: FairQueue[str] = FairQueue({})
    for tenant in "abc":
        push_all(queue, tenant, 5)
    chance, in_use = random.Random(1), list[str]()
    tracemalloc.start()
    try:
        for number in range(20_000):
            item = queue.pop()
            assert item is not None
            in_use.append(item.split(maxsplit=1)[0])
            queue.push(in_use[-1], f"{in_use[-1]} again {number}")
            if len(in_use) == 9:
                queue.release(in_use.pop(chance.randrange(9)))
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(queue) == 15
    assert grown < 50_000


def test_what_is_cleared_is_returned_and_slots_in_use_stay_in_use() -> None:
    queue: FairQueue[str] = FairQueue({})
    push_all(queue, "a", 3)
    push_all(queue, "b", 1)
    assert queue.pop() == "a 0"
    assert sorted(queue.clear()) == ["a 1", "a 2", "b 0"]
    assert (len(queue), queue.in_use, queue.first(), queue.pop()) == (0, 1, None, None)
    queue.push("c", "c 0")
    queue.push("a", "a 3")
    assert [queue.pop(), queue.pop()] == ["c 0", "a 3"]


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_that_is_not_above_zero_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="the weight of tenant a"):
        FairQueue({"a": weight})


def test_a_slot_that_nobody_uses_cannot_be_released() -> None:
    queue: FairQueue[str] = FairQueue({})
    queue.push("a", "a 0")
    for tenant in ("a", "b"):
        with pytest.raises(KeyError):
            queue.release(tenant)
