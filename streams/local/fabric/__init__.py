"""A real Fabric network of local processes, from the programs of a Fabric 2.5 release.

file       what it knows
--------   ----------------------------------------------------------------------------
network    the order: prepare, start, found the channel, wait until it endorses
programs   where the five programs are
layout     who takes part, which ports and folders they have
material   what is made before the start: certificates, genesis block, configuration, package
parts      the processes: orderer, two peers, the chaincode as a service
channel    what is done once on running parts: join, install, approve, commit
command    one run of a Fabric program
wallet     the clients' certificates, signed by the organisation's CA

The templates beside it are filled in for each part; builder/ is what a peer asks about a package of type ccaas.
"""
