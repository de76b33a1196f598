"""`python -m keras_textgen.convert`: a checkpoint becomes a model's folder."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_textgen.checks import counted
from keras_textgen.cli.naming import INTERRUPTS, say_interrupted, say_refused
from keras_textgen.cli.parsers import hidden_layers
from keras_textgen.cli.presets import MODEL_FILE

# TensorFlow is imported only when the command line is known to be good.
if TYPE_CHECKING:
    import keras

PROGRAM = "python -m keras_textgen.convert"


def main(argv: Sequence[str]) -> int:
    """Convert a file.

    Args:
        argv: Arguments, without the program's name.

    Returns:
        Exit status: 2 for what cannot be converted, which is said in one line.
    """
    given = parser().parse_args(argv)
    try:
        model = _converted(given)
        if model.compiled:
            # A file would else hold a part of its state, and Keras would warn.
            model.optimizer.build(model.trainable_variables)
        given.folder.mkdir(parents=True, exist_ok=True)
        model.save(given.folder / MODEL_FILE)
    except (OSError, ValueError) as error:
        return say_refused(PROGRAM, error, given.folder)
    except INTERRUPTS as error:
        return say_interrupted(PROGRAM, error)
    print(
        f"Written to {given.folder}: {type(model).__name__} of "
        f"{counted(model.count_params(), 'parameter')}; "
        f"keras_textgen.from_preset({str(given.folder)!r}) loads it."
    )
    return 0


def _converted(given: argparse.Namespace) -> "keras.Model":
    with given.file.open("rb"):
        pass  # What is not there needs no TensorFlow to say so.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_textgen.convert.aquarium import convert_dmf, convert_sae
    from keras_textgen.convert.hatt_rnn import convert_hatt_rnn
    from keras_textgen.convert.lagging_encoder import convert_lstm_vae

    if given.model == "lstm_vae":
        return convert_lstm_vae(given.file, given.vocabulary)
    if given.model == "sae":
        activation = None if given.activation == "binary" else given.activation
        return convert_sae(given.file, given.alpha, activation)
    if given.model == "hatt_rnn":
        return convert_hatt_rnn(given.file)
    return convert_dmf(
        given.file,
        hidden_layers(given.row_layers),
        hidden_layers(given.col_layers),
        has_row_features=given.row_features,
        has_col_features=given.col_features,
    )


def parser() -> argparse.ArgumentParser:
    """What the program takes.

    Example:
        >>> parser().parse_args(["sae", "a.h5", "mine"]).alpha
        50.0
    """
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Make a model of a checkpoint of another program; "
        "docs/converting.md has the layouts.",
    )
    models = parser.add_subparsers(dest="model", required=True)
    lstm_vae = models.add_parser("lstm_vae", help="of vae-lagging-encoder")
    dmf = models.add_parser("dmf", help="of keras-aquarium")
    sae = models.add_parser("sae", help="of keras-aquarium")
    hatt_rnn = models.add_parser("hatt_rnn", help="of keras-aquarium")
    for each in (lstm_vae, dmf, sae, hatt_rnn):
        each.add_argument("file", type=Path, help="the checkpoint")
        each.add_argument("folder", type=Path, help="where the model goes")
    lstm_vae.add_argument(
        "--vocabulary",
        type=Path,
        required=True,
        help="file of all words, the special ones too, a line each, by id",
    )
    for side in ("row", "col"):
        dmf.add_argument(
            f"--{side}_layers",
            default="50:relu",
            help="hidden layers, such as 50:relu,30:tanh; default: 50:relu",
        )
        dmf.add_argument(
            f"--{side}_features",
            action="store_true",
            help="the model has features of them",
        )
    sae.add_argument("--alpha", type=float, default=50.0)
    sae.add_argument(
        "--activation", choices=("binary", "tanh"), default="binary"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
