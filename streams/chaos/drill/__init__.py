"""An outage drill on a line that runs: the ledger goes away, an alert fires, the ledger comes back, nothing is lost.

`commands.py` what is inserted, `alert.py` who says that the alert fires, `watch.py` what becomes of the commands,
`outage.py` the drill, `line.py` on which line, `page.py` the report.
"""
