"""How models are fed."""
