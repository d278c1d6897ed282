"""Logs of other harnesses as runs: one module a harness reads, `pairing` finds our examples in theirs, `making` makes the run."""
