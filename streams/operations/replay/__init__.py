"""Delivering commands once more after an incident: plan -> show -> execute; it never touches a live group's offsets.

| file            | does                                                                  |
|-----------------|-----------------------------------------------------------------------|
| selection.py    | which records: topics, start, end, filters                            |
| records.py      | reads them into a temporary file, the newest record of each command   |
| verdicts.py     | what is to be done about a command, from all that is known of it      |
| plan.py         | joins records, outcomes, dead letters, rows and the ledger            |
| plan_file.py    | a plan as lines of JSON, and back                                     |
| execute.py      | publishes what a plan says, checking each outcome once more           |
| progress.py     | how far a replay has come, on the topic `controls`; pause, resume     |
| again.py        | reads the planned records once more, at their addresses               |
| run.py          | begins a replay or goes on with one: what is checked and recorded     |
| from_table.py   | rows without an event: which, and having them emitted                 |
| row_verdicts.py | what is to be done about such a row                                   |
| table_rows.py   | those rows, in a temporary file                                       |
| emission.py     | has Debezium emit rows in a blocking snapshot, and waits for them     |
"""
