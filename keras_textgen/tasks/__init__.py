"""A kind of task a file: data, batches, results."""
