"""Keras layers; they know tensors only."""
