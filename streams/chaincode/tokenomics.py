"""TokenomicsContract: transfers, frozen wallets, new money."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.chaincode import accounts
from streams.chaincode.accounts import Account, Kind
from streams.chaincode.arguments import amount, identifier, not_blank
from streams.chaincode.call import Call
from streams.chaincode.parameters import TRANSACTION_FEE_BPS, parameter
from streams.chaincode.state import ChaincodeRefused

_SUPPLY = "SupplyLedger"
_FEE_TYPES = ("P2P", "BUSINESS", "GOVERNMENT")


@dataclass(frozen=True)
class Supply:
    """`minted`: all Qirat ever made."""

    minted: int = 0


def record_minted(call: Call, qirat: int) -> None:
    """Count new money."""
    supply = _supply(call)
    call.store(_SUPPLY, replace(supply, minted=supply.minted + qirat))


def transfer_with_fees(
    call: Call, from_user: str, to_user: str, amount_text: str, fee_type: str, remark: str, idempotency_key: str
) -> object:
    """TransferWithFees: the payer pays the fee on top. A known idempotency key changes nothing and succeeds."""
    qirat = amount(amount_text, position=2)
    not_blank(remark, "remark")
    if idempotency_key and (earlier := call.read(_transfer_key(idempotency_key))) is not None:
        return {"isIdempotent": True, "transactionId": earlier.decode()}
    payer, payee = _party(call, from_user, "sender"), _party(call, to_user, "recipient")
    _require_own_wallet(call, from_user, payer)
    charged_as = _fee_type(fee_type, payee)
    fee = qirat * parameter(call, TRANSACTION_FEE_BPS) // 10_000
    accounts.pay(call, from_user, to_user, qirat, fee)
    if idempotency_key:
        call.write(_transfer_key(idempotency_key), call.transaction_id.encode())
    moved = {"fromUserId": from_user, "toUserId": to_user, "amount": qirat, "fee": fee, "feeType": charged_as}
    call.announce("TransferCompleted", **moved, remark=remark)
    return {"isIdempotent": False, "transactionId": call.transaction_id, **moved}


def freeze_wallet(call: Call, user_id: str, reason: str) -> object:
    """FreezeWallet: nothing goes in or out until UnfreezeWallet; taxes still do."""
    wallet = _wallet(call, user_id)
    if wallet.frozen_because is not None:
        raise ChaincodeRefused(f"user {user_id} is already frozen")
    accounts.save(call, user_id, replace(wallet, frozen_because=not_blank(reason, "reason")))
    call.announce("WalletFrozen", userId=user_id, reason=reason)
    return {"userId": user_id, "frozen": True}


def unfreeze_wallet(call: Call, user_id: str) -> object:
    """UnfreezeWallet: the wallet may be used again."""
    wallet = _wallet(call, user_id)
    if wallet.frozen_because is None:
        raise ChaincodeRefused(f"user {user_id} is not frozen")
    accounts.save(call, user_id, replace(wallet, frozen_because=None))
    call.announce("WalletUnfrozen", userId=user_id)
    return {"userId": user_id, "frozen": False}


def mint(call: Call, account_id: str, amount_text: str, remark: str) -> object:
    """Mint: new money into an existing account."""
    qirat = amount(amount_text, position=1)
    not_blank(remark, "remark")
    accounts.credit(call, account_id, qirat)
    record_minted(call, qirat)
    call.announce("Minted", accountId=account_id, amount=qirat, remark=remark)
    return {"accountId": account_id, "amount": qirat}


def get_balance(call: Call, account_id: str) -> object:
    """GetBalance: what a user, organisation, treasury or system fund holds."""
    return accounts.balance_of(call, account_id)


def get_total_supply(call: Call) -> object:
    """GetTotalSupply: all money made and the sum of all accounts; the two are equal."""
    return {"minted": _supply(call).minted, "held": accounts.total_held(call)}


def _supply(call: Call) -> Supply:
    return call.load(Supply, _SUPPLY) or Supply()


def _party(call: Call, account_id: str, part: str) -> Account:
    try:
        return accounts.require(call, account_id)
    except ChaincodeRefused as refusal:
        raise ChaincodeRefused(f"{part} validation failed: {refusal.message}") from refusal


def _require_own_wallet(call: Call, account_id: str, payer: Account) -> None:
    """Organisations pay by approved transactions, treasuries and system funds not at all."""
    if payer.kind != Kind.USER:
        raise ChaincodeRefused(f"submitter {call.client_name} is not authorized to transfer from account {account_id}")


def _fee_type(asked: str, payee: Account) -> str:
    """The type asked for; "" leaves the choice to the kind of the payee."""
    if asked in _FEE_TYPES:
        return asked
    if asked:
        raise ChaincodeRefused(f"invalid fee type {asked}: must be one of {', '.join(_FEE_TYPES)} or empty")
    by_kind = {Kind.ORGANIZATION: "BUSINESS", Kind.TREASURY: "GOVERNMENT"}
    return by_kind.get(payee.kind, "P2P")


def _wallet(call: Call, user_id: str) -> Account:
    account = accounts.require(call, identifier(user_id, "userID"))
    if account.kind == Kind.SYSTEM:
        raise ChaincodeRefused(f"account {user_id} is not a wallet")
    return account


def _transfer_key(idempotency_key: str) -> str:
    return f"transfer~{idempotency_key}"
