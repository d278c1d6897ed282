"""Readers of data files and the annotation specifications."""
