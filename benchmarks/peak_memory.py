"""Peak memory of training the LSTM-VAE with many samples of its latent.

The model and optimizer of `flags/lstm_vae_ptb.flags` with
`--num_latent_samples=10`, and a batch of 32 of the corpus's longest sentences
(82 words). The peak counts the whole process, TensorFlow included:

    python benchmarks/peak_memory.py
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from processes import peak_gigabytes

import keras_textgen
from keras_textgen.tokens import END_ID, START_ID

BATCH, LENGTH, WORDS, SAMPLES, STEPS = 32, 82, 10_000, 10, 3


def main() -> None:
    """Print the peak after the imports and after some training steps."""
    print(f"{peak_gigabytes():5.2f} GB after importing TensorFlow")
    words = [f"w{index}" for index in range(WORDS - 4)]
    model = keras_textgen.LSTMVAE(
        keras_textgen.Vocabulary(words, standardize="none"),
        embedding_dim=100,
        rnn_units=400,
        num_samples=SAMPLES,
        dropout=0.5,
    )
    model.compile(keras.optimizers.SGD(1.0, global_clipnorm=5.0))
    tokens = np.full((BATCH, LENGTH + 2), START_ID, np.int32)
    generator = np.random.default_rng(0)
    tokens[:, 1:-1] = generator.integers(4, WORDS, (BATCH, LENGTH))
    tokens[:, -1] = END_ID
    model.fit(
        tf.data.Dataset.from_tensors(tokens).repeat(),
        steps_per_epoch=STEPS,
        verbose=0,
    )
    print(f"{peak_gigabytes():5.2f} GB after {STEPS} steps, {SAMPLES} samples")


if __name__ == "__main__":
    main()
