// Streams of whole and of filtered blocks: from a block, from a checkpoint, live, refused.

import { checkpointers } from '@hyperledger/fabric-gateway';

import { describeChain, entries, filteredEntries } from './block_contents.mjs';
import { history } from './history.mjs';
import { wrongSignature } from './ledger.mjs';
import { take } from './outcomes.mjs';

const STREAM_LIMIT_S = 20;

const WHOLE = {
    request: (network, options) => network.newBlockEventsRequest(options),
    signed: (gateway, bytes, signature) => gateway.newSignedBlockEventsRequest(bytes, signature),
    number: (block) => BigInt(block.getHeader().getNumber()),
    entries,
    describe: describeChain,
};

/** The same blocks, each with the private data that this channel does not have. */
const WITH_PRIVATE_DATA = {
    request: (network, options) => network.newBlockAndPrivateDataEventsRequest(options),
    signed: (gateway, bytes, signature) => gateway.newSignedBlockAndPrivateDataEventsRequest(bytes, signature),
    number: (both) => WHOLE.number(both.getBlock()),
    entries: (both) => entries(both.getBlock()),
    describe: (blocks) => ({
        ...describeChain(blocks.map((both) => both.getBlock())),
        private_data: blocks.reduce((sum, both) => sum + both.getPrivateDataMapMap().getLength(), 0),
    }),
};

const FILTERED = {
    request: (network, options) => network.newFilteredBlockEventsRequest(options),
    signed: (gateway, bytes, signature) => gateway.newSignedFilteredBlockEventsRequest(bytes, signature),
    number: (block) => BigInt(block.getNumber()),
    entries: filteredEntries,
    describe: (blocks) => ({ channels: [...new Set(blocks.map((block) => block.getChannelId()))] }),
};

const read = (kind, run, options, isLast) =>
    take(kind.request(run.ledger.network(), options).getEvents(), isLast, STREAM_LIMIT_S);

function describe(kind, blocks, own) {
    const numbers = blocks.map(kind.number);
    return {
        numbers_follow: numbers.every((number, index) => number === numbers[0] + BigInt(index)),
        entries: blocks.flatMap(kind.entries).filter(({ transaction }) => own.has(transaction)),
        ...kind.describe(blocks),
    };
}

/** The blocks of the history; other clients' transactions in them are left out. */
async function ofHistory(kind, run, options) {
    const known = await history(run);
    const { taken, end } = await read(kind, run, options, (block) => kind.number(block) >= known.third.block);
    const own = new Set(Object.values(known).map(({ transaction }) => transaction));
    return { blocks: taken, described: { ...describe(kind, taken, own), ...end } };
}

async function fromBlock(kind, run) {
    const { first } = await history(run);
    const { blocks, described } = await ofHistory(kind, run, { startBlock: first.block });
    return { ...described, starts_there: kind.number(blocks[0]) === first.block };
}

async function afterCheckpoint(kind, run) {
    const { first } = await history(run);
    const checkpoint = checkpointers.inMemory();
    const { blocks: seen } = await ofHistory(kind, run, { startBlock: first.block });
    await checkpoint.checkpointBlock(kind.number(seen[0]));
    const { blocks, described } = await ofHistory(kind, run, { startBlock: 0n, checkpoint });
    return { ...described, starts_after_it: kind.number(blocks[0]) === first.block + 1n };
}

async function genesis(kind, run) {
    const { taken, end } = await read(kind, run, { startBlock: 0n }, () => true);
    const [{ type, code }] = kind.entries(taken[0]);
    return { number: Number(kind.number(taken[0])), type, code, ...end };
}

async function live(kind, run) {
    const events = await kind.request(run.ledger.network()).getEvents();
    const submitting = run.ledger.contract().submitAsync('AppointAdmin', { arguments: [run.newAdmin()] });
    const holdsOwn = async (block) => {
        const id = (await submitting).getTransactionId();
        return kind.entries(block).some(({ transaction }) => transaction === id);
    };
    const [{ taken, end }, submitted] = await Promise.all([take(events, holdsOwn, STREAM_LIMIT_S), submitting]);
    const id = run.name(submitted.getTransactionId(), 'T');
    const { blockNumber } = await submitted.getStatus();
    const in_block_of_commit = taken.length > 0 && kind.number(taken.at(-1)) === blockNumber;
    return { ...describe(kind, taken, new Set([id])), in_block_of_commit, ...end };
}

async function refused(request) {
    const { taken, end } = await take(request.getEvents(), () => true, STREAM_LIMIT_S);
    return { blocks: taken.length, ...end };
}

async function fromFutureBlock(kind, run) {
    const { third } = await history(run);
    return refused(kind.request(run.ledger.network(), { startBlock: third.block + 1_000_000n }));
}

async function signedWrong(kind, run) {
    const request = kind.request(run.ledger.network(), { startBlock: 0n });
    return refused(kind.signed(run.ledger.gateway(), request.getBytes(), await wrongSignature(run.ledger)));
}

const inChannel = (kind, run, identity, channel) =>
    refused(kind.request(run.ledger.network(identity, channel), { startBlock: 0n }));

const casesOf = (name, kind) => ({
    [`${name}_from_a_block`]: (run) => fromBlock(kind, run),
    [`${name}_after_a_checkpoint`]: (run) => afterCheckpoint(kind, run),
    [`${name}_from_the_first`]: (run) => genesis(kind, run),
    [`${name}_from_now_on`]: (run) => live(kind, run),
    [`${name}_from_far_ahead`]: (run) => fromFutureBlock(kind, run),
    [`${name}_in_an_unknown_channel`]: (run) => inChannel(kind, run, 'admin', 'nochan'),
    [`${name}_for_a_stranger`]: (run) => inChannel(kind, run, 'stranger'),
    [`${name}_with_a_wrong_signature`]: (run) => signedWrong(kind, run),
});

export const CASES = {
    ...casesOf('blocks', WHOLE),
    ...casesOf('blocks_with_private_data', WITH_PRIVATE_DATA),
    ...casesOf('filtered_blocks', FILTERED),
};
