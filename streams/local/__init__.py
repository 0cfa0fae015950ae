"""The embedded stack: Postgres, Kafka and Connect as child processes, from wheels and pinned jars alone.

file           what it starts or knows
-----------    --------------------------------------------------------------------------
line           the stack, a ledger (`ledgers`) and the workers
stack          the order: Postgres, Kafka and Connect together, then the connector
postgres       initdb and the server; `privileges`: without being root
kafka          one KRaft node, broker and controller
connect        the Connect worker, and the connector as `connectors/outbox.json` has it
outbox         roles, table, publication and grants
jars, jar_lock the pinned jars: fetched once, verified by checksum
jvm            the JVM's command line
process        one child process: start, watch, stop
supervisor     many of them: start, restart those that die, stop in reverse
registry       who runs, for other processes to see and to stop
signals        Ctrl-C and SIGTERM, the same
paths, ports, passwords, templates
"""
