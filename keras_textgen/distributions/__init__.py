"""Distributions made of, or added to, those of TensorFlow Probability."""
