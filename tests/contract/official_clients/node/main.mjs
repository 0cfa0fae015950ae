// Runs every case against the network described by the JSON file named as first argument; prints one JSON line each:
// {"case": name, "names": {what this run made up: what the table calls it}, "outcome": ...}.

import { readFileSync } from 'node:fs';

import * as blocks from './blocks.mjs';
import * as chaincodeEvents from './chaincode_events.mjs';
import { Ledger, Run } from './ledger.mjs';
import { describeError } from './outcomes.mjs';
import * as refusals from './refusals.mjs';
import * as transactions from './transactions.mjs';

const ledger = new Ledger(JSON.parse(readFileSync(process.argv[2], 'utf8')));
try {
    for (const cases of [transactions, refusals, chaincodeEvents, blocks]) {
        for (const [name, run] of Object.entries(cases.CASES)) {
            const made = new Run(ledger);
            const outcome = await run(made).catch((error) => ({ failed: describeError(error) }));
            console.log(JSON.stringify({ case: name, names: made.names, outcome }));
        }
    }
} finally {
    ledger.close();
}
