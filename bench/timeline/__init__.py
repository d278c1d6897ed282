"""When a run did what: its ledger and the raw readings of its scenarios as bars on tracks, and as a trace file."""
