"""Times a training step of a model beside the same in PyTorch.

- `vae`: `flags/vae_ptb.flags` (batch 20, 20 predicted tokens, 10,002 words,
  two LSTM layers of 200, Adam).
- `lstm_vae`: `flags/lstm_vae_ptb.flags` (batch 32, 10,000 words, one LSTM
  layer of 400, SGD), but without dropout, and with 24 predicted tokens.

Gradients are clipped at norm 5, tokens are random. Blocks of steps alternate
between the two programs, since a shared machine's speed wanders; compare the
ratios. PyTorch is not a dependency:

    pip install torch
    python benchmarks/train_step.py --model=lstm_vae
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
import torch

import keras_textgen
from keras_textgen.optimizers import FusedAdam

CLIP_NORM = 5.0


class TorchVAE(torch.nn.Module):
    """What both models share, with PyTorch's own layers."""

    def __init__(
        self,
        *,
        words: int,
        embedding: int,
        units: int,
        latent: int,
        decoder_inputs: int,
        num_layers: int = 1,
    ) -> None:
        super().__init__()
        lstm = {"num_layers": num_layers, "batch_first": True}
        self.embedding = torch.nn.Embedding(words, embedding)
        self.encoder = torch.nn.LSTM(embedding, units, **lstm)
        self.decoder = torch.nn.LSTM(decoder_inputs, units, **lstm)
        self.logits = torch.nn.Linear(units, words)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Loss per sequence of tokens [batch, time]."""
        loc, log_variance = self.heads(self.read(tokens)).chunk(2, -1)
        latent = loc + torch.exp(log_variance / 2) * torch.randn_like(loc)
        outputs = self.decode(tokens[:, :-1], latent)
        nll = torch.nn.functional.cross_entropy(
            self.logits(outputs).flatten(0, 1),
            tokens[:, 1:].flatten(),
            reduction="sum",
        )
        kl = torch.sum(log_variance.exp() + loc**2 - 1 - log_variance) / 2
        return (nll + kl) / len(tokens)


class TorchSentenceVAE(TorchVAE):
    """`keras_textgen.SentenceVAE`."""

    def __init__(self, **sizes: int) -> None:
        super().__init__(decoder_inputs=sizes["embedding"], **sizes)
        units, latent = sizes["units"], sizes["latent"]
        self.heads = torch.nn.Linear(2 * units, 2 * latent)
        self.state = torch.nn.Linear(latent, 2 * units)

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """The encoder's last states, [batch, 2 * units]."""
        _, (hidden, cell) = self.encoder(self.embedding(tokens[:, :-1]))
        return torch.cat([cell[-1], hidden[-1]], -1)

    def decode(
        self, inputs: torch.Tensor, latent: torch.Tensor
    ) -> torch.Tensor:
        """Hidden states [batch, time, units]."""
        state = torch.nn.functional.elu(self.state(latent)).chunk(2, -1)
        layers = self.decoder.num_layers
        state = [part.expand(layers, -1, -1).contiguous() for part in state]
        outputs, _ = self.decoder(self.embedding(inputs), tuple(state))
        return outputs


class TorchLSTMVAE(TorchVAE):
    """`keras_textgen.LSTMVAE`."""

    def __init__(self, **sizes: int) -> None:
        units, latent = sizes["units"], sizes["latent"]
        super().__init__(decoder_inputs=sizes["embedding"] + latent, **sizes)
        self.encoder_embedding = torch.nn.Embedding(
            sizes["words"], sizes["embedding"]
        )
        self.heads = torch.nn.Linear(units, 2 * latent)
        self.state = torch.nn.Linear(latent, units, bias=False)

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """The encoder's last hidden state, [batch, units]."""
        _, (hidden, _) = self.encoder(self.encoder_embedding(tokens))
        return hidden[-1]

    def decode(
        self, inputs: torch.Tensor, latent: torch.Tensor
    ) -> torch.Tensor:
        """Hidden states [batch, time, units]."""
        embedded = self.embedding(inputs)
        copies = latent[:, None].expand(-1, inputs.shape[1], -1)
        state = self.state(latent)[None]
        outputs, _ = self.decoder(
            torch.cat([embedded, copies], -1), (state, torch.zeros_like(state))
        )
        return outputs


MODELS = {
    "vae": {
        "torch_model": TorchSentenceVAE,
        "keras_model": keras_textgen.SentenceVAE,
        "torch_optimizer": lambda weights: torch.optim.Adam(weights, lr=1e-3),
        "keras_optimizer": lambda: FusedAdam(1e-3, global_clipnorm=CLIP_NORM),
        "batch": 20,
        "time": 20,
        "sizes": {
            "words": 10_002,
            "embedding": 128,
            "units": 200,
            "latent": 16,
            "num_layers": 2,
        },
    },
    "lstm_vae": {
        "torch_model": TorchLSTMVAE,
        "keras_model": keras_textgen.LSTMVAE,
        "torch_optimizer": lambda weights: torch.optim.SGD(weights, lr=1.0),
        "keras_optimizer": lambda: keras.optimizers.SGD(
            1.0, global_clipnorm=CLIP_NORM
        ),
        "batch": 32,
        "time": 24,
        "sizes": {
            "words": 10_000,
            "embedding": 100,
            "units": 400,
            "latent": 32,
        },
    },
}
BLOCKS, STEPS = 12, 10


def torch_step(settings: dict, tokens: np.ndarray) -> Callable[[], None]:
    """A function that makes one PyTorch training step."""
    model = settings["torch_model"](**settings["sizes"])
    optimizer = settings["torch_optimizer"](model.parameters())
    batch = torch.tensor(tokens, dtype=torch.long)

    def step() -> None:
        optimizer.zero_grad()
        model(batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()

    return step


def keras_step(settings: dict, tokens: np.ndarray) -> Callable[[], None]:
    """A function that makes one training step of this package."""
    sizes = settings["sizes"]
    words = [f"w{index}" for index in range(sizes["words"] - 4)]
    model = settings["keras_model"](
        keras_textgen.Vocabulary(words, standardize="none"),
        embedding_dim=sizes["embedding"],
        rnn_units=sizes["units"],
        num_layers=sizes.get("num_layers", 1),
        latent_dim=sizes["latent"],
    )
    model.compile(settings["keras_optimizer"]())
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
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, default="vae")
    settings = MODELS[parser.parse_args().model]
    generator = np.random.default_rng(0)
    shape = (settings["batch"], settings["time"] + 1)
    tokens = generator.integers(4, settings["sizes"]["words"], shape)
    tokens = tokens.astype(np.int32)
    steps = {
        "keras_textgen": keras_step(settings, tokens),
        "torch": torch_step(settings, tokens),
    }
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
