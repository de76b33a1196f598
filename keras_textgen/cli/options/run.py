"""What every run has: what to do, seeds, and the optimizer."""

import dataclasses

from keras_textgen.cli import parsers
from keras_textgen.cli.modes import MODES, STARTING, help_of_modes
from keras_textgen.cli.setting import (
    choice,
    integer,
    number,
    path,
    setting,
    switch,
    text,
)
from keras_textgen.datasets import DATASETS
from keras_textgen.specs import SPECS


def policy_of(precision: str) -> str:
    """The name that Keras has for a precision.

    Example:
    >>> policy_of("float32"), policy_of("bfloat16")
    ('float32', 'mixed_bfloat16')
    """
    return precision if precision == "float32" else f"mixed_{precision}"


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What to run, and how it is optimized."""

    mode: str = choice(
        "run",
        help_of_modes(),
        tuple(MODES),
        "train",
        role="call",
    )
    model: str = choice("run", "What is trained.", tuple(SPECS), "hdgm")
    dataset: str = choice(
        "run", "What it is trained on.", tuple(DATASETS), "sotu"
    )
    run_dir: str | None = path(
        "run",
        "Where everything is written. Default: "
        "saved_models/<model>_<dataset> in the current folder.",
        role="call",
    )
    finish: bool = switch(
        "run",
        "After the last epoch: write the SavedModel, the figures of the test "
        "set and the report. --nofinish leaves them out; the same command "
        "without it goes on with them.",
        default=True,
        role="call",
        modes=("train",),
    )
    preset: str | None = text(
        "run",
        "A model that is trained already: the name of one that comes with the "
        "package (docs/presets.md lists them), or the folder of one. "
        "In the modes that apply a model, in place of a run; in training, "
        "where it starts: with the sizes and weights of that model, and its "
        "vectors of the words that the data have, too.",
    )
    seed: int = integer(
        "run",
        "Seed of everything random; the same seed repeats the run.",
        low=0,
        default=0,
        argument="seed",
    )
    distribution_strategy: str = choice(
        "run",
        "none: one device; mirrored: every device of this machine, the "
        "batch split among them; multi_worker_mirrored: every device of the "
        "processes that TF_CONFIG or Slurm names, which all run this command.",
        ("none", "mirrored", "multi_worker_mirrored"),
        "none",
        role="training",
    )
    checkpoint_seconds: float = number(
        "run",
        "Seconds between two checkpoints within an epoch; there is one at "
        "the end of every epoch, too.",
        default=60.0,
        role="training",
    )
    tracker: str = choice(
        "run",
        "Where figures go beside logs/, which TensorBoard reads: wandb, "
        "Weights & Biases, or mlflow (extras of these names).",
        ("tensorboard", "wandb", "mlflow"),
        "tensorboard",
        role="training",
    )
    export_version: int | None = integer(
        "run",
        "Write the SavedModel to export/N, as TensorFlow Serving looks for "
        "versions. Default: to export itself.",
        role="stored",
        modes=(*STARTING, "export"),
    )
    epochs: int = integer(
        "optimizer",
        "Passes over the training text; raise it to train a finished run "
        "further.",
        default=10,
    )
    steps_per_epoch: int | None = integer(
        "optimizer",
        "Training steps that make an epoch; the next one goes on where it "
        "ended. Default: one pass over the training set.",
    )
    min_steps_per_epoch: int = integer(
        "optimizer",
        "An epoch has at least so many steps: small data have smaller batches "
        "than --batch_size says, of 8 or more, and the smallest several passes "
        "an epoch. --steps_per_epoch takes its place.",
        default=1,
    )
    batch_size: int = integer(
        "optimizer",
        "Sequences, documents or cells in a training step.",
        default=32,
    )
    optimizer: str = choice(
        "optimizer",
        "adam; nadam; or sgd, plain stochastic gradient descent without "
        "momentum.",
        ("adam", "nadam", "sgd"),
        "adam",
    )
    learning_rate: float = number(
        "optimizer", "Learning rate at the start.", above=True, default=1e-3
    )
    precision: str | None = choice(
        "optimizer",
        "Type of matrix products: float32; bfloat16 or float16, with weights, "
        "states, probabilities, divergences and sums in float32; auto: "
        "bfloat16 where this machine is known to multiply it faster, and "
        "float32 elsewhere. Default: float32.",
        ("float32", "bfloat16", "float16", "auto"),
        takes=("text", "documents"),
        role="training",
        argument="dtype",
        convert=policy_of,
    )
    learning_rate_of: str | None = setting(
        "optimizer",
        "Factors on the learning rate for some layers, such as "
        "encoder=0.1,decoder=1; other layers have 1. Names as for --freeze.",
        parsers.Spelled(parsers.factors, "NAME=X,..."),
    )
    beta_1: float | None = number(
        "optimizer",
        "Share of the past in the mean gradient. Default: 0.9.",
        low=0.0,
        high=0.999,
        needs=("optimizer", ("adam", "nadam")),
    )
    lr_halve_from_epoch: int = integer(
        "optimizer",
        "Halve the learning rate in this epoch (counted from 1) and in "
        "every later one; 0 never does.",
        low=0,
        default=0,
    )
    lr_halve_on_plateau: bool = switch(
        "optimizer",
        "Halve the learning rate after an epoch that does not improve the "
        "validation bound (KL weight 1; for han, the share of documents that "
        "are classified wrong); not before the KL weight is at its "
        "highest for a whole epoch.",
        default=False,
    )
    early_stopping_patience: int = integer(
        "optimizer",
        "Stop after so many epochs in a row that do not improve the "
        "validation bound, counted as for --lr_halve_on_plateau; 0 never "
        "stops.",
        low=0,
        default=0,
    )
    freeze: str | None = text(
        "optimizer",
        "Layers that training leaves as they are: names, separated by commas; "
        "one that is unknown is answered with a list of all.",
    )
    clip_norm: float = number(
        "optimizer",
        "Largest global norm of the gradients.",
        above=True,
        default=5.0,
    )
