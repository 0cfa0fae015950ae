"""The documents that are made from the code: `python -m docs.generate`.

configuration.py   every setting       -> configuration.md
commands.py        every command       -> commands.md
metrics.py         every metric        -> metrics.md
markdown.py        cells and tables
generate.py        writes them, or compares them with what is there
"""
