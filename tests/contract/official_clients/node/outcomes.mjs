// Answers as plain objects, the same for every client of the table.

import * as grpc from '@grpc/grpc-js';
import { CommitError, GatewayError, StatusCode } from '@hyperledger/fabric-gateway';

const CODES = Object.fromEntries(Object.entries(StatusCode).map(([name, code]) => [code, name]));

/** The name of a validation code. */
export function codeName(code) {
    return CODES[code];
}

export function text(bytes) {
    return new TextDecoder().decode(bytes);
}

export function json(bytes) {
    return JSON.parse(text(bytes));
}

/** How often each text occurs. */
export function count(texts) {
    const counted = {};
    for (const each of texts) {
        counted[each] = (counted[each] ?? 0) + 1;
    }
    return counted;
}

/** A commit status without its block number, which depends on the network's age. */
export function describeStatus(status) {
    return { transaction: status.transactionId, code: codeName(status.code), successful: status.successful };
}

export function describeError(error) {
    if (error instanceof CommitError) {
        return { error: 'CommitError', transaction: error.transactionId, code: codeName(error.code) };
    }
    if (!(error instanceof GatewayError)) {
        return { error: error.name, message: error.message };
    }
    const described = {
        error: error.name,
        code: grpc.status[error.code],
        message: error.cause.details,
        details: error.details.map(({ address, mspId, message }) => ({ address, msp_id: mspId, message })),
    };
    return 'transactionId' in error ? { ...described, transaction: error.transactionId } : described;
}

/** What a call that must fail says. */
export async function refusal(call) {
    try {
        await call;
    } catch (error) {
        return describeError(error);
    }
    return 'not refused';
}

/**
 * The items of a stream up to the one that `isLast` accepts (it may wait), for so many seconds at most. We leave the
 * stream then without a deadline in the call: gRPC would tell that to the server, which might be the first to end it.
 */
export async function take(events, isLast, limitS) {
    const taken = [];
    let left = false;
    const leave = async () => {
        left = true;
        (await events).close();
    };
    const leaving = setTimeout(leave, limitS * 1000);
    try {
        for await (const item of await events) {
            taken.push(item);
            if (await isLast(item)) {
                return { taken, end: { still_open: true } };
            }
        }
        return { taken, end: { still_open: left } };
    } catch (error) {
        return { taken, end: left ? { still_open: true } : { still_open: false, ...describeError(error) } };
    } finally {
        clearTimeout(leaving);
        await leave();
    }
}

/** Of the client and the server, which both know the deadline, the server may be first: it cancels the call. */
export function isOwnDeadline(error) {
    return (
        error instanceof GatewayError && [grpc.status.DEADLINE_EXCEEDED, grpc.status.CANCELLED].includes(error.code)
    );
}
