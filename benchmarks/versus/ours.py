"""The side of this package: `fit`, as the trainer makes it.

python -m benchmarks.versus.ours WORKLOAD [--precision=float32]
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import scipy.sparse
import tensorflow as tf

import keras_textgen
from benchmarks.processes import peak_gigabytes, step_seconds
from benchmarks.versus.workloads import (
    CLASSES,
    WORKLOADS,
    Workload,
    arrays_of,
)
from keras_textgen.layers import TransformerDecoder, TransformerEncoder
from keras_textgen.optimizers import FusedAdam
from keras_textgen.tokens import SPECIALS

CLIP_NORM = 5.0
WARM_UPS = 2

# What both sides call a size, and the constructors here.
NAMES = {
    "embedding": "embedding_dim",
    "units": "rnn_units",
    "latent": "latent_dim",
    "layers": "num_layers",
    "attention": "attention_units",
    "samples": "num_samples",
    "dropout": "dropout",
}


def named_sizes(workload: Workload) -> dict[str, Any]:
    """Constructor arguments of the sizes."""
    return {
        NAMES[size]: value
        for size, value in workload.sizes.items()
        if size in NAMES
    }


def vocabulary_of(workload: Workload) -> keras_textgen.Vocabulary:
    """So many ids, some of them of no word."""
    number = workload.sizes["words"] - len(SPECIALS)
    return keras_textgen.Vocabulary([f"w{index}" for index in range(number)])


def text_model(public_name: str, **settings: Any) -> Callable:
    """Makes a model of texts of the workload's sizes."""

    def make(workload: Workload) -> keras.Model:
        sizes = named_sizes(workload) | settings
        if workload.model == "lstm_lm":
            del sizes["latent_dim"]
        model_class = getattr(keras_textgen, public_name)
        return model_class(vocabulary_of(workload), **sizes)

    return make


def han(workload: Workload) -> keras.Model:
    """HAN of ids, which reads all of a document."""
    max_sentences, max_words = workload.shape
    return keras_textgen.HierarchicalAttentionNetwork(
        workload.sizes["words"] - 1,
        CLASSES,
        max_sentences=max_sentences,
        max_words=max_words,
        **named_sizes(workload),
    )


def prodlda(workload: Workload) -> keras.Model:
    """ProdLDA of matrices."""
    sizes = workload.sizes
    return keras_textgen.ProdLDA(
        num_words=workload.shape[0],
        num_topics=sizes["topics"],
        hidden_units=sizes["hidden"],
        dropout=sizes["dropout"],
    )


def dmf(workload: Workload) -> keras.Model:
    """Dual matrix factorization of ids, with a hidden layer."""
    sizes = workload.sizes
    layers = [(sizes["width"], "tanh")]
    return keras_textgen.DualMatrixFactorization(
        sizes["rows"],
        sizes["columns"],
        row_dim=sizes["width"],
        col_dim=sizes["width"],
        row_layers=layers,
        col_layers=layers,
        multi_level=True,
    )


def transformer_vae(workload: Workload) -> keras.Model:
    """A Sentence VAE whose encoder and decoder are transformers."""
    sizes = workload.sizes
    blocks = {
        "units": sizes["units"],
        "num_layers": sizes["layers"],
        "num_heads": sizes["heads"],
        "positions": "learned",
    }
    return keras_textgen.SentenceVAE(
        vocabulary_of(workload),
        embedding_dim=sizes["embedding"],
        latent_dim=sizes["latent"],
        objective="bound",
        encoder=TransformerEncoder(**blocks),
        decoder=TransformerDecoder(
            **blocks, latent_injection="cross_attention"
        ),
    )


MODELS: dict[str, Callable[[Workload], keras.Model]] = {
    "hdgm": text_model("HDGM", objective="reference"),
    "lstm_lm": text_model("LSTMLanguageModel"),
    "lstm_vae": text_model("LSTMVAE"),
    "lstm_vae_avg": text_model("LSTMVAEAVG"),
    "hsvae": text_model("HSVAE"),
    "han": han,
    "prodlda": prodlda,
    "dmf": dmf,
    "transformer_vae": transformer_vae,
}


def compiled(workload: Workload) -> keras.Model:
    """The model with its optimizer."""
    model = MODELS[workload.model](workload)
    if workload.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(1.0, global_clipnorm=CLIP_NORM)
    else:
        optimizer = FusedAdam(1e-3, global_clipnorm=CLIP_NORM)
    model.compile(optimizer)
    return model


def data_of(workload: Workload) -> dict[str, Any]:
    """Arguments of `fit`: all batches, in their order."""
    parts = arrays_of(workload)
    data = {"batch_size": workload.batch, "shuffle": False}
    if workload.model == "dmf":
        rows, columns, ratings = parts
        return data | {"x": {"row": rows, "column": columns, "value": ratings}}
    if workload.model == "prodlda":
        return data | {"x": scipy.sparse.csr_array(parts[0])}
    x, *y = parts
    return data | {"x": x} | ({"y": y[0]} if y else {})


def main() -> None:
    """Make a round for each line that comes, and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--free_order", action="store_true")
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    if not options.free_order:
        tf.config.experimental.enable_op_determinism()
    if options.precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{options.precision}")
    workload = WORKLOADS[options.workload]
    model, data = compiled(workload), data_of(workload)
    for _ in range(WARM_UPS):
        step_seconds(model.fit, data)
    print("ready", flush=True)
    for _ in sys.stdin:
        answer = [step_seconds(model.fit, data), peak_gigabytes()]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
