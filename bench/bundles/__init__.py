"""Runs that change hands: bundles, how one that nobody trusts is read, and how its claims are scored again."""
