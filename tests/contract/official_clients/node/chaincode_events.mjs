// Events of the chaincode: valid transactions only, from a block, from a checkpoint, live.

import { join } from 'node:path';

import { checkpointers } from '@hyperledger/fabric-gateway';

import { history } from './history.mjs';
import { wrongSignature } from './ledger.mjs';
import { json, take } from './outcomes.mjs';

const STREAM_LIMIT_S = 20;
const SILENCE_S = 1;

/** Events of the history up to the third transaction's; other clients' events are left out. */
async function ofHistory(run, options, limitS = STREAM_LIMIT_S) {
    const { ledger } = run;
    const known = await history(run);
    const request = ledger.network().newChaincodeEventsRequest(ledger.chaincode, options);
    const { taken, end } = await take(
        request.getEvents(),
        (event) => event.transactionId === known.third.transaction,
        limitS,
    );
    const own = new Map(Object.values(known).map(({ transaction, block }) => [transaction, block]));
    const events = taken.filter(({ transactionId }) => own.has(transactionId));
    return { events, described: { events: events.map((event) => describe(event, own)), ...end } };
}

function describe(event, blocks) {
    return {
        transaction: event.transactionId,
        chaincode: event.chaincodeName,
        name: event.eventName,
        payload: json(event.payload),
        in_block_of_commit: event.blockNumber === blocks.get(event.transactionId),
    };
}

async function fromBlock(run) {
    const { first } = await history(run);
    return (await ofHistory(run, { startBlock: first.block })).described;
}

async function afterEvent(run) {
    const { first } = await history(run);
    const { events } = await ofHistory(run, { startBlock: first.block });
    const path = join(run.ledger.scratch, 'node-checkpoint');
    await (await checkpointers.file(path)).checkpointChaincodeEvent(events[0]);
    return (await ofHistory(run, { checkpoint: await checkpointers.file(path) })).described;
}

async function afterTransaction(run, block, transaction, limitS) {
    const checkpoint = checkpointers.inMemory();
    await checkpoint.checkpointTransaction(block, transaction);
    return (await ofHistory(run, { checkpoint }, limitS)).described;
}

async function afterLastEvent(run) {
    const { second } = await history(run);
    return afterTransaction(run, second.block, second.transaction);
}

async function afterInvalidTransaction(run) {
    const { loser } = await history(run);
    return afterTransaction(run, loser.block, loser.transaction, SILENCE_S);
}

async function afterTransactionElsewhere(run) {
    const { first, third } = await history(run);
    return afterTransaction(run, first.block, third.transaction, SILENCE_S);
}

async function afterBlock(run) {
    const { first } = await history(run);
    const checkpoint = checkpointers.inMemory();
    await checkpoint.checkpointBlock(first.block);
    return (await ofHistory(run, { startBlock: 0n, checkpoint })).described;
}

async function live(run) {
    const { ledger } = run;
    const events = await ledger.network().getChaincodeEvents(ledger.chaincode);
    const submitting = ledger.contract().submitAsync('AppointAdmin', { arguments: [run.newAdmin()] });
    const isOwn = async ({ transactionId }) => transactionId === (await submitting).getTransactionId();
    const [{ taken, end }, submitted] = await Promise.all([take(events, isOwn, STREAM_LIMIT_S), submitting]);
    const id = run.name(submitted.getTransactionId(), 'T');
    const blocks = new Map([[id, (await submitted.getStatus()).blockNumber]]);
    const own = taken.filter((event) => event.transactionId === id);
    return { events: own.map((event) => describe(event, blocks)), ...end };
}

/** What comes within a second. */
async function listen(request) {
    const { taken, end } = await take(request.getEvents(), () => false, SILENCE_S);
    return { events: taken.length, ...end };
}

async function ofAnotherChaincode(run) {
    const { first } = await history(run);
    return listen(run.ledger.network().newChaincodeEventsRequest('nope', { startBlock: first.block }));
}

async function fromFutureBlock(run) {
    const { third } = await history(run);
    const startBlock = third.block + 1_000_000n;
    return listen(run.ledger.network().newChaincodeEventsRequest(run.ledger.chaincode, { startBlock }));
}

async function signedWrong(run) {
    const { ledger } = run;
    const request = ledger.network().newChaincodeEventsRequest(ledger.chaincode, { startBlock: 0n });
    const wrong = await wrongSignature(ledger);
    return listen(ledger.gateway().newSignedChaincodeEventsRequest(request.getBytes(), wrong));
}

const inChannel = (run, identity, channel) =>
    listen(run.ledger.network(identity, channel).newChaincodeEventsRequest(run.ledger.chaincode, { startBlock: 0n }));

export const CASES = {
    chaincode_events_from_a_block: fromBlock,
    chaincode_events_after_a_checkpointed_event: afterEvent,
    chaincode_events_after_the_last_event_of_a_block: afterLastEvent,
    chaincode_events_after_a_transaction_that_is_not_valid: afterInvalidTransaction,
    chaincode_events_after_a_transaction_of_another_block: afterTransactionElsewhere,
    chaincode_events_after_a_checkpointed_block: afterBlock,
    chaincode_events_from_now_on: live,
    chaincode_events_of_an_unknown_chaincode: ofAnotherChaincode,
    chaincode_events_from_a_block_far_ahead: fromFutureBlock,
    chaincode_events_in_an_unknown_channel: (run) => inChannel(run, 'admin', 'nochan'),
    chaincode_events_for_a_stranger: (run) => inChannel(run, 'stranger'),
    chaincode_events_with_a_wrong_signature: signedWrong,
};
