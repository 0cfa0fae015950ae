"""Commands from a Postgres outbox to Hyperledger Fabric, as a stream. Start reading here.

| stage      | pure part            | process                     | reads               | writes                    |
|------------|----------------------|-----------------------------|---------------------|---------------------------|
| capture    | stages/capture.py    | Kafka Connect with Debezium | write-ahead log     | gx.public.outbox_commands |
| route      | stages/route.py      | workers/route.py            | change events       | commands.<identity>       |
| submit     | stages/submit.py     | workers/submit.py, one each | commands.<identity> | the ledger, results       |
| write back | stages/write_back.py | workers/sink.py             | results             | the row's status          |

What a stage refuses goes to `dead-letters` with its origin (endings.py). The message of each stage is in messages.py,
the tree of errors in errors.py, what is done about a ledger's error in retry.py. The layers, from the top:

    cli > demo, monitor > operations, local, workers > kafka, fabric, postgres, simulator > stages, window > lanes,
    breaker, fair_queue > routes, refusals, chaincode > retry, endings > ledger > messages > errors, settings
"""
