"""The closed set of words for what went wrong at the gateway, for rows and metrics."""

from __future__ import annotations

from enum import StrEnum


class FailureCode(StrEnum):
    """Why a call to the gateway, or the wait for a block, did not succeed."""

    CHAINCODE_REFUSED = "CHAINCODE_REFUSED"
    """The chaincode ran and said no."""
    ALREADY_APPLIED = "ALREADY_APPLIED"
    DUPLICATE_TRANSACTION = "DUPLICATE_TRANSACTION"
    ACCESS_DENIED = "ACCESS_DENIED"
    """Signature, certificate or organisation not accepted."""
    IDENTITY_EXPIRED = "IDENTITY_EXPIRED"
    TLS = "TLS"
    """The gateway's TLS certificate, or its name, is not the expected one."""
    UNKNOWN_CHANNEL = "UNKNOWN_CHANNEL"
    UNKNOWN_CHAINCODE = "UNKNOWN_CHAINCODE"
    """No peer known to the gateway has this chaincode on this channel."""
    CHAINCODE_UNAVAILABLE = "CHAINCODE_UNAVAILABLE"
    PEER_UNAVAILABLE = "PEER_UNAVAILABLE"
    """The gateway, or a peer that must endorse, cannot be reached."""
    ORDERER_UNAVAILABLE = "ORDERER_UNAVAILABLE"
    ORDERER_REFUSED = "ORDERER_REFUSED"
    ENVELOPE_TOO_LARGE = "ENVELOPE_TOO_LARGE"
    OVERLOADED = "OVERLOADED"
    """The gateway's limit of calls at once is reached."""
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    BEING_SIMULATED = "BEING_SIMULATED"
    """The same transaction id is in simulation at that peer now."""
    ENDORSEMENT_MISMATCH = "ENDORSEMENT_MISMATCH"
    """Two organisations came to different results: one peer lags behind, or the chaincode is not deterministic."""
    REQUEST_INVALID = "REQUEST_INVALID"
    """The gateway or a peer cannot make sense of what was sent: a fault of this client."""
    NOT_IN_A_BLOCK = "NOT_IN_A_BLOCK"
    """No block holds the transaction yet; it may still come."""
    NOT_FOUND = "NOT_FOUND"
    """The ledger holds nothing under the id."""
    UNRECOGNISED = "UNRECOGNISED"
    """An answer that the table does not know."""
