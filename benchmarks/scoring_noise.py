"""Times the noise of scoring beside the scoring of which it is a part.

LSTM-VAE and HSVAE at the sizes of `flags/lstm_vae_ptb.flags` and
`flags/hsvae_yahoo_short.flags`, a batch of 32 texts of 24 tokens,
importance weights of K samples. "noise" is all that `infer` draws for it, as
a graph of its own and in the same blocks. Runs of both alternate, since a
shared machine's speed wanders; the medians' ratio counts.

    python benchmarks/scoring_noise.py
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

import keras_textgen
from keras_textgen.noise import TextNoise

NUM_TEXTS, LENGTH, NUM_SAMPLES, REPETITIONS = 32, 24, 10, 3
# As in `LatentTextModel`: 8192 tokens a block.
BLOCK = 8192 // (NUM_TEXTS * LENGTH)


def lstm_vae() -> tuple[keras_textgen.LSTMVAE, Callable]:
    """A model, and what it draws for a block of samples."""
    words = keras_textgen.Vocabulary([f"w{i}" for i in range(9_996)])
    model = keras_textgen.LSTMVAE(
        words, rnn_units=400, embedding_dim=100, latent_dim=32
    )
    return model, lambda noise, rows: [noise.normal("z", [rows, 32])]


def hsvae(latent_dim: int) -> tuple[keras_textgen.HSVAE, Callable]:
    """A model, and what it draws for a block of samples."""
    words = keras_textgen.Vocabulary([f"w{i}" for i in range(19_996)])
    model = keras_textgen.HSVAE(
        words, rnn_units=512, embedding_dim=256, latent_dim=latent_dim
    )

    def draw(noise: TextNoise, rows: int) -> list[tf.Tensor]:
        shape = [rows, latent_dim]
        return [
            noise.beta("gamma", tf.ones(shape), tf.ones(shape)).log,
            noise.uniform("choice", shape),
            noise.normal("spike", shape),
            noise.normal("slab", shape),
        ]

    return model, draw


def blocks_of_noise(draw: Callable) -> Callable:
    """The noise of a batch's importance weights, as one graph."""

    @tf.function
    def blocks(tokens: tf.Tensor, seed: tf.Tensor) -> list[tf.Tensor]:
        noise = TextNoise.of(tokens, seed)
        return [
            tf.reduce_sum(each)
            for first in range(0, NUM_SAMPLES, BLOCK)
            for size in [min(BLOCK, NUM_SAMPLES - first)]
            for each in draw(noise.of_samples(first, size), NUM_TEXTS * size)
        ]

    return blocks


def seconds(function: Callable, *arguments: tf.Tensor) -> float:
    """Of one call."""
    begin = time.perf_counter()
    tf.nest.map_structure(lambda each: each.numpy(), function(*arguments))
    return time.perf_counter() - begin


def main() -> None:
    """Print a line for each model."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(4, 10_000, [NUM_TEXTS, LENGTH])
    tokens[:, 0], tokens[:, -1] = 2, 3
    tokens, seed = tf.constant(tokens, tf.int32), tf.constant([0, 1])
    print(f"{NUM_TEXTS} texts of {LENGTH} tokens, K = {NUM_SAMPLES}")
    for name, (model, draw) in {
        "LSTM-VAE, Z = 32": lstm_vae(),
        "HSVAE, Z = 32": hsvae(32),
        "HSVAE, Z = 768": hsvae(768),
    }.items():
        bound = model.in_graph("importance_weighted_bound")
        noise = blocks_of_noise(draw)
        samples = tf.constant(NUM_SAMPLES)
        times = np.array(
            [
                (
                    seconds(bound, tokens, samples, seed),
                    seconds(noise, tokens, seed),
                )
                for _ in range(1 + REPETITIONS)
            ]
        )
        whole, part = np.median(times[1:], axis=0)  # without the tracing
        print(
            f"{name:16} scoring {whole:.3f} s, noise {part:.4f} s, "
            f"{part / whole:.2%}"
        )


if __name__ == "__main__":
    main()
