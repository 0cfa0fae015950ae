"""Two submit workers and what is delivered once more: a partition of both topics is always with one of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from confluent_kafka.admin import AdminClient
from neighbours import eventually
from submit_bench import Bench

from streams.kafka import codecs
from streams.kafka.groups import submit_group
from streams.kafka.replays import Replay
from streams.kafka.topics import commands_topic, replays_topic
from streams.messages import OutcomeKind, RoutedCommand
from streams.operations.audit import append


def assignments(line: Bench) -> list[dict[str, list[int]]]:
    """By member: topic -> partitions, as the group's leader has given them out (Kafka's consumer protocol)."""
    admin = AdminClient({"bootstrap.servers": line.broker.bootstrap_servers, "log_level": 0})
    (group,) = admin.list_groups(submit_group(line.identity), timeout=10)
    return [dict(_assigned(member.assignment)) for member in group.members if member.assignment]


def _assigned(protocol: bytes) -> Iterator[tuple[str, list[int]]]:
    _, topics = struct.unpack_from(">hi", protocol)
    at = 6
    for _ in range(topics):
        (length,) = struct.unpack_from(">h", protocol, at)
        name = protocol[at + 2 : at + 2 + length].decode()
        (count,) = struct.unpack_from(">i", protocol, at + 2 + length)
        yield name, sorted(struct.unpack_from(f">{count}i", protocol, at + 6 + length))
        at += 6 + length + 4 * count


def replay(line: Bench, partition_key: str, *commands: RoutedCommand, is_redrive: bool = False) -> None:
    how = Replay(replay_id="r-1", is_redrive=is_redrive)
    records = [
        (partition_key.encode(), codecs.ROUTED_COMMANDS.encode(command), how.headers(command)) for command in commands
    ]
    append(line.broker.bootstrap_servers, replays_topic(line.identity), records)


async def test_of_two_workers_each_has_the_same_partitions_of_both_topics_also_after_one_left(line: Bench) -> None:
    live, again = commands_topic(line.identity), replays_topic(line.identity)
    await line.worker("first").start()
    await line.worker("second").start()

    def is_shared() -> bool:
        return sorted(assigned.get(live, []) for assigned in assignments(line)) == [[0], [1]]

    await eventually(is_shared, "a partition for each")
    assert all(assigned[live] == assigned[again] for assigned in assignments(line))
    line.worker("second").kill()
    line.worker("second").child = None
    await line.worker("third").start()
    await eventually(lambda: all(a.get(live) == a.get(again) for a in assignments(line)), "the same again")


async def test_what_is_replayed_waits_for_what_is_live_of_its_key_and_changes_nothing(line: Bench) -> None:
    slow, done = line.command("slow", "wait"), line.command("other")
    line.produce(0, done, slow)
    await line.worker().start()
    await line.until_committed(done)
    replay(line, "key", done, slow)
    await eventually(lambda: line.outcomes(OutcomeKind.COMMITTED)[done.command_id] == 2, "an outcome for the replay")
    assert line.worker().metric("outbox_replays_in_flight") == 1
    line.gate.open.set()
    await eventually(lambda: line.outcomes(OutcomeKind.COMMITTED)[slow.command_id] == 2, "both again")
    assert await line.valid_transactions() == await line.transaction_ids(slow, done)


async def test_only_a_redrive_tries_again_what_has_failed(line: Bench) -> None:
    refused = line.command("refused", "ask")
    line.produce(0, refused)
    await line.worker().start()
    await eventually(lambda: refused.command_id in line.outcomes(OutcomeKind.FAILED), "a refusal")
    line.gate.open.set()
    replay(line, "key", refused)
    await eventually(lambda: line.outcomes(OutcomeKind.FAILED)[refused.command_id] == 2, "the same end again")
    replay(line, "key", refused, is_redrive=True)
    await line.until_committed(refused)
    assert await line.valid_transactions() == await line.transaction_ids(refused)
