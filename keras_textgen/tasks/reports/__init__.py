"""What the report of a run shows, a file a kind of model."""
