"""Timing scenarios: how requests reach a model while its answers are timed."""
