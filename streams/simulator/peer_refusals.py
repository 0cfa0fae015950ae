"""What a peer says when it does not endorse: the texts of Fabric 2.5.16, as measured there."""

from __future__ import annotations

from streams.simulator.refusals import PeerRefused, RefusedBy

DEADLINE_EXCEEDED = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
"""How gRPC for Go reports a call that was not answered in time."""


def invalid_proposal(reason: str) -> PeerRefused:
    """A proposal that fails a check of core/endorser/msgvalidation.go."""
    return PeerRefused(f"error validating proposal: {reason}")


def malformed_creator(channel: str) -> PeerRefused:
    """Not PEM, not of this organisation's CA, or an organisation that nobody knows: one and the same answer."""
    return invalid_proposal(f"access denied: channel [{channel}] creator org unknown, creator is malformed")


def bad_proposal_signature(channel: str, msp_id: str) -> PeerRefused:
    """The signature does not fit, or its S is high."""
    return invalid_proposal(f"access denied: channel [{channel}] creator org [{msp_id}]")


def wrong_transaction_id(sent: str, expected: str) -> PeerRefused:
    """The id is not sha256(nonce || creator) in lower case."""
    return invalid_proposal(f"incorrectly computed txid '{sent}' -- expected '{expected}'")


def duplicate_transaction(transaction_id: str, creator: bytes) -> PeerRefused:
    """The id is on the ledger, with any code."""
    return PeerRefused(f"duplicate transaction found [{transaction_id}]. Creator [{creator.hex()}]")


def expired_client() -> PeerRefused:
    """Said by every peer but the gateway's own, which does not look."""
    return PeerRefused("proposal client identity expired")


def chaincode_answered(status: int, message: str) -> PeerRefused:
    """The chaincode answered with status 400 or higher."""
    text = f"chaincode response {status}, {message}"
    return PeerRefused(text, RefusedBy.CHAINCODE, status=status, words=message)


def already_simulating(transaction_id: str, channel: str) -> PeerRefused:
    """The same id is being simulated at this moment."""
    return _could_not_simulate(transaction_id, f"txid: {transaction_id}({channel}) exists")


def chaincode_died(transaction_id: str) -> PeerRefused:
    """The chaincode broke off instead of answering."""
    return _could_not_simulate(transaction_id, "chaincode stream terminated")


def chaincode_timed_out(transaction_id: str) -> PeerRefused:
    """Slower than the peer's chaincode.executetimeout."""
    return _could_not_simulate(transaction_id, "timeout expired while executing transaction")


def chaincode_unreachable(transaction_id: str, package_id: str, address: str) -> PeerRefused:
    """Nobody listens where the chaincode server should."""
    text = (
        f"error in simulation: failed to execute transaction {transaction_id}: could not launch chaincode "
        f"{package_id}: connection to {package_id} failed: error cannot create connection for {package_id}: error "
        f"creating grpc connection to {address}: failed to create new connection: connection error: desc = "
        f'"transport: error while dialing: dial tcp {address}: connect: connection refused"'
    )
    return PeerRefused(text, RefusedBy.SIMULATION)


def unreachable(address: str) -> PeerRefused:
    """Nobody listens at a peer's address."""
    return PeerRefused(connection_refused(address), RefusedBy.CONNECTION)


def no_answer() -> PeerRefused:
    """A peer, or its chaincode, that takes longer than the gateway's endorsementTimeout."""
    return PeerRefused(DEADLINE_EXCEEDED, RefusedBy.CONNECTION)


def different_payloads() -> PeerRefused:
    """The peer's result is not that of the peers before it."""
    return PeerRefused("ProposalResponsePayloads do not match", RefusedBy.ENDORSEMENT)


def connection_refused(address: str) -> str:
    """How gRPC for Go reports that nobody listens."""
    return (
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
        f'dial tcp {address}: connect: connection refused"'
    )


def _could_not_simulate(transaction_id: str, reason: str) -> PeerRefused:
    text = f"error in simulation: failed to execute transaction {transaction_id}: error sending: {reason}"
    return PeerRefused(text, RefusedBy.SIMULATION)
