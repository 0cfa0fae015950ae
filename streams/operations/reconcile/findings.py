"""One finding, and what a whole run has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from streams.operations.reconcile.kinds import Kind, Remedy

HELD_AS = "holds it as "
"""How `truth` begins where the ledger holds a refusal; its code follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not agree.

    `status`: of the row, None if there is none. `seen`: what the parties say. `truth`: what the ledger says, if it was
    asked; `transaction_id` and `block_number` are then its own. `command`: the command line that puts it right, empty
    if there is none. `told_at`: the newest final outcome, a `facts.Told` as text.
    """

    kind: Kind
    command_id: str | None
    command_type: str | None = None
    identity: str | None = None
    transaction_id: str | None
    block_number: int | None = None
    status: str | None
    seen: str
    truth: str | None = None
    remedy: Remedy = Remedy.PERSON
    command: str = ""
    told_at: str | None = None

    @property
    def is_refused(self) -> bool:
        """The ledger holds the command as invalid for good."""
        return self.truth is not None and self.truth.startswith(HELD_AS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows created from `since` to before `until` are judged; what changed at `until` or later is still under way."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`counts` has every kind. `not_judged` counts rows, by reason, of which something could not be told.

    `rows`: rows looked at.
    """

    window: Window
    counts: Mapping[Kind, int]
    remedies: Mapping[Remedy, int]
    not_judged: Mapping[str, int]
    rows: int
    transactions: int

    @property
    def is_clean(self) -> bool:
        """Nothing was found. Whether everything was judged is another question: `is_complete`."""
        return not any(self.counts.values())

    @property
    def is_complete(self) -> bool:
        """All that had to be judged could be."""
        return not any(self.not_judged.values())
