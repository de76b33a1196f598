"""From text to token ids to batches: vocabularies, batching, corpora."""

from keras_textgen.supported import check_supported

check_supported()
