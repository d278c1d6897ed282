"""Statistics of measured rows: intervals, paired tests, the gate, ranks. NumPy and SciPy only; nothing knows a run."""
