"""Several runs by one command: seeds, and values of settings."""

import dataclasses

from keras_textgen.cli.parsers import Spelled, seeds
from keras_textgen.cli.setting import integer, setting, text


@dataclasses.dataclass(frozen=True)
class SeveralOptions:
    """What differs between the runs, and what the best of them is."""

    seeds: str | None = setting(
        "several",
        "Train with each of these seeds, in place of --seed, in "
        "--run_dir/seed_N, and print mean and standard deviation of every "
        "figure.",
        Spelled(seeds, "N,N,..."),
        role="call",
        modes=("train",),
    )
    sweep: str | None = text(
        "several",
        "Settings and their values, such as "
        '"learning_rate=0.001,0.003;dropout=0.1:0.5". All combinations of '
        "lists are trained; ranges (LOW:HIGH, or LOW:HIGH:log) are searched. "
        "Values that hold commas have | between them.",
        role="call",
        modes=("sweep",),
    )
    sweep_trials: int | None = integer(
        "several",
        "Search with so many trials, by Optuna (extra sweep).",
        role="call",
        modes=("sweep",),
    )
    sweep_metric: str | None = text(
        "several",
        "Validation figure, as metrics.csv names it, by which trials are "
        "compared. Default: val_elbo; val_nll of lstm_lm, val_kl of sae, "
        "val_accuracy of han, val_rmse or val_loss of dmf. The test set is "
        "never used.",
        role="call",
        modes=("sweep",),
    )
