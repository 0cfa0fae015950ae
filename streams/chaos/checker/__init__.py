"""Is the ledger what the table says, and the table what was inserted? Shares no code with what it judges.

It finds the transactions of a command by their content: nearly every command of the workload carries its id in an
argument. `evidence.py` says what is looked at, `check.py` what must hold.
"""
