"""Runs the program from a clone; `python trainer.py --helpshort` says more."""

import sys

from keras_textgen.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
