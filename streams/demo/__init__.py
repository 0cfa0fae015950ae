"""`streams demo`: real commands through the whole line, and proof of what became of each.

script.py (what is sent) -> run.py (starts the line, sends, waits) -> verify.py (rows and ledger) -> report.py
"""
