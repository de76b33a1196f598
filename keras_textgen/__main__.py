"""Runs the program: `python -m keras_textgen --helpshort` says more."""

import sys

from keras_textgen.cli import main

if __name__ == "__main__":
    sys.exit(main())
