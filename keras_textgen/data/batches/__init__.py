"""Rows of data to tensors."""
