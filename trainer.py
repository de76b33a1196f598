"""Runs the program from a clone; `python trainer.py --helpshort` says more."""

import sys

try:
    from keras_textgen.__main__ import main
except (KeyboardInterrupt, SystemError) as error:
    # As `main` says it; nothing of the package is there yet.
    if not isinstance(error.__cause__ or error, KeyboardInterrupt):
        raise
    print("\ntrainer.py: interrupted", file=sys.stderr)
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
