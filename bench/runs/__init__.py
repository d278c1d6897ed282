"""A run on disk and what it stands on: folder, identity, measurements, timing, environment."""
