// What a client does on a good day, and what becomes of transactions.

import { createHash, randomUUID } from 'node:crypto';

import { gateway as messages, msp, peer } from '@hyperledger/fabric-protos';

import { within } from './ledger.mjs';
import { codeName, count, describeStatus, isOwnDeadline, json, refusal } from './outcomes.mjs';

const SILENCE_S = 1;
const MANY = 40;

async function evaluate(run) {
    const admin = run.newAdmin();
    const contract = run.ledger.contract();
    const answers = [];
    for (let time = 0; time < 2; time++) {
        answers.push(json(await contract.evaluateTransaction('AppointAdmin', admin)));
    }
    return answers;
}

async function evaluateAtOrg2(run) {
    const options = { arguments: [run.newAdmin()], endorsingOrganizations: ['Org2MSP'] };
    return json(await run.ledger.contract().evaluate('AppointAdmin', options));
}

async function evaluateSystemChaincode(run) {
    const submitted = await (await run.proposal().endorse()).submit();
    await submitted.getStatus();
    const qscc = run.ledger.network('partner').getContract('qscc');
    const found = peer.ProcessedTransaction.deserializeBinary(
        await qscc.evaluateTransaction('GetTransactionByID', run.ledger.channel, submitted.getTransactionId()),
    );
    return { code: codeName(found.getValidationcode()), has_envelope: found.hasTransactionenvelope() };
}

async function submit(run) {
    return json(await run.ledger.contract().submitTransaction('AppointAdmin', run.newAdmin()));
}

async function submitUnicode(run) {
    const admin = `${run.newAdmin()} "Ω"\n\u2028 \u{1f34d}`;
    return json(await run.ledger.contract().submitTransaction('AppointAdmin', admin));
}

async function submitAsync(run) {
    const submitted = await run.ledger.contract().submitAsync('AppointAdmin', { arguments: [run.newAdmin()] });
    run.name(submitted.getTransactionId(), 'T');
    return { result: json(submitted.getResult()), status: describeStatus(await submitted.getStatus()) };
}

async function stepByStep(run) {
    const proposal = run.proposal();
    const transaction = await proposal.endorse();
    const submitted = await transaction.submit();
    const statuses = [await submitted.getStatus(), await submitted.getStatus()];
    return {
        transactions: [proposal, transaction, submitted].map((step) => step.getTransactionId()),
        results: [transaction, submitted].map((step) => json(step.getResult())),
        statuses: statuses.map(describeStatus),
        same_block: statuses[0].blockNumber === statuses[1].blockNumber,
    };
}

async function offline(run) {
    const { ledger } = run;
    const sign = ledger.signer('admin');
    const gateway = ledger.gateway();
    const unsigned = run.proposal();
    const proposal = gateway.newSignedProposal(unsigned.getBytes(), await sign(unsigned.getDigest()));
    const endorsed = await proposal.endorse();
    const transaction = gateway.newSignedTransaction(endorsed.getBytes(), await sign(endorsed.getDigest()));
    const submitted = await transaction.submit();
    const commit = gateway.newSignedCommit(submitted.getBytes(), await sign(submitted.getDigest()));
    return { result: json(endorsed.getResult()), status: describeStatus(await commit.getStatus()) };
}

async function commandTwice(run) {
    const transientData = { command_id: run.name(randomUUID(), 'command') };
    const submitted = await (await run.proposal('T', { transientData })).endorse().then((endorsed) => endorsed.submit());
    const status = describeStatus(await submitted.getStatus());
    return { status, again: await refusal(run.proposal('T2', { transientData }).endorse()) };
}

async function submitTwice(run) {
    const transaction = await run.proposal().endorse();
    const statuses = [];
    for (let time = 0; time < 2; time++) {
        statuses.push(await (await transaction.submit()).getStatus());
    }
    return {
        statuses: statuses.map(describeStatus),
        same_block: statuses[0].blockNumber === statuses[1].blockNumber,
    };
}

async function manyAtOnce(run) {
    const submit = async () => {
        const submitted = await run.ledger.contract().submitAsync('AppointAdmin', { arguments: [run.newAdmin()] });
        return codeName((await submitted.getStatus()).code);
    };
    return count(await Promise.all(Array.from({ length: MANY }, submit)));
}

async function conflict(run) {
    const admin = run.newAdmin();
    const endorsed = [];
    for (const name of ['winner', 'loser']) {
        endorsed.push(await run.proposal(name, { admin }).endorse());
    }
    const submitted = [];
    for (const transaction of endorsed) {
        submitted.push(await transaction.submit());
    }
    return [describeStatus(await submitted[0].getStatus()), describeStatus(await submitted[1].getStatus())];
}

async function conflictOfCoarseCall(run) {
    const refused = await refusal(
        run.ledger.contract().submit('AppointAdmin', {
            arguments: [run.newAdmin()],
            endorsingOrganizations: ['Org1MSP'],
        }),
    );
    run.name(refused.transaction, 'T');
    return refused;
}

/** A commit status request for an id that this client never submitted. */
function commitOf(run, transactionId, identity, channel = run.ledger.channel) {
    const gateway = run.ledger.gateway(identity);
    const { mspId, credentials } = gateway.getIdentity();
    const creator = new msp.SerializedIdentity();
    creator.setMspid(mspId);
    creator.setIdBytes(credentials);
    const request = new messages.CommitStatusRequest();
    request.setChannelId(channel);
    request.setTransactionId(transactionId);
    request.setIdentity(creator.serializeBinary());
    const signed = new messages.SignedCommitStatusRequest();
    signed.setRequest(request.serializeBinary());
    return gateway.newCommit(signed.serializeBinary());
}

async function statusByAnother(run) {
    const submitted = await (await run.proposal().endorse()).submit();
    return describeStatus(await commitOf(run, submitted.getTransactionId(), 'partner').getStatus());
}

const unknownTransaction = (run) => run.name(createHash('sha256').update(randomUUID()).digest('hex'), 'T');

async function statusOfUnknown(run) {
    try {
        return describeStatus(await commitOf(run, unknownTransaction(run), 'admin').getStatus(within(SILENCE_S)));
    } catch (error) {
        return { error: error.name, transaction: error.transactionId, still_waiting: isOwnDeadline(error) };
    }
}

export const CASES = {
    evaluate_answers_and_writes_nothing: evaluate,
    evaluate_at_another_organization_answers: evaluateAtOrg2,
    evaluate_of_the_system_chaincode_finds_a_transaction: evaluateSystemChaincode,
    submit_returns_the_result: submit,
    submit_keeps_every_letter: submitUnicode,
    submit_async_tells_the_status_later: submitAsync,
    each_step_leads_to_the_next: stepByStep,
    everything_can_be_signed_elsewhere: offline,
    transient_data_reaches_the_chaincode: commandTwice,
    a_transaction_submitted_twice_is_committed_once: submitTwice,
    many_transactions_at_once_are_all_committed: manyAtOnce,
    of_two_conflicting_transactions_one_is_valid: conflict,
    a_transaction_without_endorsement_of_org2_is_a_commit_error: conflictOfCoarseCall,
    another_member_may_ask_for_the_status: statusByAnother,
    status_of_an_unknown_transaction_waits: statusOfUnknown,
    status_in_an_unknown_channel_is_refused: (run) =>
        refusal(commitOf(run, unknownTransaction(run), 'admin', 'nochan').getStatus()),
    status_for_a_stranger_is_refused: (run) =>
        refusal(commitOf(run, unknownTransaction(run), 'stranger').getStatus()),
};
