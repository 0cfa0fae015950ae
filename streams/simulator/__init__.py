"""A Fabric network in one process, for tests and the embedded stack: it speaks the real protocol and checks everything.

A gateway peer of Org1MSP, a peer of Org2MSP, an orderer, one channel, one chaincode:

    listener.py  an address     -> serving.py  slots, faults of a call -> one of the services:
    Endorse, Evaluate           gateway.py -> peers.py -> endorser.py -> simulation.py -> chaincode; qscc.py
    Submit                      gateway.py -> orderer_faults.py -> orderer.py, which cuts blocks
    CommitStatus                gateway.py <- ledger.py         ChaincodeEvents    chaincode_events.py <- ledger.py
    ProcessProposal             endorser_service.py             Broadcast          broadcast.py
    Deliver, DeliverFiltered    deliver.py <- ledger.py
    a block                     committer.py -> validator.py -> block_metadata.py -> ledger.py (blocks, state, index)

identities.py knows who may do what, certificates.py and wallet.py make the keys at the first start. Every text that a
client may see is in refusals.py, peer_refusals.py and orderer_refusals.py, as measured on Fabric 2.5.16.

What can go wrong on purpose is in faults.py, the decision whether it does in fault_book.py; it is felt through
call_faults.py, part_faults.py, orderer_faults.py, commit_faults.py and restarts.py, and set by control.py.

server.py puts the network together, process.py runs it.
"""
