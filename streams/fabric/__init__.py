"""The ledger over a Fabric gateway: the only place that knows gRPC and protobuf.

wallet.py        who signs: certificate and key of one identity
previous.py      who signed before                rotation.py    renewed pairs, taken up while running
ids.py           which id an attempt has: a keyed nonce, and the file that holds the key
proposals.py     what is signed and sent          envelopes.py   what comes back and what blocks hold
connection.py    one TLS channel to a gateway     gateways.py    which of several gateways is used
queries.py       calls that change nothing        failures.py    a gRPC error, unpacked
translation.py   the table: a gateway's answer -> an error of `streams.errors`
codes.py         the closed set of failure words
block_stream.py  one DeliverFiltered stream       height.py      how far the chain has come
commits.py       the fate of a submitted transaction, out of the stream
look_up.py       what the ledger holds under an id
steps.py         one transaction: proposal, transaction, commit
gateway.py       `streams.ledger` for one identity          fake.py        the same in memory

Protocol facts are cited by file of hyperledger/fabric v2.5.16 and hyperledger/fabric-gateway.
"""
