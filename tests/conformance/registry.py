"""Every layer and model, one line each; all go through the same checks.

A layer's line: how to make it, and the samples that its call takes, by
argument. A model's line: its class and the settings beside `SIZES`.
"""

import functools
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.subwords.messages import (
    Piece,
    PieceType,
    write_model,
)
from keras_textgen.data.subwords.sentence_pieces import SentencePieces
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.attention import AttentionPooling
from keras_textgen.layers.backbones import BertEncoder, GPT2Decoder
from keras_textgen.layers.bag_of_words import BagOfWordsLogLikelihood
from keras_textgen.layers.batch_normalization import GlobalBatchNormalization
from keras_textgen.layers.cpu_recurrence import GRU, LSTM
from keras_textgen.layers.decoders import CodeStateDecoder, RecurrentDecoder
from keras_textgen.layers.encoders import RecurrentEncoder, TransformerEncoder
from keras_textgen.layers.gating import SpikeAndSlabGate
from keras_textgen.layers.gaussian import GaussianHead
from keras_textgen.layers.memory import BroadMemory, DeepMemory, LatentLevel
from keras_textgen.layers.recurrent import BidirectionalStack, RecurrentStack
from keras_textgen.layers.transformer import TransformerStack
from keras_textgen.layers.transformer_decoder import (
    LATENT_INJECTIONS,
    TransformerDecoder,
)
from keras_textgen.layers.vocabulary import VocabularyLogLikelihood
from keras_textgen.layers.von_mises_fisher import DirectionHead
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.models.text.optimus import OptimusVAE
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.tokens import END_ID, START_ID
from tests.conformance import backbones
from tests.conformance.attention import AttentionDecoder, MeanEncoder

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "another", "hat"]
TEXTS = [
    "the cat sat on a mat",
    "a hat",
    "the mat saw another cat",
    "and the unheard-of hat",
    "cat",
]
# Where the samples of a batch of four end, before their padding.
TIME = 6
LENGTHS = np.array([6, 2, 1, 4])


class Sample(NamedTuple):
    """An argument of a layer.

    Attributes:
        value: The tensor, rows leading.
        padding: What fills further time steps on the right; None if the
            tensor has no time axis.
    """

    value: tf.Tensor
    padding: float | None = None


def _values(*shape: int) -> tf.Tensor:
    positions = np.arange(np.prod(shape))
    return tf.constant(np.sin(1.7 * positions).reshape(shape), tf.float32)


_MASK = np.arange(TIME) < LENGTHS[:, np.newaxis]
# Of what can be predicted: neither padding nor the start token.
_WORDS = np.array([1, 3, 4, 5, 6, 7])
_IDS = np.where(_MASK, _WORDS[np.arange(4 * TIME).reshape(4, TIME) % 6], 0)

# What is under the padding must not matter, hence 9.
SEQUENCE = Sample(_values(4, TIME, 3), padding=9)
MASK = Sample(tf.constant(_MASK), padding=False)
TARGETS = Sample(tf.constant(_IDS, tf.int32), padding=0)
FEATURES = Sample(_values(4, 5))
DEPTH_STATE = [[Sample(_values(4, 3)), Sample(-_values(4, 3))]] * 2
STRINGS = Sample(tf.constant(TEXTS[:4]))


def subwords(**kwargs: Any) -> SubwordVocabulary:
    """Each word of `WORDS` with its id there, and letters behind them."""
    names = [f"\u2581{word}" for word in WORDS]
    letters = ["\u2581", *"abdehnorstu"]
    pieces = [Piece("<unk>", 0, PieceType.UNKNOWN)]
    pieces += [Piece(name, -1.0) for name in names]
    pieces += [Piece(letter, -3.0) for letter in letters]
    config = SentencePieces(write_model(pieces, None)).config
    return SubwordVocabulary("sentencepiece", config, **kwargs)


class LayerCase(NamedTuple):
    """A layer under test."""

    name: str
    make: Callable[..., keras.Layer]
    samples: dict[str, Any]


LAYERS = [
    LayerCase(*line)
    for line in [
        (
            "attention_pooling",
            lambda **kwargs: AttentionPooling(3, **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "bag_of_words_log_likelihood",
            lambda **kwargs: BagOfWordsLogLikelihood(8, 3, **kwargs),
            {"code": FEATURES, "targets": TARGETS},
        ),
        (
            "gaussian_head",
            lambda **kwargs: GaussianHead(2, **kwargs),
            {"features": FEATURES},
        ),
        (
            "direction_head",
            lambda **kwargs: DirectionHead(2, **kwargs),
            {"features": FEATURES},
        ),
        (
            "global_batch_normalization",
            lambda **kwargs: GlobalBatchNormalization(**kwargs),
            {"values": FEATURES, "is_counted": Sample(tf.ones([4]))},
        ),
        (
            "lstm",
            lambda **kwargs: LSTM(4, return_sequences=True, **kwargs),
            {"sequences": SEQUENCE, "mask": MASK},
        ),
        (
            "gru",
            lambda **kwargs: GRU(4, return_sequences=True, **kwargs),
            {"sequences": SEQUENCE, "mask": MASK},
        ),
        (
            "lstm_stack",
            lambda **kwargs: RecurrentStack(4, 2, **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "gru_stack",
            lambda **kwargs: RecurrentStack(4, 2, "gru", **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "recurrent_encoder",
            lambda **kwargs: RecurrentEncoder(4, 2, features="state", **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "recurrent_decoder",
            lambda **kwargs: RecurrentDecoder(4, 2, **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "code_state_decoder",
            lambda **kwargs: CodeStateDecoder(4, 2, **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "transformer_stack",
            lambda **kwargs: TransformerStack(4, 2, 2, **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "transformer_encoder",
            lambda **kwargs: TransformerEncoder(4, 1, 2, "learned", **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        *(
            (
                f"transformer_decoder_{injection}",
                partial(
                    TransformerDecoder, 4, 2, 2, latent_injection=injection
                ),
                {"inputs": SEQUENCE, "code": FEATURES},
            )
            for injection in LATENT_INJECTIONS
        ),
        (
            "bert_encoder",
            partial(BertEncoder, 8, 4, **backbones.SIZES),
            {"token_ids": TARGETS},
        ),
        (
            "gpt2_decoder",
            partial(GPT2Decoder, 4, **backbones.SIZES),
            {"inputs": SEQUENCE, "code": FEATURES},
        ),
        (
            "bidirectional_lstm_stack",
            lambda **kwargs: BidirectionalStack(4, 2, "basic", **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "bidirectional_gru_stack",
            lambda **kwargs: BidirectionalStack(4, 2, "gru", **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "spike_and_slab_gate",
            lambda **kwargs: SpikeAndSlabGate(2, **kwargs),
            {"features": FEATURES},
        ),
        (
            "broad_memory",
            lambda **kwargs: BroadMemory(4, 2, 3, **kwargs),
            {"inputs": SEQUENCE, "mask": MASK},
        ),
        (
            "deep_memory",
            lambda **kwargs: DeepMemory(3, 2, **kwargs),
            {"inputs": FEATURES, "state": DEPTH_STATE},
        ),
        (
            "latent_level",
            lambda **kwargs: LatentLevel(2, **kwargs),
            {"inputs": FEATURES},
        ),
        (
            "latent_level_deep",
            lambda **kwargs: LatentLevel(
                2, DeepMemory(3, 2, **kwargs), **kwargs
            ),
            {"inputs": FEATURES, "state": DEPTH_STATE},
        ),
        (
            "vocabulary_log_likelihood",
            lambda **kwargs: VocabularyLogLikelihood(8, **kwargs),
            {"hidden": SEQUENCE, "targets": TARGETS},
        ),
        (
            "vocabulary",
            lambda **kwargs: Vocabulary(WORDS, **kwargs),
            {"texts": STRINGS},
        ),
        ("subword_vocabulary", subwords, {"texts": STRINGS}),
    ]
]

# Classes that others derive from; they are checked as those.
BASES = {
    "BagModel",
    "BaseVocabulary",
    "CellModel",
    "Compiling",
    "DocumentClassifier",
    "ExplicitMaskLayer",
    "FactorModel",
    "FrontDoor",
    "GlobalBatchModel",
    "LatentModel",
    "LatentTextModel",
    "LikelihoodModel",
    "OwnLoop",
    "RecurrentLayers",
    "SingleLatentTextModel",
    "SparseTextModel",
    "TextModel",
    "TopicModel",
    "TransformerLayers",
}

# Layers that compute in float32 under every precision policy.
FLOAT32_LAYERS = (
    AttentionPooling,
    BagOfWordsLogLikelihood,
    DirectionHead,
    GaussianHead,
    GlobalBatchNormalization,
    SpikeAndSlabGate,
    VocabularyLogLikelihood,
)

SIZES = {
    "embedding_dim": 3,
    "rnn_units": 4,
    "num_layers": 1,
    "max_length": 6,
}


# Of an encoder and a decoder that are transformers.
TRANSFORMER = {"units": 4, "num_layers": 2, "num_heads": 2}


def _bert() -> BertEncoder:
    return BertEncoder(
        len(backbones.WORD_PIECES) + 4, 4, max_positions=32, **backbones.SIZES
    )


def _gpt2() -> GPT2Decoder:
    return GPT2Decoder(4, max_positions=16, **backbones.SIZES)


class ModelCase(NamedTuple):
    """A model under test.

    Attributes:
        name: What tests call it.
        model: Its class.
        settings: The constructor's arguments beside `SIZES`; what makes a
            layer, such as its class, stands for a new one.
        slow_checks: Which of the checks that take long run for it: those of
            "replicas" or of the "export"; not where its graph is much like
            that of another case.
    """

    name: str
    model: type[keras.Model]
    settings: dict[str, Any]
    slow_checks: tuple[str, ...] = ()

    def make(self, **more: Any) -> keras.Model:
        """A tiny model with known weights; `more` overrides settings."""
        settings = {
            name: value() if callable(value) else value
            for name, value in {**SIZES, **self.settings, **more}.items()
        }
        if self.is_latent:
            settings.setdefault("latent_dim", 2)
        vocabulary = settings.pop("vocabulary", None) or Vocabulary(WORDS)
        return with_known_weights(self.model(vocabulary, **settings))

    def make_optimizer(self) -> keras.optimizers.Optimizer:
        """One that the model can be trained with; if it can, with state."""
        if self.is_aggressive:
            return keras.optimizers.SGD(0.1, global_clipnorm=0.5)
        return keras.optimizers.Adam(0.01, global_clipnorm=0.5)

    @property
    def plain_settings(self) -> dict[str, Any]:
        """The settings that are no layers."""
        return {
            name: value
            for name, value in {**SIZES, **self.settings}.items()
            if not callable(value)
        }

    @property
    def is_latent(self) -> bool:
        """Whether the model has codes, a posterior, and a KL."""
        return issubclass(self.model, LatentTextModel)

    @property
    def is_aggressive(self) -> bool:
        """Whether encoder and decoder take turns, which needs plain SGD."""
        return self.settings.get("aggressive_encoder", False)


MODELS = [
    ModelCase(*line)
    for line in [
        (
            "vae_reference",
            SentenceVAE,
            {"objective": "reference", "num_layers": 2},
            ("replicas",),
        ),
        ("vae_bound", SentenceVAE, {"objective": "bound", "rnn_type": "gru"}),
        (
            "vae_vmf",
            SentenceVAE,
            {
                "objective": "bound",
                "posterior_family": "vmf",
                "concentration": 20.0,
                "latent_dim": 3,
            },
            ("replicas",),
        ),
        (
            "vae_remedies",
            SentenceVAE,
            {
                "objective": "bound",
                "num_layers": 2,
                "feed_latent": True,
                "free_bits": 0.5,
                "bag_of_words_weight": 0.5,
                "dropout": 0.2,
            },
        ),
        (
            "vae_attention",
            SentenceVAE,
            {
                "objective": "bound",
                "encoder": MeanEncoder,
                "decoder": AttentionDecoder,
            },
            ("replicas", "export"),
        ),
        (
            "vae_transformer",
            SentenceVAE,
            {
                "objective": "bound",
                "encoder": partial(TransformerEncoder, **TRANSFORMER),
                "decoder": partial(TransformerDecoder, **TRANSFORMER),
            },
            ("replicas", "export"),
        ),
        (
            "lstm_lm",
            LSTMLanguageModel,
            {"dropout": 0.2},
            ("replicas", "export"),
        ),
        (
            "lstm_lm_subwords",
            LSTMLanguageModel,
            {"vocabulary": subwords},
            ("replicas",),
        ),
        (
            "lstm_lm_transformer",
            LSTMLanguageModel,
            {
                "embedding_dim": 4,
                "dropout": 0.2,
                "decoder": partial(TransformerDecoder, **TRANSFORMER),
                "tied_embeddings": True,
            },
            ("replicas", "export"),
        ),
        (
            "lstm_vae",
            LSTMVAE,
            {
                "num_samples": 2,
                "free_bits_per_dimension": 0.4,
                "bag_of_words_weight": 0.5,
                "dropout": 0.2,
            },
            ("replicas",),
        ),
        (
            "lstm_vae_transformer",
            LSTMVAE,
            {
                "num_samples": 2,
                "encoder": partial(
                    TransformerEncoder, **TRANSFORMER, positions="learned"
                ),
                "decoder": partial(
                    TransformerDecoder,
                    **TRANSFORMER,
                    positions="learned",
                    latent_injection="embedding",
                ),
            },
            ("replicas",),
        ),
        (
            "lstm_vae_avg_transformer",
            LSTMVAEAVG,
            {
                "num_samples": 3,
                "decoder": partial(
                    TransformerDecoder,
                    **TRANSFORMER,
                    latent_injection="cross_attention",
                ),
            },
        ),
        (
            "lstm_vae_avg",
            LSTMVAEAVG,
            {"num_samples": 3, "dropout": 0.2},
            ("replicas", "export"),
        ),
        (
            "lstm_vae_aggressive",
            LSTMVAE,
            {"aggressive_encoder": True, "feed_latent": False},
        ),
        (
            "hsvae",
            HSVAE,
            {"z_reg_weight": 0.5, "gamma_reg_weight": 0.5},
            ("replicas", "export"),
        ),
        (
            "hsvae_transformer",
            HSVAE,
            {
                "encoder": partial(TransformerEncoder, **TRANSFORMER),
                "decoder": partial(
                    TransformerDecoder,
                    **TRANSFORMER,
                    latent_injection="cross_attention",
                ),
            },
            ("replicas", "export"),
        ),
        (
            "optimus",
            OptimusVAE,
            {
                "embedding_dim": 4,
                "vocabulary": backbones.byte_pairs,
                "encoder_vocabulary": backbones.word_pieces,
                "encoder": _bert,
                "decoder": _gpt2,
                "free_bits_per_dimension": 0.4,
                "dropout": 0.2,
            },
            ("replicas", "export"),
        ),
        ("mat_vae", MATVAE, {"beta": 0.5}, ("replicas",)),
        (
            "hdgm_reference",
            HDGM,
            {"objective": "reference", "attention_units": 3},
            ("export",),
        ),
        ("hdgm_bound", HDGM, {"objective": "bound", "attention_units": 3}),
        ("hdgm_1_level", HDGM, {"objective": "bound", "num_levels": 1}),
        (
            "hdgm_3_levels_deep",
            HDGM,
            {"objective": "bound", "num_levels": 3, "deterministic_layers": 1},
            ("replicas", "export"),
        ),
    ]
]


# Which extra a case needs, and its package, by a word of the case's name.
_EXTRAS = {
    "subword": ("subwords", "tensorflow_text"),
    "bert": ("transformers", "keras_hub"),
    "gpt2": ("transformers", "keras_hub"),
    "optimus": ("transformers", "keras_hub"),
}


def missing_extras(name: str) -> list[str]:
    """The extras that a case needs and that are not installed."""
    return [
        extra
        for word, (extra, package) in _EXTRAS.items()
        if word in name and find_spec(package) is None
    ]


def skips_of(name: str) -> list[pytest.MarkDecorator]:
    """What skips a case whose extras are not installed, and says so."""
    return [
        pytest.mark.skip(f"the extra {extra} is missing")
        for extra in missing_extras(name)
    ]


def _parametrized(cases: list) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=case.name, marks=skips_of(case.name))
            for case in cases
        ],
    )


# Those that can be made here.
INSTALLED = [case for case in MODELS if not missing_extras(case.name)]
EXPORTED = [case for case in INSTALLED if "export" in case.slow_checks]

each_layer = _parametrized(LAYERS)
each_model = _parametrized(MODELS)
each_latent_model = _parametrized([case for case in MODELS if case.is_latent])
each_model_of_replicas = _parametrized(
    [case for case in MODELS if "replicas" in case.slow_checks]
)


def with_known_weights(layer: keras.Layer) -> keras.Layer:
    """The layer, its weights set to values in [-0.8, 0.8].

    Fresh weights are so small that outputs would hardly depend on inputs.
    """
    for phase, weight in enumerate(layer.trainable_variables):
        positions = np.arange(np.prod(weight.shape, dtype=int))
        values = 0.8 * np.sin(0.7 + phase + 1.7 * positions)
        weight.assign(values.reshape(weight.shape))
    return layer


def model_case(name: str) -> ModelCase:
    """The line of this name."""
    (case,) = [case for case in MODELS if case.name == name]
    return case


@functools.cache
def made(name: str) -> keras.Model:
    """The one instance of a model that tests share and do not train."""
    return model_case(name).make()


def tokens_of(*lengths: int) -> tf.Tensor:
    """Sequences of so many words each, int32 [batch, time]."""
    words = iter(np.random.default_rng(7).integers(4, 4 + len(WORDS), 1000))
    rows = [
        [START_ID, *(next(words) for _ in range(length)), END_ID]
        for length in lengths
    ]
    return tf.ragged.constant(rows, tf.int32).to_tensor()


def package_classes() -> Iterator[type]:
    """Layers and models that the package's modules define."""
    prefix = f"{keras_textgen.__name__}."
    for module in pkgutil.walk_packages(keras_textgen.__path__, prefix):
        for _, found in inspect.getmembers(
            import_module(module.name), inspect.isclass
        ):
            is_public = not found.__name__.startswith("_")
            if (
                found.__module__ == module.name
                and issubclass(found, keras.Layer)
                and is_public
            ):
                yield found


def assert_moved_by(gradients: Sequence[Any], weights: Sequence[Any]) -> None:
    """Assert that each weight has a gradient, finite and not all 0."""
    for weight, gradient in zip(weights, gradients, strict=True):
        assert gradient is not None, weight.path
        gradient = tf.convert_to_tensor(gradient)
        assert np.isfinite(gradient).all(), weight.path
        assert np.any(gradient), weight.path
