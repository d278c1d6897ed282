"""Stores that go away, are slow, locked, full, of another schema, exchanged, and shared by many processes, with the real MLflow."""
