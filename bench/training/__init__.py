"""Fine-tuning to a target, and what it took."""
