"""Metrics: one module a family, each metric as rows of sufficient statistics and a summary."""
