"""From text to token ids to batches: vocabularies, batching, corpora."""
