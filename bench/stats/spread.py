"""How much the seconds of runs of one thing on one machine differ, where too few runs of it say so themselves."""

from __future__ import annotations

MIN_RUNS = 3  # runs of the baseline from which their own spread is taken rather than `ASSUMED`
LEAST = 0.02  # runs made one after another in a quiet hour differ less than those of other days
ASSUMED = 0.05  # relative standard deviation between runs of one thing on one machine; docs/ci.md has the measured ones
