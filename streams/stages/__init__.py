"""The stages of the line, in order: capture, route, submit, write_back. Pure: no framework, no wire."""
