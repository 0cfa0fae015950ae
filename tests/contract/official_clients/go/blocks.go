package main

import (
	"slices"

	"github.com/hyperledger/fabric-gateway/pkg/client"
)

// Streams of whole and of filtered blocks: from a block, from a checkpoint, live, refused.
var blockCases = slices.Concat(
	casesOf("blocks", whole), casesOf("blocks_with_private_data", withPrivateData), casesOf("filtered_blocks", filtered),
)

func casesOf[B any](name string, s stream[B]) []namedCase {
	return []namedCase{
		{name + "_from_a_block", s.fromBlock},
		{name + "_after_a_checkpoint", s.afterCheckpoint},
		{name + "_from_the_first", s.genesis},
		{name + "_from_now_on", s.live},
		{name + "_from_far_ahead", func(r *run) any {
			from := client.WithStartBlock(r.history()["third"].block + farAhead)
			return refusedStream(s.request(r.ledger.network("admin"), from))
		}},
		{name + "_in_an_unknown_channel", func(r *run) any {
			network := r.ledger.gateway("admin").GetNetwork("nochan")
			return refusedStream(s.request(network, client.WithStartBlock(0)))
		}},
		{name + "_for_a_stranger", func(r *run) any {
			return refusedStream(s.request(r.ledger.network("stranger"), client.WithStartBlock(0)))
		}},
		{name + "_with_a_wrong_signature", func(r *run) any {
			unsigned := must(s.request(r.ledger.network("admin"), client.WithStartBlock(0)).Bytes())
			return refusedStream(s.signed(r.ledger.gateway("admin"), unsigned, r.ledger.wrongSignature()))
		}},
	}
}

// ofHistory reads the blocks of the history; other clients' transactions in them are left out.
func (s stream[B]) ofHistory(r *run, options ...client.BlockEventsOption) ([]B, object) {
	last, own := r.history()["third"].block, r.own()
	ctx, leave := within(streamLimit)
	defer leave()
	events := must(s.request(r.ledger.network("admin"), options...).Events(ctx))
	taken, stillOpen := take(ctx, events, func(block B) bool { return s.number(block) >= last })
	described := s.describeBlocks(taken, own)
	described["still_open"] = stillOpen
	return taken, described
}

func (s stream[B]) describeBlocks(blocks []B, own map[string]uint64) object {
	described := s.describe(blocks)
	found := []entry{}
	follow := true
	for index, block := range blocks {
		follow = follow && s.number(block) == s.number(blocks[0])+uint64(index)
		for _, each := range s.entries(block) {
			if _, isOwn := own[each.Transaction]; isOwn {
				found = append(found, each)
			}
		}
	}
	described["entries"], described["numbers_follow"] = found, follow
	return described
}

func (s stream[B]) fromBlock(r *run) any {
	first := r.history()["first"].block
	blocks, described := s.ofHistory(r, client.WithStartBlock(first))
	described["starts_there"] = len(blocks) > 0 && s.number(blocks[0]) == first
	return described
}

func (s stream[B]) afterCheckpoint(r *run) any {
	first := r.history()["first"].block
	seen, described := s.ofHistory(r, client.WithStartBlock(first))
	if len(seen) == 0 {
		return described
	}
	checkpoint := &client.InMemoryCheckpointer{}
	checkpoint.CheckpointBlock(s.number(seen[0]))
	blocks, described := s.ofHistory(r, client.WithStartBlock(0), client.WithCheckpoint(checkpoint))
	described["starts_after_it"] = len(blocks) > 0 && s.number(blocks[0]) == first+1
	return described
}

func (s stream[B]) genesis(r *run) any {
	ctx, leave := within(streamLimit)
	defer leave()
	events := must(s.request(r.ledger.network("admin"), client.WithStartBlock(0)).Events(ctx))
	taken, stillOpen := take(ctx, events, func(B) bool { return true })
	if len(taken) == 0 {
		return object{"still_open": stillOpen}
	}
	first := s.entries(taken[0])[0]
	return object{"number": s.number(taken[0]), "type": first.Type, "code": first.Code, "still_open": stillOpen}
}

func (s stream[B]) live(r *run) any {
	ctx, leave := within(streamLimit)
	defer leave()
	events := must(s.request(r.ledger.network("admin")).Events(ctx))
	commit := must(r.endorsed().Submit())
	taken, stillOpen := take(ctx, events, func(block B) bool {
		return slices.ContainsFunc(s.entries(block), func(each entry) bool {
			return each.Transaction == commit.TransactionID()
		})
	})
	status := must(commit.Status())
	described := s.describeBlocks(taken, map[string]uint64{status.TransactionID: status.BlockNumber})
	described["in_block_of_commit"] = len(taken) > 0 && s.number(taken[len(taken)-1]) == status.BlockNumber
	described["still_open"] = stillOpen
	return described
}

func refusedStream[B any](request blockRequest[B]) any {
	ctx, leave := within(streamLimit)
	defer leave()
	taken, stillOpen := take(ctx, must(request.Events(ctx)), func(B) bool { return true })
	return object{"blocks": len(taken), "still_open": stillOpen}
}
