"""Heads on joint embeddings: rows and class vectors in one space, several vectors a class, few labels or none."""
