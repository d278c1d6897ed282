"""Faults done to whole runs on purpose, and counted: what survives, and what is lost. `python -m scripts.hard --help`."""
