package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

const (
	silence = time.Second
	many    = 40
)

// What a client does on a good day, and what becomes of transactions.
var transactionCases = []namedCase{
	{"evaluate_answers_and_writes_nothing", evaluate},
	{"evaluate_at_another_organization_answers", evaluateAtOrg2},
	{"evaluate_of_the_system_chaincode_finds_a_transaction", evaluateSystemChaincode},
	{"submit_returns_the_result", submit},
	{"submit_keeps_every_letter", submitUnicode},
	{"submit_async_tells_the_status_later", submitAsync},
	{"each_step_leads_to_the_next", stepByStep},
	{"everything_can_be_signed_elsewhere", offline},
	{"transient_data_reaches_the_chaincode", commandTwice},
	{"a_transaction_submitted_twice_is_committed_once", submitTwice},
	{"many_transactions_at_once_are_all_committed", manyAtOnce},
	{"of_two_conflicting_transactions_one_is_valid", conflict},
	{"a_transaction_without_endorsement_of_org2_is_a_commit_error", conflictOfCoarseCall},
	{"another_member_may_ask_for_the_status", statusByAnother},
	{"status_of_an_unknown_transaction_waits", statusOfUnknown},
	{"status_in_an_unknown_channel_is_refused", statusInUnknownChannel},
	{"status_for_a_stranger_is_refused", statusForStranger},
}

func evaluate(r *run) any {
	admin := r.newAdmin("admin")
	answers := []any{}
	for range 2 {
		answers = append(answers, parsed(must(r.ledger.contract("admin").EvaluateTransaction("AppointAdmin", admin))))
	}
	return answers
}

func evaluateAtOrg2(r *run) any {
	admin, org2 := client.WithArguments(r.newAdmin("admin")), client.WithEndorsingOrganizations("Org2MSP")
	return parsed(must(r.ledger.contract("admin").Evaluate("AppointAdmin", admin, org2)))
}

func evaluateSystemChaincode(r *run) any {
	commit := must(r.endorsed().Submit())
	must(commit.Status())
	qscc := r.ledger.network("partner").GetContract("qscc")
	answer := must(qscc.EvaluateTransaction("GetTransactionByID", r.ledger.Channel, commit.TransactionID()))
	found := &peer.ProcessedTransaction{}
	if err := proto.Unmarshal(answer, found); err != nil {
		panic(err)
	}
	code := peer.TxValidationCode(found.GetValidationCode()).String()
	return object{"code": code, "has_envelope": found.GetTransactionEnvelope() != nil}
}

func submit(r *run) any {
	return parsed(must(r.ledger.contract("admin").SubmitTransaction("AppointAdmin", r.newAdmin("admin"))))
}

func submitUnicode(r *run) any {
	admin := r.newAdmin("admin") + " \"Ω\"\n\u2028 \U0001f34d"
	return parsed(must(r.ledger.contract("admin").SubmitTransaction("AppointAdmin", admin)))
}

func submitAsync(r *run) any {
	admin := client.WithArguments(r.newAdmin("admin"))
	result, commit, err := r.ledger.contract("admin").SubmitAsync("AppointAdmin", admin)
	if err != nil {
		panic(err)
	}
	r.name(commit.TransactionID(), "T")
	return object{"result": parsed(result), "status": describeStatus(must(commit.Status()))}
}

func stepByStep(r *run) any {
	proposal := r.proposal("T", r.newAdmin("admin"))
	transaction := must(proposal.Endorse())
	first := parsed(transaction.Result())
	commit := must(transaction.Submit())
	statuses := []*client.Status{must(commit.Status()), must(commit.Status())}
	return object{
		"transactions": []string{proposal.TransactionID(), transaction.TransactionID(), commit.TransactionID()},
		"results":      []any{first, parsed(transaction.Result())},
		"statuses":     []object{describeStatus(statuses[0]), describeStatus(statuses[1])},
		"same_block":   statuses[0].BlockNumber == statuses[1].BlockNumber,
	}
}

func offline(r *run) any {
	elsewhere := func(digest []byte) []byte { return r.ledger.sign("admin", digest) }
	gateway := r.ledger.gateway("admin")
	unsigned := r.proposal("T", r.newAdmin("admin"))
	proposal := must(gateway.NewSignedProposal(must(unsigned.Bytes()), elsewhere(unsigned.Digest())))
	endorsed := must(proposal.Endorse())
	transaction := must(gateway.NewSignedTransaction(must(endorsed.Bytes()), elsewhere(endorsed.Digest())))
	submitted := must(transaction.Submit())
	commit := must(gateway.NewSignedCommit(must(submitted.Bytes()), elsewhere(submitted.Digest())))
	return object{"result": parsed(endorsed.Result()), "status": describeStatus(must(commit.Status()))}
}

func commandTwice(r *run) any {
	command := client.WithTransient(map[string][]byte{"command_id": []byte(r.name(rand.Text(), "command"))})
	commit := must(must(r.proposal("T", r.newAdmin("admin"), command).Endorse()).Submit())
	status := describeStatus(must(commit.Status()))
	again := refusal(r.proposal("T2", r.newAdmin("admin"), command).Endorse())
	return object{"status": status, "again": again}
}

func submitTwice(r *run) any {
	transaction := r.endorsed()
	statuses := []*client.Status{}
	for range 2 {
		statuses = append(statuses, must(must(transaction.Submit()).Status()))
	}
	return object{
		"statuses":   []object{describeStatus(statuses[0]), describeStatus(statuses[1])},
		"same_block": statuses[0].BlockNumber == statuses[1].BlockNumber,
	}
}

func manyAtOnce(r *run) any {
	contract := r.ledger.contract("admin")
	codes := make(chan string, many)
	for range many {
		admin := client.WithArguments(r.newAdmin("admin"))
		go func() {
			_, commit, err := contract.SubmitAsync("AppointAdmin", admin)
			if err != nil {
				codes <- err.Error()
				return
			}
			status, err := commit.Status()
			if err != nil {
				codes <- err.Error()
				return
			}
			codes <- status.Code.String()
		}()
	}
	counted := map[string]int{}
	for range many {
		counted[<-codes]++
	}
	return counted
}

func conflict(r *run) any {
	admin := r.newAdmin("admin")
	winner, loser := must(r.proposal("winner", admin).Endorse()), must(r.proposal("loser", admin).Endorse())
	first, second := must(winner.Submit()), must(loser.Submit())
	return []object{describeStatus(must(first.Status())), describeStatus(must(second.Status()))}
}

func conflictOfCoarseCall(r *run) any {
	_, err := r.ledger.contract("admin").Submit(
		"AppointAdmin", client.WithArguments(r.newAdmin("admin")), client.WithEndorsingOrganizations("Org1MSP"),
	)
	var refused *client.CommitError
	if errors.As(err, &refused) {
		r.name(refused.TransactionID, "T")
	}
	return refusal(object{}, err)
}

// commitOf is a commit status request for an id that this client never submitted.
func commitOf(r *run, transactionID, identity, channel string) *client.Commit {
	who := r.ledger.gateway(identity).Identity()
	creator := must(proto.Marshal(&msp.SerializedIdentity{Mspid: who.MspID(), IdBytes: who.Credentials()}))
	request := must(proto.Marshal(&gateway.CommitStatusRequest{
		ChannelId: channel, TransactionId: transactionID, Identity: creator,
	}))
	signed := must(proto.Marshal(&gateway.SignedCommitStatusRequest{Request: request}))
	return must(r.ledger.gateway(identity).NewCommit(signed))
}

func unknownTransaction(r *run) string {
	id := make([]byte, 32)
	must(rand.Read(id))
	return r.name(fmt.Sprintf("%x", id), "T")
}

func statusByAnother(r *run) any {
	submitted := must(r.endorsed().Submit())
	return describeStatus(must(commitOf(r, submitted.TransactionID(), "partner", r.ledger.Channel).Status()))
}

func statusOfUnknown(r *run) any {
	ctx, leave := within(silence)
	defer leave()
	status, err := commitOf(r, unknownTransaction(r), "admin", r.ledger.Channel).StatusWithContext(ctx)
	if err == nil {
		return describeStatus(status)
	}
	described := describeError(err)
	return object{
		"error": described["error"], "transaction": described["transaction"], "still_waiting": ctx.Err() != nil,
	}
}

func statusInUnknownChannel(r *run) any {
	return refusal(commitOf(r, unknownTransaction(r), "admin", "nochan").Status())
}

func statusForStranger(r *run) any {
	return refusal(commitOf(r, unknownTransaction(r), "stranger", r.ledger.Channel).Status())
}
