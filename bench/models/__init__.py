"""Model adapters, one file a family; libraries are imported when a model loads."""
