"""From keras-hub's backbones and tokenizers to what a text model is made of.

The ids of a vocabulary begin with the four special tokens, those of a tokenizer
do not, so that rows of embeddings change their places.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textgen.checks import refused
from keras_textgen.data.subwords.byte_pairs import BytePairs, byte_letters
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.data.subwords.word_pieces import PlainWordPieces, WordRules
from keras_textgen.layers.backbones import BertEncoder, GPT2Decoder, hub
from keras_textgen.layers.vocabulary import VocabularyLogLikelihood

_GPT2_END = "<|endoftext|>"
# Below all other logits, by so much that a softmax gives it 1e-13.
_UNLIKELY = -30.0


def check_kind(argument: str, value: Any, kind: str) -> None:
    """Refuse what is not of a class of keras-hub.

    Args:
        argument: How the value is called.
        value: What is given.
        kind: The name of the class in `keras_hub.models`.

    Raises:
        ValueError: If it is of another class, or keras-hub is not installed.

    Example:
        >>> check_kind("encoder", "bert_base_en", "BertBackbone")
        Traceback (most recent call last):
        ValueError: encoder of class str; allowed: a \
keras_hub.models.BertBackbone
    """
    if not isinstance(value, getattr(hub().models, kind)):
        raise refused(
            f"{argument} of class {type(value).__name__}",
            f"a keras_hub.models.{kind}",
        )


def bert_vocabulary(tokenizer: Any) -> tuple[SubwordVocabulary, list[int]]:
    """The vocabulary of a BERT's tokenizer, split by TensorFlow alone.

    Args:
        tokenizer: A `keras_hub.models.BertTokenizer`.

    Returns:
        The vocabulary, and the tokenizer's id of each of its ids: of padding,
        unknown, start and end those of [PAD], [UNK], [CLS] and [SEP]. Other
        special tokens are left out.
    """
    names = tokenizer.get_vocabulary()
    ids = {name: place for place, name in enumerate(names)}
    special = ["[PAD]", tokenizer.oov_token, "[CLS]", "[SEP]"]
    pieces = [piece for piece in ids if piece not in {*special, "[MASK]"}]
    rules = WordRules(
        is_lower=tokenizer.lowercase,
        strips_accents=tokenizer.strip_accents,
        parts_ideographs=tokenizer.split_on_cjk,
        parts_punctuation=True,
    )
    config = PlainWordPieces(pieces, rules, tokenizer.suffix_indicator).config
    return (
        SubwordVocabulary("plain_wordpiece", config),
        [ids[piece] for piece in [*special, *pieces]],
    )


def gpt2_vocabulary(tokenizer: Any) -> tuple[SubwordVocabulary, list[int]]:
    """The vocabulary of a GPT-2's tokenizer.

    Args:
        tokenizer: A `keras_hub.models.GPT2Tokenizer`.

    Returns:
        The vocabulary, and the tokenizer's id of each of its ids: of padding,
        unknown, start and end that of <|endoftext|>.

    Raises:
        ValueError: If a byte has no piece.
    """
    ids = tokenizer.vocabulary
    pieces = [name for name in sorted(ids, key=ids.get) if name != _GPT2_END]
    missing = sorted(byte_letters().keys() - ids.keys())
    if missing:
        raise refused(
            f"decoder_tokenizer without the piece {missing[0]!r}",
            "one with a piece for each byte",
        )
    merges = [merge.split(" ") for merge in tokenizer.merges]
    adds_space = bool(tokenizer.add_prefix_space)
    config = BytePairs(pieces, merges, adds_space).config
    return (
        SubwordVocabulary("bytepairs", config),
        [ids[name] for name in [*4 * [_GPT2_END], *pieces]],
    )


def embedding_rows(backbone: Any, ids: list[int], argument: str) -> np.ndarray:
    """The vectors of ids, [len(ids), H].

    Args:
        backbone: Of keras-hub.
        ids: Of its tokenizer.
        argument: How the tokenizer is called.

    Raises:
        ValueError: If the tokenizer has ids that the backbone has not.
    """
    if max(ids) >= backbone.vocabulary_size:
        raise refused(
            f"{argument} with the id {max(ids)} and a backbone of "
            f"vocabulary_size={backbone.vocabulary_size}",
            "the tokenizer of the backbone",
        )
    matrix, *_ = backbone.token_embedding.get_weights()
    return matrix[ids]


def encoder_like(backbone: Any, num_ids: int, dtype: Any) -> BertEncoder:
    """An encoder of a `BertBackbone`'s sizes, for so many ids."""
    return BertEncoder(
        num_ids,
        units=backbone.hidden_dim,
        num_layers=backbone.num_layers,
        num_heads=backbone.num_heads,
        intermediate_dim=backbone.intermediate_dim,
        max_positions=backbone.max_sequence_length,
        dtype=dtype,
    )


def decoder_like(backbone: Any, dtype: Any) -> GPT2Decoder:
    """A decoder of a `GPT2Backbone`'s sizes."""
    return GPT2Decoder(
        units=backbone.hidden_dim,
        num_layers=backbone.num_layers,
        num_heads=backbone.num_heads,
        intermediate_dim=backbone.intermediate_dim,
        max_positions=backbone.max_sequence_length,
        dtype=dtype,
    )


def copy_to_encoder(
    encoder: BertEncoder, backbone: Any, rows: np.ndarray
) -> None:
    """Give an encoder the weights of the backbone that it is like.

    Args:
        encoder: A built one.
        backbone: A `BertBackbone`.
        rows: Of the embedding, as the encoder's ids are.
    """
    for layer in encoder.backbone.layers:
        weights = backbone.get_layer(layer.name).get_weights()
        if layer.name == "token_embedding":
            weights = [rows]
        elif layer.name == "segment_embedding":
            weights = [weights[0][:1]]
        layer.set_weights(weights)


def copy_to_decoder(decoder: GPT2Decoder, backbone: Any) -> None:
    """Give a decoder the weights of the backbone that it is like.

    Args:
        decoder: A built one.
        backbone: A `GPT2Backbone`; its embedding of tokens is the model's.
    """
    pairs = [
        (decoder.of_positions, backbone.position_embedding),
        (decoder.norm, backbone.layer_norm),
    ]
    layers = [block.layer for block in decoder.blocks]
    pairs += zip(layers, backbone.transformer_layers, strict=True)
    for mine, theirs in pairs:
        mine.set_weights(theirs.get_weights())


def make_unlikely(output_layer: VocabularyLogLikelihood, token: int) -> None:
    """Give a token no probability to speak of, by the bias of a softmax."""
    bias = output_layer.bias.numpy()
    bias[token] = _UNLIKELY
    output_layer.bias.assign(bias)
