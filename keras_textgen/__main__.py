"""The shell's door: `trainer.py`, `keras-textgen`, `python -m keras_textgen`.

It imports next to nothing, so that Ctrl-C is answered from the start.
"""

import sys
from collections.abc import Sequence

from keras_textgen.cli.naming import INTERRUPTS, program_name, say_interrupted


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
      argv: the program's name, then flags; by default those of the process.

    Returns:
      Exit status: 0, or 2 after one line about what is wrong, or 128 + the
      number of the signal that ended the run.
    """
    argv = sys.argv if argv is None else argv
    program = program_name(argv[0])
    try:
        # Its imports take long enough to be interrupted.
        from keras_textgen.program import run_program

        return run_program(argv)
    except INTERRUPTS as error:
        return say_interrupted(program, error)


if __name__ == "__main__":
    sys.exit(main())
