"""Models of matrices."""
