"""The proof by killing: commands go in at a rate while parts of the line are killed and the ledger misbehaves.

    seed -> workload -> driver ------> rows ---+
    seed -> schedule -> saboteur: SIGKILL, faults of the simulator
                                  blocks ------+--> checker -> violations (none) -> report

`run.py` puts it together. `checker/` decides, and imports nothing of the rest of the project: it has its own reader of
blocks, its own SQL and its own table of what each command must call.
"""
