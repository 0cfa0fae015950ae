"""Evidence -> violations. Pure. One function per rule."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streams.chaos.checker.evidence import FINAL, VALID, End, Evidence, Row, Transaction, Violation
from streams.chaos.checker.expected import Call, expected_call
from streams.chaos.checker.history import status_goes_forward
from streams.chaos.checker.money import money_is_conserved

_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def check(evidence: Evidence) -> list[Violation]:
    """Everything that must hold and does not; empty is what we want."""
    claims = _claims(evidence)
    return [
        *_nothing_is_lost(evidence),
        *_every_row_is_final(evidence),
        *_ends_are_as_expected(evidence),
        *status_goes_forward(evidence),
        *(violation for rule in _RULES for claim in claims for violation in rule(claim)),
        *_no_strangers(evidence, claims),
        *_order_is_kept(evidence, claims),
        *money_is_conserved(evidence),
    ]


@dataclass(frozen=True, slots=True)
class _Claim:
    """The rows that ask for the same call, nearly always one, and the VALID transactions that made it."""

    call: Call | None
    rows: Sequence[Row]
    valid: Sequence[Transaction]

    @property
    def committed(self) -> list[Row]:
        return [row for row in self.rows if row.status == "COMMITTED"]


def _claims(evidence: Evidence) -> list[_Claim]:
    by_call: dict[Call | None, list[Row]] = defaultdict(list)
    for row in evidence.rows:
        by_call[expected_call(row.command_type, row.payload)].append(row)
    made: dict[tuple[str, ...], list[Transaction]] = defaultdict(list)
    for transaction in evidence.transactions:
        if transaction.code == VALID:
            made[transaction.arguments].append(transaction)
    return [_Claim(call, rows, made.get(call.arguments, []) if call else []) for call, rows in by_call.items()]


def _committed_is_valid_once(claim: _Claim) -> Iterator[Violation]:
    ids = [transaction.transaction_id for transaction in claim.valid]
    named = [row.transaction_id for row in claim.committed]
    if named and Counter(ids) != Counter(named):
        text = f"the VALID transactions with its arguments are {ids or 'none'}, COMMITTED rows name {named}"
        yield _violation("COMMITTED is exactly one VALID transaction", text, claim.committed[0], ids)
    blocks = {transaction.transaction_id: transaction.block_number for transaction in claim.valid}
    for row in claim.committed:
        if row.block_number != (block := blocks.get(row.transaction_id or "", row.block_number)):
            text = f"the row says block {row.block_number}, it is block {block}"
            yield _violation("the row names the block", text, row, ids)


def _failed_is_nowhere(claim: _Claim) -> Iterator[Violation]:
    """Only where no row of the same call is COMMITTED; otherwise the numbers are compared."""
    if claim.valid and not claim.committed:
        ids = [transaction.transaction_id for transaction in claim.valid]
        text = f"{len(ids)} VALID transactions, the row is {claim.rows[0].status}"
        yield _violation("FAILED is not on the ledger", text, claim.rows[0], ids)


def _signer_is_the_right_one(claim: _Claim) -> Iterator[Violation]:
    for transaction in claim.valid:
        if claim.call and transaction.identity != claim.call.identity:
            text = f"signed by {transaction.identity or 'a stranger'}, must be {claim.call.identity}"
            yield _violation("signed by its identity", text, claim.rows[0], [transaction.transaction_id])


_RULES: Sequence[Callable[[_Claim], Iterator[Violation]]] = (
    _committed_is_valid_once,
    _failed_is_nowhere,
    _signer_is_the_right_one,
)


def _nothing_is_lost(evidence: Evidence) -> Iterator[Violation]:
    found = {row.command_id for row in evidence.rows}
    for command_id in evidence.ends:
        if command_id not in found:
            yield Violation(rule="no row is lost", text="inserted, and not in the table", command_id=command_id)


def _every_row_is_final(evidence: Evidence) -> Iterator[Violation]:
    for row in evidence.rows:
        if row.status not in FINAL:
            text = " ".join(filter(None, ("still", row.status, row.error_code, row.error)))
            yield _violation("every row is final", text, row)


def _ends_are_as_expected(evidence: Evidence) -> Iterator[Violation]:
    for row in evidence.rows:
        end = evidence.ends.get(row.command_id, End.EITHER)
        if row.status in FINAL and end not in (End.EITHER, row.status):
            text = f"{row.status} {row.error_code or ''} {row.error or ''}".strip()
            yield _violation("ends as it must", f"must be {end}, is {text}", row)


def _no_strangers(evidence: Evidence, claims: Sequence[_Claim]) -> Iterator[Violation]:
    """Every VALID transaction is one that a row asks for."""
    known = {transaction.transaction_id for claim in claims for transaction in claim.valid}
    commands = {row.command_id.replace("-", ""): row.command_id for row in evidence.rows}
    for transaction in evidence.transactions:
        if transaction.code != VALID or transaction.transaction_id in known:
            continue
        named = [commands.get(i.replace("-", "")) for text in transaction.arguments for i in _ID.findall(text)]
        command_id = next(filter(None, named), None)
        rule = "a transaction has its command's arguments" if command_id else "a transaction has a command"
        yield Violation(
            rule=rule,
            text=f"VALID in block {transaction.block_number}: {transaction.arguments}",
            command_id=command_id,
            transaction_ids=[transaction.transaction_id],
        )


def _order_is_kept(evidence: Evidence, claims: Sequence[_Claim]) -> Iterator[Violation]:
    """The VALID transactions of one identity and ordering key are in the order in which the rows were inserted."""
    inserted = {row.command_id: number for number, row in enumerate(evidence.rows)}
    lanes: dict[tuple[str, str], list[tuple[int, int, Row]]] = defaultdict(list)
    for claim in claims:
        if claim.call is None:
            continue
        places = {t.transaction_id: (t.block_number, t.position) for t in claim.valid}
        for row in claim.committed:
            if (place := places.get(row.transaction_id or "")) is not None:
                lanes[claim.call.identity, claim.call.ordering_key].append((*place, row))
    for lane in lanes.values():
        for (_, _, earlier), (block, _, later) in pairwise(sorted(lane, key=lambda placed: placed[:2])):
            if inserted[earlier.command_id] > inserted[later.command_id]:
                text = f"in block {block}, after {earlier.command_id}, which was inserted later"
                yield _violation("order of the key", text, later, [earlier.transaction_id or ""])


def _violation(rule: str, text: str, row: Row, transaction_ids: Sequence[str] = ()) -> Violation:
    return Violation(rule=rule, text=text, command_id=row.command_id, transaction_ids=tuple(transaction_ids))
