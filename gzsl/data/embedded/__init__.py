"""Datasets that need no download: real digit images, and simulated features."""
