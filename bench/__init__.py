"""FinAI Bench: a benchmark and evaluation harness for financial AI models."""

__version__ = "0.1.0"
