"""The command line: settings, recipes, help; free of TensorFlow."""
