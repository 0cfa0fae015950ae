"""What cannot go on is FAILED with a cause, kept as a dead letter, and holds nothing up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer
from conftest import Population
from running_line import RunningLine

from streams.demo import payloads
from streams.demo.payloads import COIN
from streams.demo.script import UNKNOWN_TYPE
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.messages import DeadLetter, DeadLetterKind, Origin

BEGAN_AT = datetime.now(UTC)
CHANGE_EVENTS = "gx.public.outbox_commands"


@dataclass(frozen=True)
class Bad:
    """A command that must fail. Texts may name {payer} and {payee}; `topic` is where it was last read."""

    payload: Any
    code: str
    text: str
    kind: DeadLetterKind = DeadLetterKind.MALFORMED
    topic: str = CHANGE_EVENTS
    command_type: str = "TRANSFER_TOKENS"


BAD = {
    "an unknown command type": Bad(
        command_type=UNKNOWN_TYPE,
        payload={"fromUserId": "{payer}"},
        code="UNKNOWN_COMMAND_TYPE",
        text=f"no route for command type {UNKNOWN_TYPE}",
        kind=DeadLetterKind.UNROUTABLE,
    ),
    "an array as payload": Bad(payload=["{payer}", 5], code="MALFORMED_PAYLOAD", text="is an array"),
    "no payload": Bad(payload=None, code="MALFORMED_PAYLOAD", text="is null"),
    "a missing argument": Bad(
        payload={"fromUserId": "{payer}", "amount": 5}, code="MISSING_ARGUMENT", text="toUserId is missing"
    ),
    "an argument of the wrong type": Bad(
        payload=payloads.transfer("{payer}", "{payee}", 5) | {"toUserId": {"id": 7}},
        code="WRONG_ARGUMENT_TYPE",
        text="toUserId",
    ),
    "a command that the chaincode refuses": Bad(
        payload=payloads.transfer("{payer}", "{payee}", 10**9 * COIN),
        code="CHAINCODE_REFUSED",
        text="insufficient funds: account {payer} holds",
        kind=DeadLetterKind.REFUSED,
        topic=commands_topic("org1-admin"),
    ),
    "an identity without the right": Bad(
        command_type="PROPOSE_ORGANIZATION",
        payload={"orgId": "ORG-GOV", "orgName": "Ministry", "orgType": "GOVERNMENT", "stakeholderIds": ["{payer}"]},
        code="CHAINCODE_REFUSED",
        text="client 'org1-partner-api' does not have the required role 'gx_admin'",
        kind=DeadLetterKind.REFUSED,
        topic=commands_topic("org1-partner-api"),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_command_fails_with_a_cause_and_the_next_one_is_carried(
    line: RunningLine, population: Population, case: str
) -> None:
    bad, (payer, payee) = BAD[case], (population.payers[0], population.payees[0])
    payload = json.loads(json.dumps(bad.payload).replace("{payer}", payer).replace("{payee}", payee))
    good = payloads.transfer(payer, payee, 1)

    bad_id, good_id = line.insert_all([(bad.command_type, payload), ("TRANSFER_TOKENS", good)])
    rows = line.final([bad_id, good_id])

    assert rows[good_id].status == "COMMITTED"
    row = rows[bad_id]
    assert (row.status, row.error_code, row.transaction_id) == ("FAILED", bad.code, None)
    assert bad.text.replace("{payer}", payer) in (row.error or "")
    (letter,) = [letter for letter in dead_letters(line) if letter.command_id == bad_id]
    assert (letter.kind, letter.error_code, letter.cause) == (bad.kind, bad.code, row.error)
    assert (letter.command_type, letter.origin.topic) == (bad.command_type, bad.topic)
    assert bad_id.encode() in (letter.value or b"")
    story = line.json("trace", bad_id)
    assert [answer["code"] for answer in story["ledger"]] in ([], [None])
    (told,) = [told for told in (*story["change_events"], *story["routed"]) if told["origin"]["topic"] == bad.topic]
    assert letter.origin == Origin(**told["origin"])
    assert [told["letter"]["error_code"] for told in story["dead_letters"]] == [bad.code]


@pytest.mark.parametrize("topic", [CHANGE_EVENTS, commands_topic("org1-admin"), RESULTS])
def test_a_record_that_is_not_ours_becomes_a_dead_letter_and_the_next_command_is_carried(
    line: RunningLine, population: Population, topic: str
) -> None:
    origin = produce(line, topic, b"\xffnot ours")
    line.carry("TRANSFER_TOKENS", payloads.transfer(population.payers[0], population.payees[0], 1))

    line.settle()
    (letter,) = [letter for letter in dead_letters(line) if letter.origin == origin]
    assert (letter.kind, letter.command_id) == (DeadLetterKind.MALFORMED, None)
    assert (letter.key, letter.value) == (b"key", b"\xffnot ours")


def produce(line: RunningLine, topic: str, value: bytes) -> Origin:
    """Append a record to the first partition; its address."""
    delivered: list[Origin] = []
    producer = Producer({"bootstrap.servers": line.bootstrap_servers})
    producer.produce(
        topic,
        value,
        b"key",
        partition=0,
        on_delivery=lambda _, m: delivered.append(Origin(topic=topic, partition=0, offset=m.offset())),
    )
    assert producer.flush(30) == 0
    return delivered[0]


def dead_letters(line: RunningLine) -> list[DeadLetter]:
    messages = read_since(line.bootstrap_servers, DEAD_LETTERS, BEGAN_AT)
    return [codecs.DEAD_LETTERS.decode(message.value()) for message in messages]
