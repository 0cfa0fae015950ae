"""The reference chaincode: what the command types call, over a narrow state interface.

reference.py   the way in: finds the function, checks command id, arguments, role and pause, runs it
contracts.py   the table of every contract's functions
roles.py       who may call what, with roles.toml
state.py       what a peer offers a chaincode; memory.py keeps it over a dictionary
call.py        what one call has read and will write
arguments.py   texts become values

identity, genesis, tokenomics, organization, multisig, loan_pool, governance, admin, tax_and_fee:
               what the functions do, on accounts (money), parameters, and system (bootstrapped, paused)

Amounts are whole Qirat: 1 coin = 1,000,000 Qirat.
"""
