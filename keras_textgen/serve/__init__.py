"""A trained model behind a port: `python -m keras_textgen.serve`."""
