"""The chaincode as a service: a peer connects, and they converse over one stream (protos.Chaincode/Connect).

server        one gRPC server; every peer that connects gets a conversation
conversation  what is said on one stream: registration, calls, questions about the state and their answers
invocation    what a peer's TRANSACTION message asks for, and who asks
peer_state    the chaincode's state interface, put to the peer as questions

The other side is core/chaincode/handler.go; the public model of this side is the Go shim
(fabric-chaincode-go, shim/handler.go).
"""
