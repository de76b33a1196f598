"""Checkpoints of other programs, as models of this package."""
