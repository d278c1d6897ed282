"""Data and weights by pinned URI: found, fetched once, digested, locked."""
