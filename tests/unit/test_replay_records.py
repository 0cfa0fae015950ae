"""The records that a replay looks at come out as they went in, each with what is newer of its command."""

from __future__ import annotations

from dataclasses import replace

from scripted_ledger import COMMAND

from streams.messages import Origin
from streams.operations.history import History
from streams.operations.replay.records import Record, Records


def at(offset: int, topic: str = "commands.org1-admin") -> Origin:
    return Origin(topic=topic, partition=0, offset=offset)


def all_of(records: Records) -> list[Record]:
    return [record for batch in records.batches() for record in batch]


def test_records_are_told_in_their_order_with_the_newer_one_and_whether_a_replay_has_delivered_them() -> None:
    other = replace(COMMAND, command_id="c-2")
    with History() as history:
        records = Records(history)
        for offset, command in enumerate((COMMAND, other, COMMAND)):
            records.add(at(offset), command, b"%d" % offset)
            records.note_newest(command.command_id, 0, at(offset))
        records.note_under_way("c-2")
        records.note_under_way("c-2")
        found = all_of(records)
        assert len(records) == 3
    assert [(one.command_id, one.value, one.later) for one in found] == [
        ("c-1", b"0", at(2)),
        ("c-2", b"1", None),
        ("c-1", b"2", None),
    ]
    assert [one.is_under_way for one in found] == [False, True, False]


def test_more_records_than_a_batch_are_told_once_each() -> None:
    with History() as history:
        records = Records(history)
        for offset in range(450):
            records.add_problem(at(offset), "unreadable: no", command_id=None, command_type=None)
        assert [one.origin.offset for one in all_of(records)] == list(range(450))


def test_a_routed_command_takes_the_place_of_its_change_event() -> None:
    with History() as history:
        records = Records(history)
        records.add_problem(at(5, "cdc"), "refused: no", command_id="c-1", command_type="MINT")
        records.adopt(COMMAND, at(1), b"routed")
        (found,) = all_of(records)
    assert (found.origin, found.value, found.problem) == (at(1), b"routed", None)


def test_a_higher_revision_stays_the_newest() -> None:
    with History() as history:
        records = Records(history)
        records.add(at(0), COMMAND, b"")
        records.note_newest("c-1", 0, at(0))
        records.note_revision("c-1", 2, at(9, "replays.org1-admin"))
        records.note_newest("c-1", 1, at(4))
        (found,) = all_of(records)
    assert found.later == at(9, "replays.org1-admin")
