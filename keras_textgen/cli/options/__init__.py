"""The settings by subject, as fields of dataclasses; free of TensorFlow."""
