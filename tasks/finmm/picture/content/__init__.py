"""What documents say: one module a kind, each with `write(draft) -> Document`."""
