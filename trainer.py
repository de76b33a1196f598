"""Runs the program from a clone; `python trainer.py --helpshort` says more."""

import sys

from keras_textgen.cli import main

if __name__ == "__main__":
    sys.exit(main())
