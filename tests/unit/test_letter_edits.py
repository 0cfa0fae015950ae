"""What an edited payload becomes, and of which letters there is anything to edit."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from scripted_ledger import COMMAND, EARLY, id_of
from test_capture import ROW, SNAKE_CASE, change
from test_letters import dealt_with, ledgers, of

from streams.errors import MalformedCommand, PipelineError, RefusedCommand
from streams.files import SCHEMAS
from streams.ledger import VALID
from streams.messages import DeadLetterKind
from streams.operations.letters import edit as editing
from streams.operators import Resolution
from streams.postgres.rows import Row
from streams.routes.table import load_routes

ROUTES = load_routes(SCHEMAS / "routes.toml")
TRANSFER = replace(COMMAND, command_type="TRANSFER_TOKENS", identity="org1-admin", ordering_key="a")


def row(payload: object) -> Row:
    return Row(
        **dict.fromkeys(("command_id", "tenant_id", "service", "command_type", "request_id"), COMMAND.command_id),
        **dict.fromkeys(("submitted_at", "transaction_id", "block_number", "error_code", "error")),
        payload=json.dumps(payload),
        status="FAILED",
        attempts=1,
        created_at=EARLY,
        updated_at=EARLY,
    )


def test_an_edited_payload_becomes_the_next_revision_of_the_same_command() -> None:
    made = editing.draft(of(TRANSFER, DeadLetterKind.REFUSED), row({}), {}, ROUTES)
    revised = editing.revised(made, '{"fromUserId": "a", "toUserId": "b", "amount": 5}', ROUTES)
    assert (revised.command_id, revised.revision) == (TRANSFER.command_id, 1)
    assert revised.arguments[:3] == ("a", "b", "5")
    assert (revised.created_at, revised.captured_from) == (TRANSFER.created_at, TRANSFER.captured_from)
    again = editing.draft(of(revised, DeadLetterKind.REFUSED), row({}), {}, ROUTES)
    assert again.revision == 2


def test_an_edited_payload_is_validated_and_keeps_its_identity() -> None:
    made = editing.draft(of(TRANSFER, DeadLetterKind.REFUSED), row({}), {}, ROUTES)
    with pytest.raises(RefusedCommand, match="toUserId is missing"):
        editing.revised(made, '{"fromUserId": "a", "amount": 5}', ROUTES)
    elsewhere = editing.draft(
        of(replace(TRANSFER, identity="org1-partner-api"), DeadLetterKind.REFUSED), row({}), {}, ROUTES
    )
    with pytest.raises(MalformedCommand, match="was routed to org1-partner-api"):
        editing.revised(elsewhere, '{"fromUserId": "a", "toUserId": "b", "amount": 5}', ROUTES)


def test_what_holds_no_payload_or_was_dealt_with_is_not_edited() -> None:
    for found, given, why in (
        (dealt_with(of(TRANSFER)), row({}), "nothing to edit"),
        (of(TRANSFER), None, "there is no row"),
        (replace(of(TRANSFER), command=None), None, "preserves no command"),
    ):
        with pytest.raises(PipelineError, match=why):
            editing.draft(found, given, {}, ROUTES)


def test_what_is_committed_or_under_way_is_not_edited() -> None:
    for status in ("COMMITTED", "SUBMITTED"):
        for found, given in (
            (of(TRANSFER), replace(row({}), status=status)),
            (replace(of(TRANSFER), command=None, status=status), None),
        ):
            with pytest.raises(PipelineError, match=f"its row is {status}: nothing to edit"):
                editing.draft(found, given, {}, ROUTES)


def test_an_edited_letter_may_be_edited_again_until_its_next_revision_is_delivered() -> None:
    resolved = dealt_with(of(TRANSFER, DeadLetterKind.REFUSED))
    assert resolved.resolution is not None
    resolved = replace(resolved, resolution=replace(resolved.resolution, resolution=Resolution.EDITED))
    assert editing.draft(resolved, row({}), {}, ROUTES).revision == 1


CORRECT = {"fromUserId": "a", "toUserId": "b", "amount": 5}


def never_routed(payload: object) -> editing.Draft:
    """From a letter of the route worker."""
    columns = {"id": COMMAND.command_id, "command_type": "TRANSFER_TOKENS", "payload": json.dumps(payload)}
    found = of(COMMAND, DeadLetterKind.MALFORMED)
    value = json.dumps(change(after={**ROW, **columns})).encode()
    return editing.draft(
        replace(found, command=None, letter=replace(found.letter, value=value, identity=None)), None, SNAKE_CASE, ROUTES
    )


@pytest.mark.parametrize("payload", [CORRECT, {"fromUserId": "a"}])
def test_revision_0_is_asked_for_even_if_nobody_is_known_to_have_routed_it(payload: object) -> None:
    made = never_routed(payload)
    command = editing.revised(made, json.dumps({**CORRECT, "amount": 6}), ROUTES)
    assert (made.first is not None, command.revision) == (payload == CORRECT, 1)

    def objection(held: dict[str, str]) -> str | None:
        asked = {command.identity: ledgers({})[COMMAND.identity], "another": ledgers(held)[COMMAND.identity]}
        return asyncio.run(editing.objection(asked, made, command, settle_s=0.0))

    assert objection({}) is None
    for revision in (0, 1):
        for certificate in (0, 1):
            transaction_id = id_of(0, replace(command, revision=revision), certificate)
            assert "is VALID in block" in (objection({transaction_id: VALID}) or "")
