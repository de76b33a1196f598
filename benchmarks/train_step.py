"""Times a training step of the Sentence VAE beside the same in PyTorch.

Both train the model of `flags/vae_ptb.flags` (batch 20, 20 predicted tokens,
10,002 words, two LSTM layers of 200, Adam, gradients clipped at norm 5) on
random tokens. Blocks of steps alternate between the two, since a shared
machine's speed wanders; compare the ratios. PyTorch is not a dependency:

    pip install torch
    python benchmarks/train_step.py
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import torch

import keras_textgen
from keras_textgen.training.optimizers import FusedAdam

BATCH, TIME, WORDS = 20, 20, 10_002
EMBEDDING, UNITS, LAYERS, LATENT = 128, 200, 2, 16
BLOCKS, STEPS = 12, 10


class TorchSentenceVAE(torch.nn.Module):
    """The same model with PyTorch's own layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(WORDS, EMBEDDING)
        lstm = {"num_layers": LAYERS, "batch_first": True}
        self.encoder = torch.nn.LSTM(EMBEDDING, UNITS, **lstm)
        self.decoder = torch.nn.LSTM(EMBEDDING, UNITS, **lstm)
        self.heads = torch.nn.Linear(2 * UNITS, 2 * LATENT)
        self.state = torch.nn.Linear(LATENT, 2 * UNITS)
        self.logits = torch.nn.Linear(UNITS, WORDS)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Loss per sequence of tokens [batch, time]."""
        embedded = self.embedding(tokens[:, :-1])
        _, (hidden, cell) = self.encoder(embedded)
        loc, log_variance = self.heads(
            torch.cat([cell[-1], hidden[-1]], -1)
        ).chunk(2, -1)
        latent = loc + torch.exp(log_variance / 2) * torch.randn_like(loc)
        state = torch.nn.functional.elu(self.state(latent)).chunk(2, -1)
        state = [part.expand(LAYERS, -1, -1).contiguous() for part in state]
        outputs, _ = self.decoder(embedded, tuple(state))
        nll = torch.nn.functional.cross_entropy(
            self.logits(outputs).flatten(0, 1),
            tokens[:, 1:].flatten(),
            reduction="sum",
        )
        kl = torch.sum(log_variance.exp() + loc**2 - 1 - log_variance) / 2
        return (nll + kl) / len(tokens)


def torch_step(tokens: np.ndarray) -> Callable[[], None]:
    """A function that makes one PyTorch training step."""
    model = TorchSentenceVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batch = torch.tensor(tokens, dtype=torch.long)

    def step() -> None:
        optimizer.zero_grad()
        model(batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    return step


def keras_step(tokens: np.ndarray) -> Callable[[], None]:
    """A function that makes one training step of this package."""
    words = [f"w{index}" for index in range(WORDS - 4)]
    model = keras_textgen.SentenceVAE(
        keras_textgen.Vocabulary(words, standardize="none"),
        embedding_dim=EMBEDDING,
        rnn_units=UNITS,
        num_layers=LAYERS,
        latent_dim=LATENT,
    )
    model.compile(FusedAdam(1e-3, global_clipnorm=5.0))
    train_step = tf.function(model.train_step, autograph=False)
    batch = tf.constant(tokens)

    def step() -> None:
        train_step(batch)["loss"].numpy()

    return step


def block_milliseconds(step: Callable[[], None]) -> float:
    """Mean time of a step over a block of steps."""
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - start) / STEPS * 1000


def main() -> None:
    """Print the times of both and their ratio."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(4, WORDS, (BATCH, TIME + 1)).astype(np.int32)
    steps = {"keras_textgen": keras_step(tokens), "torch": torch_step(tokens)}
    for step in steps.values():
        block_milliseconds(step)
    times = {name: [] for name in steps}
    for _ in range(BLOCKS):
        for name, step in steps.items():
            times[name].append(block_milliseconds(step))
    for name, values in times.items():
        print(
            f"{name:14} {min(values):7.1f} ms a step at best, "
            f"{np.median(values):7.1f} median"
        )
    ratios = np.divide(times["keras_textgen"], times["torch"])
    print(f"keras_textgen / torch, block by block: {np.median(ratios):.2f}")


if __name__ == "__main__":
    main()
