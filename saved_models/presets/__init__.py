"""Models that are trained already; `keras_textgen.from_preset` loads them."""
