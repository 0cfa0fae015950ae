package main

import (
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
)

const (
	streamLimit = 20 * time.Second
	farAhead    = 1_000_000
)

// Events of the chaincode: valid transactions only, from a block, from a checkpoint, live.
var chaincodeEventCases = []namedCase{
	{"chaincode_events_from_a_block", func(r *run) any {
		_, described := eventsOfHistory(r, streamLimit, client.WithStartBlock(r.history()["first"].block))
		return described
	}},
	{"chaincode_events_after_a_checkpointed_event", eventsAfterEvent},
	{"chaincode_events_after_the_last_event_of_a_block", func(r *run) any {
		second := r.history()["second"]
		return eventsAfter(r, streamLimit, second.block, second.transaction)
	}},
	{"chaincode_events_after_a_transaction_that_is_not_valid", func(r *run) any {
		loser := r.history()["loser"]
		return eventsAfter(r, silence, loser.block, loser.transaction)
	}},
	{"chaincode_events_after_a_transaction_of_another_block", func(r *run) any {
		return eventsAfter(r, silence, r.history()["first"].block, r.history()["third"].transaction)
	}},
	{"chaincode_events_after_a_checkpointed_block", func(r *run) any {
		checkpoint := &client.InMemoryCheckpointer{}
		checkpoint.CheckpointBlock(r.history()["first"].block)
		_, described := eventsOfHistory(r, streamLimit, client.WithStartBlock(0), client.WithCheckpoint(checkpoint))
		return described
	}},
	{"chaincode_events_from_now_on", liveEvents},
	{"chaincode_events_of_an_unknown_chaincode", func(r *run) any {
		from := client.WithStartBlock(r.history()["first"].block)
		return listen(must(r.ledger.network("admin").NewChaincodeEventsRequest("nope", from)))
	}},
	{"chaincode_events_from_a_block_far_ahead", func(r *run) any {
		from := client.WithStartBlock(r.history()["third"].block + farAhead)
		return listen(must(r.ledger.network("admin").NewChaincodeEventsRequest(r.ledger.Chaincode, from)))
	}},
	{"chaincode_events_in_an_unknown_channel", func(r *run) any {
		network := r.ledger.gateway("admin").GetNetwork("nochan")
		return listen(must(network.NewChaincodeEventsRequest(r.ledger.Chaincode, client.WithStartBlock(0))))
	}},
	{"chaincode_events_for_a_stranger", func(r *run) any {
		network := r.ledger.network("stranger")
		return listen(must(network.NewChaincodeEventsRequest(r.ledger.Chaincode, client.WithStartBlock(0))))
	}},
	{"chaincode_events_with_a_wrong_signature", func(r *run) any {
		network := r.ledger.network("admin")
		request := must(network.NewChaincodeEventsRequest(r.ledger.Chaincode, client.WithStartBlock(0)))
		wrong := r.ledger.wrongSignature()
		return listen(must(r.ledger.gateway("admin").NewSignedChaincodeEventsRequest(must(request.Bytes()), wrong)))
	}},
}

// eventsOfHistory reads up to the third transaction's event; other clients' events are left out.
func eventsOfHistory(
	r *run, limit time.Duration, options ...client.ChaincodeEventsOption,
) ([]*client.ChaincodeEvent, object) {
	known, own := r.history(), r.own()
	ctx, leave := within(limit)
	defer leave()
	events := must(r.ledger.network("admin").ChaincodeEvents(ctx, r.ledger.Chaincode, options...))
	taken, stillOpen := take(ctx, events, func(event *client.ChaincodeEvent) bool {
		return event.TransactionID == known["third"].transaction
	})
	found := ownEvents(taken, own)
	return found, object{"events": describeEvents(found, own), "still_open": stillOpen}
}

func ownEvents(events []*client.ChaincodeEvent, own map[string]uint64) []*client.ChaincodeEvent {
	found := []*client.ChaincodeEvent{}
	for _, event := range events {
		if _, isOwn := own[event.TransactionID]; isOwn {
			found = append(found, event)
		}
	}
	return found
}

func describeEvents(events []*client.ChaincodeEvent, blocks map[string]uint64) []object {
	described := []object{}
	for _, event := range events {
		described = append(described, object{
			"transaction":        event.TransactionID,
			"chaincode":          event.ChaincodeName,
			"name":               event.EventName,
			"payload":            parsed(event.Payload),
			"in_block_of_commit": event.BlockNumber == blocks[event.TransactionID],
		})
	}
	return described
}

func eventsAfterEvent(r *run) any {
	events, seen := eventsOfHistory(r, streamLimit, client.WithStartBlock(r.history()["first"].block))
	if len(events) == 0 {
		return seen
	}
	path := filepath.Join(r.ledger.Scratch, "go-checkpoint")
	checkpoint := must(client.NewFileCheckpointer(path))
	if err := checkpoint.CheckpointChaincodeEvent(events[0]); err != nil {
		panic(err)
	}
	if err := checkpoint.Close(); err != nil {
		panic(err)
	}
	reopened := must(client.NewFileCheckpointer(path))
	defer func() { _ = reopened.Close() }()
	_, described := eventsOfHistory(r, streamLimit, client.WithCheckpoint(reopened))
	return described
}

func eventsAfter(r *run, limit time.Duration, block uint64, transaction string) any {
	checkpoint := &client.InMemoryCheckpointer{}
	checkpoint.CheckpointTransaction(block, transaction)
	_, described := eventsOfHistory(r, limit, client.WithCheckpoint(checkpoint))
	return described
}

func liveEvents(r *run) any {
	ctx, leave := within(streamLimit)
	defer leave()
	events := must(r.ledger.network("admin").ChaincodeEvents(ctx, r.ledger.Chaincode))
	commit := must(r.endorsed().Submit())
	taken, stillOpen := take(ctx, events, func(event *client.ChaincodeEvent) bool {
		return event.TransactionID == commit.TransactionID()
	})
	own := map[string]uint64{commit.TransactionID(): must(commit.Status()).BlockNumber}
	return object{"events": describeEvents(ownEvents(taken, own), own), "still_open": stillOpen}
}

// listen tells what comes within a second.
func listen(request *client.ChaincodeEventsRequest) any {
	ctx, leave := within(silence)
	defer leave()
	taken, stillOpen := take(ctx, must(request.Events(ctx)), func(*client.ChaincodeEvent) bool { return false })
	return object{"events": len(taken), "still_open": stillOpen}
}
