// What a client is told when a call fails: class of the error, code, message, details.

import { wrongSignature } from './ledger.mjs';
import { describeStatus, refusal } from './outcomes.mjs';

const UNKNOWN_TRANSACTION = '0'.repeat(64);

const evaluated = (contract, name, ...args) => refusal(contract.evaluateTransaction(name, ...args));

const evaluatedBy = (run, organization) =>
    refusal(run.ledger.contract().evaluate('Nope', { endorsingOrganizations: [organization] }));

async function endorsed(run, options) {
    return refusal(run.proposal('T', options).endorse());
}

async function refusedEndorsement(run, identity, name, ...args) {
    const proposal = run.ledger.contract(identity).newProposal(name, { arguments: args });
    run.name(proposal.getTransactionId(), 'T');
    return refusal(proposal.endorse());
}

function elsewhere(run, { channel = run.ledger.channel, chaincode = run.ledger.chaincode }) {
    return run.ledger.network('admin', channel).getContract(chaincode, 'AdminContract');
}

async function ofOrg2(run) {
    const proposal = run.ledger.contract().newProposal('Nope', { endorsingOrganizations: ['Org2MSP'] });
    run.name(proposal.getTransactionId(), 'T');
    return refusal(proposal.endorse());
}

async function duplicate(run) {
    const proposal = run.proposal();
    await (await (await proposal.endorse()).submit()).getStatus();
    const again = run.ledger.gateway().newProposal(proposal.getBytes());
    return { endorse: await refusal(again.endorse()), evaluate: await refusal(again.evaluate()) };
}

async function proposalSignature(run) {
    const proposal = run.proposal();
    const wrong = await wrongSignature(run.ledger);
    return refusal(run.ledger.gateway().newSignedProposal(proposal.getBytes(), wrong).endorse());
}

async function envelopeSignature(run) {
    const transaction = await run.proposal().endorse();
    const wrong = await wrongSignature(run.ledger);
    const refused = await refusal(run.ledger.gateway().newSignedTransaction(transaction.getBytes(), wrong).submit());
    return { refused, afterwards: describeStatus(await (await transaction.submit()).getStatus()) };
}

async function statusSignature(run) {
    const submitted = await (await run.proposal().endorse()).submit();
    const wrong = await wrongSignature(run.ledger);
    return refusal(run.ledger.gateway().newSignedCommit(submitted.getBytes(), wrong).getStatus());
}

async function appointedTwice(run) {
    const admin = run.newAdmin();
    await run.ledger.contract().submitTransaction('AppointAdmin', admin);
    return endorsed(run, { admin });
}

export const CASES = {
    evaluate_refused_by_the_chaincode: (run) => evaluated(run.ledger.contract(), 'Nope'),
    evaluate_with_too_few_arguments: (run) => evaluated(run.ledger.contract(), 'AppointAdmin'),
    evaluate_refused_by_the_other_organization: (run) => evaluatedBy(run, 'Org2MSP'),
    evaluate_at_an_unknown_organization: (run) => evaluatedBy(run, 'NoMSP'),
    evaluate_of_an_unknown_chaincode: (run) => evaluated(elsewhere(run, { chaincode: 'nope' }), 'Nope'),
    evaluate_in_an_unknown_channel: (run) => evaluated(elsewhere(run, { channel: 'nochan' }), 'Nope'),
    evaluate_by_a_stranger: (run) => evaluated(run.ledger.contract('stranger'), 'GetSystemStatus'),
    system_chaincode_does_not_know_a_transaction: (run) =>
        evaluated(
            run.ledger.network().getContract('qscc'),
            'GetTransactionByID',
            run.ledger.channel,
            run.name(UNKNOWN_TRANSACTION, 'T'),
        ),
    endorse_of_an_unknown_function: (run) => refusedEndorsement(run, 'admin', 'Nope'),
    endorse_refused_by_the_chaincode: appointedTwice,
    endorse_without_the_role: (run) => refusedEndorsement(run, 'partner', 'AppointAdmin', run.newAdmin()),
    endorse_refused_by_the_other_organization: ofOrg2,
    endorse_by_an_unknown_organization: (run) => endorsed(run, { endorsingOrganizations: ['NoMSP'] }),
    endorse_of_an_unknown_chaincode: (run) => endorsed(run, { contract: elsewhere(run, { chaincode: 'nope' }) }),
    endorse_in_an_unknown_channel: (run) => endorsed(run, { contract: elsewhere(run, { channel: 'nochan' }) }),
    endorse_by_a_stranger: (run) => endorsed(run, { contract: run.ledger.contract('stranger') }),
    endorse_with_a_wrong_signature: proposalSignature,
    a_committed_transaction_is_not_endorsed_again: duplicate,
    submit_with_a_wrong_signature_leaves_no_trace: envelopeSignature,
    status_with_a_wrong_signature: statusSignature,
};
