"""Every kind of finding: what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What does not agree; also the label `kind` of the metric `outbox_reconcile_missing`."""

    ROW_WITHOUT_EVENT = "row_without_event"
    EVENT_WITHOUT_ROW = "event_without_row"
    EVENT_WITHOUT_OUTCOME = "event_without_outcome"
    FINAL_ROW_WITHOUT_OUTCOME = "final_row_without_outcome"
    OUTCOME_DISAGREES_WITH_ROW = "outcome_disagrees_with_row"
    ROW_PUT_BACK = "row_put_back"
    PAYLOAD_CHANGED = "payload_changed"
    SUBMITTED_LONG_AGO = "submitted_long_ago"
    COMMITTED_NOT_ON_LEDGER = "committed_not_on_ledger"
    FAILED_BUT_ON_LEDGER = "failed_but_on_ledger"
    LEDGER_WITHOUT_ROW = "ledger_without_row"


OF_THE_LEDGER = frozenset({Kind.COMMITTED_NOT_ON_LEDGER, Kind.FAILED_BUT_ON_LEDGER, Kind.LEDGER_WITHOUT_ROW})
"""Nothing is known of these where the ledger is not asked."""


class Remedy(StrEnum):
    """Who can put it right, and how.

    write: the ledger's truth is published as an outcome, and the sink writes it. emit: Debezium reads the row once
    more. replay: the command is given to the workers again, by the tool for that. person: nobody else can decide.
    """

    WRITE = "write"
    EMIT = "emit"
    REPLAY = "replay"
    PERSON = "person"


MEANING: Mapping[Kind, str] = {
    Kind.ROW_WITHOUT_EVENT: "the row was never captured: no event, no outcome, no dead letter",
    Kind.EVENT_WITHOUT_ROW: "an event was captured, but its row is gone",
    Kind.EVENT_WITHOUT_OUTCOME: "the command was taken and acknowledged, and nobody told its end",
    Kind.FINAL_ROW_WITHOUT_OUTCOME: "the row is final, but no outcome says so",
    Kind.OUTCOME_DISAGREES_WITH_ROW: "the outcome was written back, but the row says something else",
    Kind.ROW_PUT_BACK: "somebody set the row back by SQL, which the line never sees",
    Kind.PAYLOAD_CHANGED: "the row's payload is not the one that was captured",
    Kind.SUBMITTED_LONG_AGO: "the row is SUBMITTED, and nobody is working on it any more",
    Kind.COMMITTED_NOT_ON_LEDGER: "the row is COMMITTED, but the ledger holds no VALID transaction of it",
    Kind.FAILED_BUT_ON_LEDGER: "the row is FAILED, but a transaction of it is VALID on the ledger",
    Kind.LEDGER_WITHOUT_ROW: "a VALID transaction of one of our identities belongs to no row",
}
