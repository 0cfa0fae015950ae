"""What no service writes on purpose has a defined end, in the row and in the dead letters, and the line goes on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from conftest import Population
from running_line import RunningLine

from streams.demo import payloads
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.messages import DeadLetter, DeadLetterKind, Origin

BEGAN_AT = datetime.now(UTC)
CHANGE_EVENTS, COMMANDS = "gx.public.outbox_commands", commands_topic("org1-admin")
MIB = 1024 * 1024
TRUNCATE = {"op": "t", "before": None, "after": None, "source": {"table": "outbox_commands"}, "ts_ms": 1764561600000}
UPDATE = {"op": "u", "before": None, "after": {"id": "c-1", "status": "FAILED"}, "ts_ms": 1764561600000}


@dataclass(frozen=True)
class Planted:
    """A record that is none of ours, and the code of its dead letter."""

    value: bytes | None
    code: str
    topic: str = CHANGE_EVENTS


PLANTED = {
    "a change event that is not JSON": Planted(b'{"op": "c", ', "NOT_JSON"),
    "a change event with half a surrogate pair in UTF-8": Planted(b'"\xed\xa0\x80"', "NOT_JSON"),
    "a tombstone among the change events": Planted(None, "TOMBSTONE"),
    "a truncate": Planted(json.dumps(TRUNCATE).encode(), "NOT_AN_INSERT"),
    "an update": Planted(json.dumps(UPDATE).encode(), "NOT_AN_INSERT"),
    "a number of 5,000 digits": Planted(b"9" * 5000, "NOT_JSON"),
    "1 MiB among the change events": Planted(b"x" * MIB, "NOT_JSON"),
    "a tombstone among the commands": Planted(None, "UNREADABLE", COMMANDS),
    "1 MiB among the commands": Planted(b"x" * MIB, "UNREADABLE", COMMANDS),
    "a tombstone among the results": Planted(None, "UNREADABLE", RESULTS),
    "1 MiB among the results": Planted(b"x" * MIB, "UNREADABLE", RESULTS),
}


def test_every_planted_record_becomes_a_dead_letter_and_the_next_command_is_carried(
    line: RunningLine, population: Population
) -> None:
    origins = {name: plant(line, planted) for name, planted in PLANTED.items()}
    line.carry("TRANSFER_TOKENS", transfer(population))
    line.settle()

    letters = {letter.origin: letter for letter in dead_letters(line)}
    for name, planted in PLANTED.items():
        letter = letters[origins[name]]
        assert (letter.kind, letter.error_code) == (DeadLetterKind.MALFORMED, planted.code), name
        assert (letter.command_id, letter.key, letter.value) == (None, b"key", planted.value), name


@dataclass(frozen=True)
class Poison:
    """A payload, or what a transfer has instead of the usual; and its end. `code` None: it is committed."""

    payload: dict[str, object] | str
    code: str | None = None
    text: str = ""
    command_type: str = "TRANSFER_TOKENS"
    kind: DeadLetterKind = DeadLetterKind.MALFORMED


MANY_DIGITS = 10**39 + 1
IN_ANY_TABLE = {
    "a field of 1 MiB that nobody asks for": Poison({"note": "x" * MIB}),
    # Every quote is escaped in the payload, and both signs again in the change event.
    "1 MiB of what grows most on the way": Poison({"note": '"' * (MIB // 2)}),
    "an argument of 1 MiB": Poison({"remark": "x" * MIB}),
    "an ordering key of 1 MiB": Poison(
        {"fromUserId": "x" * MIB}, "CHAINCODE_REFUSED", "sender validation failed", kind=DeadLetterKind.REFUSED
    ),
    "a number of 40 digits as the amount": Poison(
        {"amount": MANY_DIGITS}, "CHAINCODE_REFUSED", "1e+39", kind=DeadLetterKind.REFUSED
    ),
    "a number of 40 digits that nobody asks for": Poison({"note": MANY_DIGITS}),
    "a number of 40 digits where text is wanted": Poison({"remark": MANY_DIGITS}, "WRONG_ARGUMENT_TYPE", "a number"),
}
# JavaScript writes 1e20 out, as the column of type jsonb would have.
MANY_NUMBERS = json.dumps({"orgId": "o", "orgName": "o", "orgType": "o", "stakeholderIds": []})[:-2] + (
    ",".join(["1e20"] * (MIB // 5)) + "]}"
)
IN_A_TABLE_OF_JSON = {
    "1 MiB that becomes 4 MiB when it is written out": Poison(
        MANY_NUMBERS, "COMMAND_TOO_LARGE", "write a smaller command", command_type="PROPOSE_ORGANIZATION"
    ),
    "a NUL in a remark": Poison({"remark": "a\0b"}),
    "a NUL in the payer": Poison(
        {"fromUserId": "a\0b"}, "CHAINCODE_REFUSED", "sender validation failed", kind=DeadLetterKind.REFUSED
    ),
    "half a surrogate pair in a remark": Poison({"remark": "\ud800"}, "WRONG_ARGUMENT_TYPE", "half of a surrogate"),
    "half a surrogate pair in the payer": Poison(
        {"fromUserId": "\ud800"}, "WRONG_ARGUMENT_TYPE", "half of a surrogate"
    ),
    "half a surrogate pair that nobody asks for": Poison({"note": "\ud800"}),
}


@pytest.mark.parametrize("case", IN_ANY_TABLE)
def test_a_poisoned_payload_has_its_end_and_the_next_command_is_carried(
    line: RunningLine, population: Population, case: str
) -> None:
    check(line, population, IN_ANY_TABLE[case])


@pytest.mark.parametrize("case", IN_A_TABLE_OF_JSON)
def test_what_only_a_column_of_type_json_can_hold_has_its_end_and_the_next_command_is_carried(
    payloads_as_json: RunningLine, population: Population, case: str
) -> None:
    check(payloads_as_json, population, IN_A_TABLE_OF_JSON[case])


def test_a_column_that_is_added_and_dropped_while_the_line_runs_holds_nothing_up(
    line: RunningLine, population: Population
) -> None:
    with line.connect() as connection:
        before = line.insert("TRANSFER_TOKENS", transfer(population))
        connection.execute("ALTER TABLE outbox_commands ADD COLUMN note text NOT NULL DEFAULT 'none'")
        between = line.insert("TRANSFER_TOKENS", transfer(population))
        rows = line.final(before + between)
        connection.execute("ALTER TABLE outbox_commands DROP COLUMN note")
        rows |= line.final(line.insert("TRANSFER_TOKENS", transfer(population)))
    assert {row.status for row in rows.values()} == {"COMMITTED"}


@pytest.fixture(scope="module")
def payloads_as_json(empty_line: RunningLine) -> Iterator[RunningLine]:
    """jsonb takes neither NUL nor half a surrogate pair; json does, and a table may have it."""
    began_at = datetime.now(UTC)
    with empty_line.connect() as connection:
        connection.execute("ALTER TABLE outbox_commands ALTER COLUMN payload TYPE json USING payload::json")
        yield empty_line
        connection.execute("DELETE FROM outbox_commands WHERE created_at >= %s", (began_at,))
        connection.execute("ALTER TABLE outbox_commands ALTER COLUMN payload TYPE jsonb USING payload::jsonb")


def check(line: RunningLine, population: Population, poison: Poison) -> None:
    poisoned, good = str(uuid.uuid4()), str(uuid.uuid4())
    usual = transfer(population)
    payload = poison.payload if isinstance(poison.payload, str) else json.dumps(usual | poison.payload)
    insert(line, poisoned, poison.command_type, payload)
    insert(line, good, "TRANSFER_TOKENS", json.dumps(usual))
    rows = line.final([poisoned, good])

    assert rows[good].status == "COMMITTED"
    row, letters = rows[poisoned], [letter for letter in dead_letters(line) if letter.command_id == poisoned]
    if poison.code is None:
        assert (row.status, row.error, letters) == ("COMMITTED", None, [])
        return
    assert (row.status, row.error_code) == ("FAILED", poison.code)
    assert poison.text in (row.error or "")
    (letter,) = letters
    assert (letter.kind, letter.error_code) == (poison.kind, poison.code)
    assert poisoned.encode() in (letter.value or b"")


def insert(line: RunningLine, command_id: str, command_type: str, payload: str) -> None:
    """As a service does, whichever type of JSON the column has."""
    with line.connect() as connection:
        connection.execute(
            "INSERT INTO outbox_commands (id, tenant_id, service, command_type, request_id, payload, updated_at)"
            " VALUES (%(id)s, 'default', 'test', %(type)s, %(id)s, %(payload)s, now())",
            {"id": command_id, "type": command_type, "payload": payload},
        )


def transfer(population: Population) -> dict[str, object]:
    return payloads.transfer(population.payers[0], population.payees[0], 1)


def plant(line: RunningLine, planted: Planted) -> Origin:
    """Append a record to the first partition; its address."""
    delivered: list[Origin] = []
    producer = Producer({"bootstrap.servers": line.bootstrap_servers, "message.max.bytes": 2 * MIB})
    producer.produce(
        planted.topic,
        planted.value,
        b"key",
        partition=0,
        on_delivery=lambda _, m: delivered.append(Origin(topic=planted.topic, partition=0, offset=m.offset())),
    )
    assert producer.flush(30) == 0
    return delivered[0]


def dead_letters(line: RunningLine) -> list[DeadLetter]:
    messages = read_since(line.bootstrap_servers, DEAD_LETTERS, BEGAN_AT)
    return [codecs.DEAD_LETTERS.decode(message.value()) for message in messages]
