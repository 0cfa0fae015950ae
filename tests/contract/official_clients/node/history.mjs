// Four transactions that the cases about events read: `first`, `loser` (a read conflict with `first`, so not valid)
// and `second` share a block, `third` is in a later one.

const TRIES = 20;

let written;

/** name -> {transaction, block}; written once per run of the program, named in every run that asks. */
export async function history(run) {
    written ??= write(run);
    const { transactions, names } = await written;
    Object.assign(run.names, names);
    return transactions;
}

async function write(run) {
    for (let time = 0; time < TRIES; time++) {
        const transactions = await shareBlock(run);
        const blocks = new Set(Object.values(transactions).map(({ block }) => block));
        if (blocks.size === 1) {
            const [third] = await commit(run, { third: run.newAdmin('admin of third') });
            return { transactions: { ...transactions, third: third[1] }, names: { ...run.names } };
        }
    }
    throw new Error(`three transactions submitted at once did not share a block in ${TRIES} tries`);
}

async function shareBlock(run) {
    const contested = run.newAdmin('admin of first');
    const second = run.newAdmin('admin of second');
    return Object.fromEntries(await commit(run, { first: contested, loser: contested, second }));
}

async function commit(run, admins) {
    const endorsed = [];
    for (const [name, admin] of Object.entries(admins)) {
        endorsed.push([name, await run.proposal(name, { admin }).endorse()]);
    }
    const submitted = [];
    for (const [name, transaction] of endorsed) {
        submitted.push([name, await transaction.submit()]);
    }
    const committed = [];
    for (const [name, commit] of submitted) {
        const { transactionId: transaction, blockNumber: block } = await commit.getStatus();
        committed.push([name, { transaction, block }]);
    }
    return committed;
}
