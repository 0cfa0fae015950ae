package main

import (
	"strings"

	"github.com/hyperledger/fabric-gateway/pkg/client"
)

// What a client is told when a call fails: class of the error, code, message, details.
var refusalCases = []namedCase{
	{"evaluate_refused_by_the_chaincode", func(r *run) any {
		return refusal(r.ledger.contract("admin").EvaluateTransaction("Nope"))
	}},
	{"evaluate_with_too_few_arguments", func(r *run) any {
		return refusal(r.ledger.contract("admin").EvaluateTransaction("AppointAdmin"))
	}},
	{"evaluate_refused_by_the_other_organization", func(r *run) any {
		return refusal(r.ledger.contract("admin").Evaluate("Nope", client.WithEndorsingOrganizations("Org2MSP")))
	}},
	{"evaluate_at_an_unknown_organization", func(r *run) any {
		return refusal(r.ledger.contract("admin").Evaluate("Nope", client.WithEndorsingOrganizations("NoMSP")))
	}},
	{"evaluate_of_an_unknown_chaincode", func(r *run) any {
		return refusal(elsewhere(r, r.ledger.Channel, "nope").EvaluateTransaction("Nope"))
	}},
	{"evaluate_in_an_unknown_channel", func(r *run) any {
		return refusal(elsewhere(r, "nochan", r.ledger.Chaincode).EvaluateTransaction("Nope"))
	}},
	{"evaluate_by_a_stranger", func(r *run) any {
		return refusal(r.ledger.contract("stranger").EvaluateTransaction("GetSystemStatus"))
	}},
	{"system_chaincode_does_not_know_a_transaction", func(r *run) any {
		unknown := r.name(strings.Repeat("0", 64), "T")
		qscc := r.ledger.network("admin").GetContract("qscc")
		return refusal(qscc.EvaluateTransaction("GetTransactionByID", r.ledger.Channel, unknown))
	}},
	{"endorse_of_an_unknown_function", func(r *run) any {
		return refusal(r.proposalOf(r.ledger.contract("admin"), "T", "Nope").Endorse())
	}},
	{"endorse_refused_by_the_chaincode", func(r *run) any {
		admin := r.newAdmin("admin")
		must(r.ledger.contract("admin").SubmitTransaction("AppointAdmin", admin))
		return refusal(r.proposal("T", admin).Endorse())
	}},
	{"endorse_without_the_role", func(r *run) any {
		return refusal(appointment(r, r.ledger.contract("partner")).Endorse())
	}},
	{"endorse_refused_by_the_other_organization", func(r *run) any {
		org2 := client.WithEndorsingOrganizations("Org2MSP")
		return refusal(r.proposalOf(r.ledger.contract("admin"), "T", "Nope", org2).Endorse())
	}},
	{"endorse_by_an_unknown_organization", func(r *run) any {
		nobody := client.WithEndorsingOrganizations("NoMSP")
		return refusal(r.proposal("T", r.newAdmin("admin"), nobody).Endorse())
	}},
	{"endorse_of_an_unknown_chaincode", func(r *run) any {
		return refusal(appointment(r, elsewhere(r, r.ledger.Channel, "nope")).Endorse())
	}},
	{"endorse_in_an_unknown_channel", func(r *run) any {
		return refusal(appointment(r, elsewhere(r, "nochan", r.ledger.Chaincode)).Endorse())
	}},
	{"endorse_by_a_stranger", func(r *run) any {
		return refusal(appointment(r, r.ledger.contract("stranger")).Endorse())
	}},
	{"endorse_with_a_wrong_signature", func(r *run) any {
		proposal := must(r.proposal("T", r.newAdmin("admin")).Bytes())
		return refusal(must(r.ledger.gateway("admin").NewSignedProposal(proposal, r.ledger.wrongSignature())).Endorse())
	}},
	{"a_committed_transaction_is_not_endorsed_again", func(r *run) any {
		proposal := r.proposal("T", r.newAdmin("admin"))
		must(must(must(proposal.Endorse()).Submit()).Status())
		again := must(r.ledger.gateway("admin").NewProposal(must(proposal.Bytes())))
		return object{"endorse": refusal(again.Endorse()), "evaluate": refusal(again.Evaluate())}
	}},
	{"submit_with_a_wrong_signature_leaves_no_trace", func(r *run) any {
		transaction := r.endorsed()
		envelope, wrong := must(transaction.Bytes()), r.ledger.wrongSignature()
		refused := refusal(must(r.ledger.gateway("admin").NewSignedTransaction(envelope, wrong)).Submit())
		return object{"refused": refused, "afterwards": describeStatus(must(must(transaction.Submit()).Status()))}
	}},
	{"status_with_a_wrong_signature", func(r *run) any {
		request := must(must(r.endorsed().Submit()).Bytes())
		return refusal(must(r.ledger.gateway("admin").NewSignedCommit(request, r.ledger.wrongSignature())).Status())
	}},
}

func elsewhere(r *run, channel, chaincode string) *client.Contract {
	return r.ledger.gateway("admin").GetNetwork(channel).GetContractWithName(chaincode, "AdminContract")
}

func appointment(r *run, contract *client.Contract) *client.Proposal {
	return r.proposalOf(contract, "T", "AppointAdmin", client.WithArguments(r.newAdmin("admin")))
}
