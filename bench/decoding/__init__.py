"""How a causal language model computes many answers at once: shared beginnings once, no padding, no copied cache."""
