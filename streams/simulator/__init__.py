"""A Fabric network in one process, for tests and the embedded stack: it speaks the real protocol and checks everything.

One gateway peer of Org1MSP, one peer of Org2MSP, one orderer, one channel, one chaincode:

    Endorse -> endorser.py -> simulation.py -> chaincode        Evaluate of `qscc` -> qscc.py
    Submit  -> orderer.py (checks, cuts blocks) -> committer.py -> validator.py -> ledger.py (blocks, state, index)
    CommitStatus, Deliver, DeliverFiltered  <-  ledger.py

identities.py knows who may do what, certificates.py makes the keys at the first start, refusals.py holds every text
that a client may see, server.py puts the parts together. How real Fabric answers was measured on version 2.5.16.
"""
