"""Every error this pipeline raises.

PipelineError
├── SettingsInvalid          a setting is missing, unknown or wrong; names the variable
├── RoutesInvalid            routes.toml cannot be used; names the entry
├── RefusalsInvalid          refusals.toml cannot be used; names the entry
├── StackFailed              a part of the embedded stack cannot be started or is not healthy
├── RefusedCommand           nothing was sent; carries the code for the row
│   ├── MalformedCommand     the change event or its payload cannot be read
│   └── UnroutableCommand    no usable route for this command type
├── UnreadableMessage        a Kafka value is not one of our Avro messages
├── UnknownSchema            a Kafka value is one of our messages, of a version that this one cannot read
├── SourceIncomplete         a source of the monitor cannot tell yet
├── CredentialsInvalid       the wallet, a key or the nonce secret cannot be used
└── LedgerError              carries the transaction id
    ├── EndorseFailed        refused or unreachable before ordering; not on the ledger by this call
    ├── DuplicateTransaction the id is already on the ledger, with a code to be looked up
    ├── AlreadyApplied       the chaincode says an earlier transaction carried out this command
    ├── SubmitFailed         not taken by the orderer, or taken without an answer (may_be_on_ledger tells)
    ├── CommitUnknown        ordered or not, status not learned; may be on the ledger
    └── CommitRejected       on the ledger, marked invalid
"""

from __future__ import annotations


class PipelineError(Exception):
    """The root: everything this project raises on purpose."""


class SettingsInvalid(PipelineError):
    """A setting is missing, unknown or wrong."""


class RoutesInvalid(PipelineError):
    """The table of routes cannot be used."""


class RefusalsInvalid(PipelineError):
    """The table of what refusals mean cannot be used."""


class StackFailed(PipelineError):
    """A part of the embedded stack cannot be started or is not healthy."""


class CredentialsInvalid(PipelineError):
    """A certificate, key or secret cannot be used."""


class UnreadableMessage(PipelineError):
    """A Kafka value is not one of our Avro messages."""


class UnknownSchema(PipelineError):
    """A Kafka value was written by another version; whoever meets it stops, so that nothing is lost."""


class SourceIncomplete(PipelineError):
    """A source of the monitor has not yet read all that it answers from."""


class RefusedCommand(PipelineError):
    """A command that is refused before anything is sent; `code` goes into the row."""

    def __init__(self, message: str, *, code: str, command_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.command_id = command_id


class MalformedCommand(RefusedCommand):
    """The change event or its payload cannot be read; nothing was sent."""


class UnroutableCommand(RefusedCommand):
    """No usable route for this command type; nothing was sent."""


class LedgerError(PipelineError):
    """Any failure on the way to the ledger.

    `code` is a short upper-case word for rows and metrics (e.g. CHAINCODE_REFUSED, UNAVAILABLE);
    the message is the text of the ledger.
    """

    def __init__(self, message: str, *, code: str, transaction_id: str) -> None:
        super().__init__(message)
        self.code = code
        self.transaction_id = transaction_id


class EndorseFailed(LedgerError):
    """Refused or unreachable before ordering; not on the ledger by this call.

    `refused`: the same request will be refused again. Otherwise it may be tried again as it is.
    """

    def __init__(self, message: str, *, code: str, transaction_id: str, refused: bool) -> None:
        super().__init__(message, code=code, transaction_id=transaction_id)
        self.refused = refused


class DuplicateTransaction(LedgerError):
    """The transaction id is already on the ledger; which code it got has to be looked up."""


class AlreadyApplied(LedgerError):
    """The chaincode holds the command's idempotency key: `applied_by` is the transaction that wrote it."""

    def __init__(self, message: str, *, transaction_id: str, applied_by: str) -> None:
        super().__init__(message, code="ALREADY_APPLIED", transaction_id=transaction_id)
        self.applied_by = applied_by


class SubmitFailed(LedgerError):
    """Submit did not answer OK.

    `may_be_on_ledger`: the orderer may have taken it. `refused`: the orderer refused it for good.
    """

    def __init__(
        self, message: str, *, code: str, transaction_id: str, may_be_on_ledger: bool, refused: bool = False
    ) -> None:
        super().__init__(message, code=code, transaction_id=transaction_id)
        self.may_be_on_ledger = may_be_on_ledger
        self.refused = refused


class CommitUnknown(LedgerError):
    """The commit status was not learned in time; may be on the ledger."""


class CommitRejected(LedgerError):
    """On the ledger, marked invalid: `code` is the name of Fabric's TxValidationCode."""

    def __init__(self, message: str, *, code: str, transaction_id: str, block_number: int) -> None:
        super().__init__(message, code=code, transaction_id=transaction_id)
        self.block_number = block_number
