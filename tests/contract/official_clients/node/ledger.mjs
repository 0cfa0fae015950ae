// The network as the cases use it, and what one case has made up in it.

import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers } from '@hyperledger/fabric-gateway';

const CALL_DEADLINE_S = 20;

/** A deadline so many seconds from now, as gRPC wants it. */
export function within(seconds) {
    return { deadline: Date.now() + seconds * 1000 };
}

/** One connection, and a gateway client per identity. */
export class Ledger {
    #connection;
    #described;
    #gateways = new Map();

    constructor(described) {
        this.#described = described;
        this.#connection = new grpc.Client(
            described.address,
            grpc.credentials.createSsl(readFileSync(described.tls_ca_file)),
            described.server_name ? { 'grpc.ssl_target_name_override': described.server_name } : {},
        );
    }

    get channel() {
        return this.#described.channel;
    }

    get chaincode() {
        return this.#described.chaincode;
    }

    get scratch() {
        return this.#described.scratch;
    }

    signer(identity) {
        return signers.newPrivateKeySigner(createPrivateKey(readFileSync(this.#described.identities[identity].key_file)));
    }

    gateway(identity = 'admin') {
        if (!this.#gateways.has(identity)) {
            const { msp_id: mspId, certificate_file: certificate } = this.#described.identities[identity];
            const options = () => within(CALL_DEADLINE_S);
            this.#gateways.set(
                identity,
                connect({
                    client: this.#connection,
                    identity: { mspId, credentials: readFileSync(certificate) },
                    signer: this.signer(identity),
                    hash: hash.sha256,
                    evaluateOptions: options,
                    endorseOptions: options,
                    submitOptions: options,
                    commitStatusOptions: options,
                }),
            );
        }
        return this.#gateways.get(identity);
    }

    network(identity = 'admin', channel = this.channel) {
        return this.gateway(identity).getNetwork(channel);
    }

    /** `AdminContract` of the chaincode under test. */
    contract(identity = 'admin') {
        return this.network(identity).getContract(this.chaincode, 'AdminContract');
    }

    close() {
        for (const gateway of this.#gateways.values()) {
            gateway.close();
        }
        this.#connection.close();
    }
}

/** One case: what it made up, and under which name the table of expectations knows it. */
export class Run {
    names = {};

    constructor(ledger) {
        this.ledger = ledger;
    }

    name(madeUp, name) {
        this.names[madeUp] = name;
        return madeUp;
    }

    /** The id of an administrator nobody has appointed. */
    newAdmin(name = 'admin') {
        return this.name(randomUUID(), name);
    }

    /** A proposal to appoint an administrator; its transaction is called `name`. */
    proposal(name = 'T', { contract = this.ledger.contract(), admin = this.newAdmin(), ...options } = {}) {
        const proposal = contract.newProposal('AppointAdmin', { arguments: [admin], ...options });
        this.name(proposal.getTransactionId(), name);
        return proposal;
    }
}

/** A signature of something else. */
export function wrongSignature(ledger, identity = 'admin') {
    return ledger.signer(identity)(createHash('sha256').update('something else').digest());
}
