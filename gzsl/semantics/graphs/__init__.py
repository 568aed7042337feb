"""Kinds of class graphs, one file each, found by name."""
