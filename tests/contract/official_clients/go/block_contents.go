package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// entry is one envelope of a block; only filtered blocks name its events.
type entry struct {
	Transaction string   `json:"transaction"`
	Type        string   `json:"type"`
	Code        string   `json:"code"`
	Events      []object `json:"events,omitempty"`
}

func entries(block *common.Block) []entry {
	codes := block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	found := []entry{}
	for index, serialized := range block.GetData().GetData() {
		envelope, payload, header := &common.Envelope{}, &common.Payload{}, &common.ChannelHeader{}
		read(serialized, envelope)
		read(envelope.GetPayload(), payload)
		read(payload.GetHeader().GetChannelHeader(), header)
		found = append(found, entry{
			Transaction: header.GetTxId(),
			Type:        common.HeaderType(header.GetType()).String(),
			Code:        peer.TxValidationCode(codes[index]).String(),
		})
	}
	return found
}

func filteredEntries(block *peer.FilteredBlock) []entry {
	found := []entry{}
	for _, transaction := range block.GetFilteredTransactions() {
		events := []object{}
		for _, action := range transaction.GetTransactionActions().GetChaincodeActions() {
			event := action.GetChaincodeEvent()
			events = append(events, object{
				"transaction": event.GetTxId(),
				"chaincode":   event.GetChaincodeId(),
				"name":        event.GetEventName(),
				"payload":     string(event.GetPayload()),
			})
		}
		found = append(found, entry{
			Transaction: transaction.GetTxid(),
			Type:        transaction.GetType().String(),
			Code:        transaction.GetTxValidationCode().String(),
			Events:      events,
		})
	}
	return found
}

func describeChannels(blocks []*peer.FilteredBlock) object {
	channels := []string{}
	for _, block := range blocks {
		if !slices.Contains(channels, block.GetChannelId()) {
			channels = append(channels, block.GetChannelId())
		}
	}
	return object{"channels": channels}
}

// describeChain tells whether each block holds the data its header says, and the hash of the header before it.
func describeChain(blocks []*common.Block) object {
	dataAgree, previousAgree := true, true
	metadata := []blockMetadata{}
	for index, block := range blocks {
		data := sha256.Sum256(bytes.Join(block.GetData().GetData(), nil))
		dataAgree = dataAgree && bytes.Equal(data[:], block.GetHeader().GetDataHash())
		if index > 0 {
			previous := headerHash(blocks[index-1].GetHeader())
			previousAgree = previousAgree && bytes.Equal(previous, block.GetHeader().GetPreviousHash())
		}
		if each := metadataOf(block); !slices.Contains(metadata, each) {
			metadata = append(metadata, each)
		}
	}
	return object{"data_hashes_agree": dataAgree, "previous_hashes_agree": previousAgree, "metadata": metadata}
}

// blockMetadata is what orderer and peer add to a block.
type blockMetadata struct {
	Parts             int    `json:"parts"`
	OrdererSignatures int    `json:"orderer_signatures"`
	LastConfig        uint64 `json:"last_config"`
	CommitHashBytes   int    `json:"commit_hash_bytes"`
}

func metadataOf(block *common.Block) blockMetadata {
	parts := block.GetMetadata().GetMetadata()
	signed, lastConfig, commitHash := &common.Metadata{}, &common.Metadata{}, &common.Metadata{}
	read(parts[common.BlockMetadataIndex_SIGNATURES], signed)
	read(parts[common.BlockMetadataIndex_LAST_CONFIG], lastConfig)
	read(parts[common.BlockMetadataIndex_COMMIT_HASH], commitHash)
	config := &common.LastConfig{}
	read(lastConfig.GetValue(), config)
	return blockMetadata{
		Parts:             len(parts),
		OrdererSignatures: len(signed.GetSignatures()),
		LastConfig:        config.GetIndex(),
		CommitHashBytes:   len(commitHash.GetValue()),
	}
}

// headerHash is SHA-256 over the ASN.1 DER of {number, previous hash, data hash}.
func headerHash(header *common.BlockHeader) []byte {
	encoded := must(asn1.Marshal(struct {
		Number       *big.Int
		PreviousHash []byte
		DataHash     []byte
	}{new(big.Int).SetUint64(header.GetNumber()), header.GetPreviousHash(), header.GetDataHash()}))
	hash := sha256.Sum256(encoded)
	return hash[:]
}

func read(serialized []byte, message proto.Message) {
	if err := proto.Unmarshal(serialized, message); err != nil {
		panic(err)
	}
}
