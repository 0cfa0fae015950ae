"""The monitor: one process that asks Kafka, Postgres, Connect and the wallet how the line is, and exports it.

It stands outside of the workers, so a worker that is dead or stuck is still seen. Each source (sources.py) is asked in
a thread of its own (watch.py) and fails alone; what is exported (exposition.py) is of the closed set in metrics.py.
"""
