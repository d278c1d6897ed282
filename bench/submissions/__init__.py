"""Predictions that somebody brings, and references that are held out."""
