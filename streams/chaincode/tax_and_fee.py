"""TaxAndFeeContract: the tax on money that does not move."""

from __future__ import annotations

from streams.chaincode import accounts
from streams.chaincode.accounts import Kind
from streams.chaincode.arguments import whole_number
from streams.chaincode.call import Call
from streams.chaincode.state import ChaincodeRefused


def apply_velocity_tax(call: Call, account_id: str, tax_rate_bps: str) -> object:
    """ApplyVelocityTax: takes a share of the balance, in hundredths of a percent, for the operations fund."""
    rate_bps = whole_number(tax_rate_bps, position=1)
    if not 1 <= rate_bps <= 10_000:
        raise ChaincodeRefused(f"invalid tax rate {rate_bps}: must be from 1 to 10000 basis points")
    account = accounts.require(call, account_id)
    if account.kind not in (Kind.USER, Kind.ORGANIZATION):
        raise ChaincodeRefused(f"account {account_id} is not subject to velocity tax")
    tax = account.balance * rate_bps // 10_000
    accounts.collect(call, account_id, tax)
    call.announce("VelocityTaxApplied", accountId=account_id, tax=tax)
    return {"accountId": account_id, "tax": tax}
