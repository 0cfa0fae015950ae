// Runs every case against the network described by the JSON file named as first argument; prints one JSON line each:
// {"case": name, "names": {what this run made up: what the table calls it}, "outcome": ...}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// A namedCase asks the network something and tells what it answered. It panics with an error that it did not expect.
type namedCase struct {
	name string
	run  func(*run) any
}

func main() {
	ledger := must(connect(os.Args[1]))
	defer ledger.close()
	printed := json.NewEncoder(os.Stdout)
	printed.SetEscapeHTML(false)
	for _, cases := range [][]namedCase{transactionCases, refusalCases, chaincodeEventCases, blockCases} {
		for _, each := range cases {
			made := &run{ledger: ledger, names: map[string]string{}}
			outcome := outcomeOf(each, made)
			line := map[string]any{"case": each.name, "names": made.names, "outcome": outcome}
			if err := printed.Encode(line); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
}

func outcomeOf(each namedCase, made *run) (outcome any) {
	defer func() {
		if unexpected := recover(); unexpected != nil {
			err, isError := unexpected.(error)
			if !isError {
				panic(unexpected)
			}
			outcome = map[string]any{"failed": describeError(err)}
		}
	}()
	return each.run(made)
}

// must returns the value of a call that this case does not expect to fail.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
