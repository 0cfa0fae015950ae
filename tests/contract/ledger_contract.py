"""What every ledger keeps, whatever carries it: the fake, the simulator, a real network.

A test class takes this one as its base and gives the fixture `network`: a channel with the reference chaincode under
the role map `operations`, and three identities. The channel may be old: every test makes its own users.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace

import pytest
from ledger_commands import MVCC, Network, applied, balance, command, create_user, endorsed, new_user, transfer

from streams.errors import AlreadyApplied, CommitRejected, DuplicateTransaction, EndorseFailed
from streams.ledger import VALID


class LedgerContract:
    """The tests. They need no order and leave nothing that disturbs another."""

    async def test_the_same_attempt_has_the_same_transaction_id(self, network: Network) -> None:
        wanted = create_user()
        first, again = (network.partner.propose(wanted, 0).transaction_id for _ in range(2))
        assert first == again
        assert re.fullmatch("[0-9a-f]{64}", first)

    async def test_another_attempt_revision_or_command_has_another_transaction_id(self, network: Network) -> None:
        wanted = command("A:B", command_id="id")
        revised = command("A:B", command_id="id", revision=1)
        found = {network.partner.propose(wanted, attempt).transaction_id for attempt in range(3)}
        found |= {network.partner.propose(other, 0).transaction_id for other in (revised, command("A:B"))}
        assert len(found) == 5

    async def test_two_identities_have_different_transaction_ids(self, network: Network) -> None:
        wanted = create_user()
        ledgers = (network.super_admin, network.admin, network.partner)
        assert len({ledger.propose(wanted, 0).transaction_id for ledger in ledgers}) == 3

    async def test_a_submitted_transaction_is_seen_in_a_block(self, network: Network) -> None:
        proposal = network.partner.propose(create_user(), 0)
        transaction = await proposal.endorse()
        commit = await transaction.submit()
        committed = await commit.status()
        assert {transaction.transaction_id, commit.transaction_id, committed.transaction_id} == {
            proposal.transaction_id
        }
        assert committed.block_number >= 1
        assert "userId" in json.loads(transaction.result)

    async def test_a_commit_tells_its_status_again(self, network: Network) -> None:
        commit = await (await endorsed(network.partner, create_user())).submit()
        assert (await commit.status()).block_number == (await commit.status()).block_number

    async def test_an_endorsed_transaction_leaves_no_trace(self, network: Network) -> None:
        proposal = network.partner.propose(create_user(), 0)
        await proposal.endorse()
        assert await network.partner.look_up(proposal.transaction_id) is None
        assert (await proposal.endorse()).transaction_id == proposal.transaction_id

    async def test_a_transaction_submitted_twice_is_applied_once(self, network: Network) -> None:
        payer, payee = await new_user(network), await new_user(network)
        before = await balance(network, payee)
        transaction = await endorsed(network.admin, transfer(payer, payee, 1000))
        commits = [await transaction.submit() for _ in range(2)]
        blocks = {(await commit.status()).block_number for commit in commits}
        assert len(blocks) == 1
        await new_user(network)  # by then the repetition is in a block too
        assert await balance(network, payee) == before + 1000

    async def test_a_transaction_submitted_after_its_commit_stays_valid(self, network: Network) -> None:
        transaction = await endorsed(network.partner, create_user())
        first = await (await transaction.submit()).status()
        again = await (await transaction.submit()).status()
        assert again.block_number == first.block_number

    async def test_of_two_envelopes_of_one_id_with_other_arguments_only_the_first_is_committed(
        self, network: Network
    ) -> None:
        """Both are endorsed before either is in a block, as of a command id that was given twice."""
        payer, payee = await new_user(network), await new_user(network)
        before = await balance(network, payee)
        small = transfer(payer, payee, 1)
        large = replace(small, arguments=transfer(payer, payee, 1000).arguments)
        transactions = [await endorsed(network.admin, wanted) for wanted in (small, large)]
        first, second = [await transaction.submit() for transaction in transactions]
        assert first.transaction_id == second.transaction_id
        await first.status()
        with pytest.raises(DuplicateTransaction):
            await second.status()
        with pytest.raises(DuplicateTransaction):
            await (await transactions[1].submit()).status()
        assert await balance(network, payee) == before + 1

    async def test_a_committed_transaction_is_not_endorsed_again_and_can_be_looked_up(self, network: Network) -> None:
        wanted = create_user()
        transaction = await endorsed(network.partner, wanted)
        committed = await (await transaction.submit()).status()
        with pytest.raises(DuplicateTransaction) as refused:
            await network.partner.propose(wanted, 0).endorse()
        assert refused.value.transaction_id == committed.transaction_id
        entry = await network.partner.look_up(committed.transaction_id)
        assert entry is not None
        assert (entry.code, entry.block_number) == (VALID, committed.block_number)
        assert entry.arguments == (wanted.transaction_name, *wanted.arguments)
        assert entry.result == transaction.result

    async def test_every_identity_can_look_up_a_transaction(self, network: Network) -> None:
        committed = await applied(network.partner, create_user())
        entries = [
            await ledger.look_up(committed.transaction_id)
            for ledger in (network.super_admin, network.admin, network.partner)
        ]
        assert entries[0] is not None
        assert entries == [entries[0]] * 3

    async def test_arguments_come_back_letter_by_letter(self, network: Network) -> None:
        payer, payee = await new_user(network), await new_user(network)
        wanted = transfer(payer, payee, 1, remark='Zahlung für Ω "zwei"\n\u2028 \U0001f34d')
        committed = await applied(network.admin, wanted)
        entry = await network.admin.look_up(committed.transaction_id)
        assert entry is not None
        assert entry.arguments[1:] == wanted.arguments

    async def test_an_unknown_transaction_is_not_found(self, network: Network) -> None:
        proposed = network.partner.propose(create_user(), 0).transaction_id
        assert await network.partner.look_up(proposed) is None

    async def test_a_refused_command_reports_the_words_of_the_chaincode(self, network: Network) -> None:
        payer, payee = await new_user(network), await new_user(network)
        with pytest.raises(EndorseFailed) as failed:
            await network.admin.propose(transfer(payer, payee, 10**15), 0).endorse()
        assert failed.value.refused
        assert failed.value.code == "CHAINCODE_REFUSED"
        assert str(failed.value).startswith(f"insufficient funds: account {payer} holds ")

    async def test_an_unknown_function_is_refused(self, network: Network) -> None:
        with pytest.raises(EndorseFailed) as failed:
            await network.admin.propose(command("AdminContract:Nope"), 0).endorse()
        assert failed.value.refused
        assert str(failed.value) == "Function Nope not found in contract AdminContract"

    async def test_an_argument_that_is_not_text_is_refused_before_anything_is_sent(self, network: Network) -> None:
        """JSON can hold half of a surrogate pair, UTF-8 cannot."""
        payer, payee = await new_user(network), await new_user(network)
        proposal = network.admin.propose(transfer(payer, payee, 1, remark="half of \ud83c"), 0)
        with pytest.raises(EndorseFailed) as failed:
            await proposal.endorse()
        assert (failed.value.code, failed.value.refused) == ("ARGUMENT_NOT_TEXT", True)
        assert failed.value.transaction_id == proposal.transaction_id
        assert "\ud83c" not in str(failed.value)

    async def test_a_fresh_command_has_one_transaction_id(self, network: Network) -> None:
        assert network.partner.propose(create_user(), 0).earlier_ids == ()

    async def test_an_identity_without_the_role_is_refused(self, network: Network) -> None:
        with pytest.raises(EndorseFailed) as failed:
            await network.partner.propose(command("AdminContract:PauseSystem", "a reason"), 0).endorse()
        assert failed.value.refused
        assert str(failed.value).startswith("authorization failed: client '")

    async def test_a_refused_question_reports_the_words_of_the_chaincode(self, network: Network) -> None:
        with pytest.raises(EndorseFailed) as failed:
            await network.partner.evaluate("TokenomicsContract:GetBalance", ("nobody",))
        assert failed.value.refused
        assert str(failed.value) == "balance for account nobody not found"

    async def test_of_two_conflicting_transactions_the_second_is_rejected_and_a_new_attempt_succeeds(
        self, network: Network
    ) -> None:
        await new_user(network)
        winner, loser = create_user(), create_user()
        transactions = [await endorsed(network.partner, wanted) for wanted in (winner, loser)]
        first, second = [await transaction.submit() for transaction in transactions]
        await first.status()
        with pytest.raises(CommitRejected) as rejected:
            await second.status()
        assert rejected.value.code == MVCC
        entry = await network.partner.look_up(second.transaction_id)
        assert entry is not None
        assert (entry.code, entry.block_number) == (MVCC, rejected.value.block_number)
        with pytest.raises(DuplicateTransaction):
            await network.partner.propose(loser, 0).endorse()
        retried = await (await endorsed(network.partner, loser, 1)).submit()
        assert (await retried.status()).transaction_id != second.transaction_id

    async def test_a_rejected_transaction_stays_rejected_when_submitted_again(self, network: Network) -> None:
        await new_user(network)
        transactions = [await endorsed(network.partner, create_user()) for _ in range(2)]
        first, second = [await transaction.submit() for transaction in transactions]
        await first.status()
        with pytest.raises(CommitRejected):
            await second.status()
        again = await transactions[1].submit()
        with pytest.raises(CommitRejected) as rejected:
            await again.status()
        assert rejected.value.code == MVCC

    async def test_a_second_transaction_of_an_applied_command_names_the_first(self, network: Network) -> None:
        wanted = create_user()
        committed = await applied(network.partner, wanted)
        with pytest.raises(AlreadyApplied) as refused:
            await network.partner.propose(wanted, 100).endorse()
        assert refused.value.applied_by == committed.transaction_id
        assert refused.value.transaction_id == network.partner.propose(wanted, 100).transaction_id

    async def test_many_transactions_at_once_each_find_their_block(self, network: Network) -> None:
        payers = [await new_user(network) for _ in range(4)]
        wanted = [transfer(payer, await new_user(network), 1) for payer in payers]
        committed = await asyncio.gather(*(applied(network.admin, one) for one in wanted))
        assert len({one.transaction_id for one in committed}) == 4
        entries = [await network.admin.look_up(one.transaction_id) for one in committed]
        assert [entry.block_number for entry in entries if entry] == [one.block_number for one in committed]
