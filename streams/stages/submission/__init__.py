"""The parts of the submit stage; the flow of a command is `streams/stages/submit.py`."""
