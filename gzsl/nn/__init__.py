"""Shared neural building blocks: networks, losses and training steps."""
