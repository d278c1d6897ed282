"""Which of two runs is better: comparisons for people, and the gate for CI."""
