"""Routes as data: which identity calls which function with which arguments, per command type.

table.py          load_routes(), Routes, check_covers(): start reading here
toml.py           a routes file and those it extends -> one document
problems.py       sentences about what is wrong in a file
route.py          Route: what the table says about one command type
entries.py        the document's entries -> Route, or a list of problems
arguments.py      one argument of a call, taken from a payload
conversions.py    how a JSON value becomes the text that the chaincode gets
javascript.py     JSON.parse, JSON.stringify, Number::toString and truthiness, as the services' own language has them
description.py    the table in words, for people
"""
