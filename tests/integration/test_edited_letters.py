"""Commands edited after they failed, between a real Kafka, a real worker and a simulated network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from neighbours import eventually
from submit_bench import Bench
from test_dead_letters import SETTLE_S, lanes_of, letters, until_settled, watching
from test_submit_worker_holds import say_parked

from streams.errors import PipelineError
from streams.messages import ChangeEvent, Command, OutcomeKind, RoutedCommand
from streams.operations.audit import Writer, new_action
from streams.operations.letters import edit as editing
from streams.operations.letters.letter import Letter
from streams.operations.letters.step import resolve
from streams.operations.letters.watch import Watch
from streams.operations.truth import ledgers
from streams.operators import Resolution


def draft_of(found: Letter, last: RoutedCommand | None = None) -> editing.Draft:
    last = last or found.command
    assert last is not None
    command = Command(
        command_id=last.command_id,
        tenant_id=last.tenant_id,
        service="test",
        command_type=last.command_type,
        request_id=last.request_id,
        payload="{}",
        created_at=last.created_at,
    )
    event = ChangeEvent(
        command=command, lsn=None, captured_at=last.captured_at, from_snapshot=False, origin=last.captured_from
    )
    return editing.Draft(found=found, event=event, last=last)


async def edited(line: Bench, found: Letter, command: RoutedCommand, watch: Watch | None = None) -> None:
    watch = watch or watching(line, command)
    async with ledgers(line.fabric, [line.identity]) as asked:
        action = new_action("edit", by="eve", reason="ticket 7")
        await editing.publish(watch, asked, draft_of(found), command, action, SETTLE_S)


async def test_an_edited_command_is_a_new_revision_and_the_old_one_says_nothing_more(line: Bench) -> None:
    refused = line.command("key", "refused")
    line.produce(0, refused)
    await line.worker().start()
    await eventually(lambda: bool(letters(line)), "its letter")
    await until_settled(line, refused)
    (found,) = letters(line)
    now = datetime.now(UTC)
    correct = replace(refused, function="write", ordering_key="other", revision=1, routed_at=now)
    await edited(line, found, correct)
    await line.until_committed(correct)
    assert line.outcomes(OutcomeKind.FAILED) == {refused.command_id: 1}
    assert not letters(line)[0].is_open

    line.produce(0, refused)
    await eventually(lambda: line.committed_offset(0) == 2, "the old revision, absorbed")
    assert line.outcomes(OutcomeKind.FAILED) == {refused.command_id: 1}
    assert await line.valid_transactions() == await line.transaction_ids(correct)


async def test_a_command_that_is_on_the_ledger_gets_no_new_revision(line: Bench) -> None:
    command = line.command("key")
    line.produce(0, command)
    await line.worker().start()
    await line.until_committed(command)
    say_parked(line, command)
    await until_settled(line, command)
    (found,) = letters(line)
    with pytest.raises(PipelineError, match=r"is not edited: transaction .* is VALID in block"):
        await edited(line, found, replace(command, arguments=("other",), revision=1))
    assert lanes_of(line) == []
    assert letters(line)[0].is_open


async def test_a_command_that_was_routed_after_its_letter_is_not_edited_as_if_it_never_was(line: Bench) -> None:
    """The routes were corrected and its change event routed again."""
    command = line.command("key")
    say_parked(line, command)
    (found,) = letters(line)
    made = replace(draft_of(replace(found, command=None), command), last=None)
    servers, identities = line.broker.bootstrap_servers, [line.identity]
    assert editing.told(servers, made, identities) is None
    watch = watching(line, command)
    line.produce(0, command)
    assert "it was routed although" in (editing.told(servers, made, identities) or "")
    correct = replace(command, arguments=("other",), revision=1)
    async with ledgers(line.fabric, identities) as asked:
        with pytest.raises(PipelineError, match="a worker has it in hand"):
            await editing.publish(watch, asked, made, correct, new_action("edit", by="eve"), SETTLE_S)
        await line.worker().start()
        await line.until_committed(command)
        await eventually(lambda: line.committed_offset(0) == 1, "its acknowledgement")
        with pytest.raises(PipelineError, match="since you began to look: look at it again"):
            await editing.publish(watch, asked, made, correct, new_action("edit", by="eve"), SETTLE_S)
        with pytest.raises(PipelineError, match="is VALID in block"):
            await editing.publish(watching(line, command), asked, made, correct, new_action("edit", by="eve"), SETTLE_S)
    assert await line.valid_transactions() == await line.transaction_ids(command)


async def test_an_edit_whose_tool_died_before_the_delivery_is_done_again_and_applies_once(line: Bench) -> None:
    refused = line.command("key", "refused")
    line.produce(0, refused)
    await line.worker().start()
    await eventually(lambda: bool(letters(line)), "its letter")
    await until_settled(line, refused)
    servers = line.broker.bootstrap_servers
    resolve(Writer(servers), letters(line)[0], Resolution.EDITED, new_action("edit", by="eve"), refused)
    (found,) = letters(line)
    assert not found.is_open
    assert editing.told(servers, draft_of(found), [line.identity]) is None
    correct = replace(refused, function="write", revision=1)
    await edited(line, found, correct)
    await line.until_committed(correct)
    assert "and delivered" in (editing.told(servers, draft_of(letters(line)[0]), [line.identity]) or "")
    assert await line.valid_transactions() == await line.transaction_ids(correct)
