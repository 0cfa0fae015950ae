"""Measurements; each module is run by a target of the Makefile."""
