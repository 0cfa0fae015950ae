package main

import (
	"context"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
)

// blockRequest is one of the client's requests for blocks of type B.
type blockRequest[B any] interface {
	Bytes() ([]byte, error)
	Events(ctx context.Context, opts ...grpc.CallOption) (<-chan B, error)
}

// stream is what differs between the kinds of blocks.
type stream[B any] struct {
	request  func(*client.Network, ...client.BlockEventsOption) blockRequest[B]
	signed   func(gateway *client.Gateway, request, signature []byte) blockRequest[B]
	number   func(B) uint64
	entries  func(B) []entry
	describe func([]B) object
}

var whole = stream[*common.Block]{
	request: func(network *client.Network, options ...client.BlockEventsOption) blockRequest[*common.Block] {
		return must(network.NewBlockEventsRequest(options...))
	},
	signed: func(gateway *client.Gateway, request, signature []byte) blockRequest[*common.Block] {
		return must(gateway.NewSignedBlockEventsRequest(request, signature))
	},
	number:   func(block *common.Block) uint64 { return block.GetHeader().GetNumber() },
	entries:  entries,
	describe: describeChain,
}

// withPrivateData is the same blocks, each with the private data that this channel does not have.
var withPrivateData = stream[*peer.BlockAndPrivateData]{
	request: func(network *client.Network, options ...client.BlockEventsOption) blockRequest[*peer.BlockAndPrivateData] {
		return must(network.NewBlockAndPrivateDataEventsRequest(options...))
	},
	signed: func(gateway *client.Gateway, request, signature []byte) blockRequest[*peer.BlockAndPrivateData] {
		return must(gateway.NewSignedBlockAndPrivateDataEventsRequest(request, signature))
	},
	number:  func(both *peer.BlockAndPrivateData) uint64 { return whole.number(both.GetBlock()) },
	entries: func(both *peer.BlockAndPrivateData) []entry { return entries(both.GetBlock()) },
	describe: func(blocks []*peer.BlockAndPrivateData) object {
		inner, privateData := []*common.Block{}, 0
		for _, both := range blocks {
			inner = append(inner, both.GetBlock())
			privateData += len(both.GetPrivateDataMap())
		}
		described := describeChain(inner)
		described["private_data"] = privateData
		return described
	},
}

var filtered = stream[*peer.FilteredBlock]{
	request: func(network *client.Network, options ...client.BlockEventsOption) blockRequest[*peer.FilteredBlock] {
		return must(network.NewFilteredBlockEventsRequest(options...))
	},
	signed: func(gateway *client.Gateway, request, signature []byte) blockRequest[*peer.FilteredBlock] {
		return must(gateway.NewSignedFilteredBlockEventsRequest(request, signature))
	},
	number:   (*peer.FilteredBlock).GetNumber,
	entries:  filteredEntries,
	describe: describeChannels,
}
