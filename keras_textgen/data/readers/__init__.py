"""A reader a source; free of TensorFlow."""
