package main

import (
	"fmt"
	"maps"

	"github.com/hyperledger/fabric-gateway/pkg/client"
)

const tries = 20

type committed struct {
	transaction string
	block       uint64
}

var (
	written      map[string]committed
	writtenNames map[string]string
)

// history is four transactions that the cases about events read: `first`, `loser` (a read conflict with `first`, so
// not valid) and `second` share a block, `third` is in a later one. It is written once per run of the program.
func (r *run) history() map[string]committed {
	if written == nil {
		written = write(r)
		writtenNames = maps.Clone(r.names)
	}
	maps.Copy(r.names, writtenNames)
	return written
}

// own is the block of each transaction of the history.
func (r *run) own() map[string]uint64 {
	blocks := map[string]uint64{}
	for _, each := range r.history() {
		blocks[each.transaction] = each.block
	}
	return blocks
}

func write(r *run) map[string]committed {
	for range tries {
		contested, second := r.newAdmin("admin of first"), r.newAdmin("admin of second")
		transactions := commit(r, []string{"first", "loser", "second"}, []string{contested, contested, second})
		first := transactions["first"].block
		if transactions["loser"].block == first && transactions["second"].block == first {
			maps.Copy(transactions, commit(r, []string{"third"}, []string{r.newAdmin("admin of third")}))
			return transactions
		}
	}
	panic(fmt.Errorf("three transactions submitted at once did not share a block in %d tries", tries))
}

// commit submits one appointment per name, all at once.
func commit(r *run, names, admins []string) map[string]committed {
	endorsed := []*client.Transaction{}
	for index, name := range names {
		endorsed = append(endorsed, must(r.proposal(name, admins[index]).Endorse()))
	}
	submitted := []*client.Commit{}
	for _, transaction := range endorsed {
		submitted = append(submitted, must(transaction.Submit()))
	}
	transactions := map[string]committed{}
	for index, name := range names {
		status := must(submitted[index].Status())
		transactions[name] = committed{transaction: status.TransactionID, block: status.BlockNumber}
	}
	return transactions
}
