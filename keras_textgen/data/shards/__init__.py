"""Corpora that `keras_textgen.prepare` has written, larger than memory."""
