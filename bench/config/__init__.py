"""Configuration: composed by Hydra, checked against a schema, made into objects."""
