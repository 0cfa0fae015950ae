"""Does what the rows say agree with what Kafka and the ledger hold? Finds what does not, says what to do, repairs it.

window -> gather -> Notebook (on disk) -> judge -> look again -> Findings -> repair

`gather` writes what each party says of each command into the notebook, a SQLite file, so that memory stays bounded;
`judge` is pure and sees one command at a time; `second_look` drops what has moved on meanwhile; `against_ledger`
compares with a stretch of the chain; `answers` asks the ledger about the commands that were found.
"""
