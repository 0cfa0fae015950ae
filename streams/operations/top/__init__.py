"""The whole line at a glance: what the processes and Kafka tell, as frames for a terminal.

samples.py (one scrape) -> looking.py (all sources, side by side) -> frame.py (two looks become rates and times)
"""
