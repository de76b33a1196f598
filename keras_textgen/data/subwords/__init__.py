"""Subwords: pieces of words that are trained from a corpus, or loaded."""
