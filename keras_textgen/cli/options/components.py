"""What models read and write with: recurrent layers or transformers."""

import dataclasses

from keras_textgen.cli.setting import Needs, choice, integer, switch

KINDS = ("recurrent", "transformer")
# Models whose code enters a decoder of a chosen kind; those with an encoder of
# a chosen kind, with such a decoder, and with one of the two.
_CODED = ("single_latent", "sparse")
_READERS = (*_CODED, "documents")
_WRITERS = (*_CODED, "lstm_lm")
_EITHER = (*_WRITERS, "documents")


def _needing(kind: str, *parts: str) -> tuple[Needs, ...]:
    """That one of the parts is of a kind."""
    return tuple((part, (kind,)) for part in parts)


RECURRENT = _needing("recurrent", "encoder", "decoder")
RECURRENT_DECODER = _needing("recurrent", "decoder")
TRANSFORMER = _needing("transformer", "encoder", "decoder")
TRANSFORMER_DECODER = _needing("transformer", "decoder")


@dataclasses.dataclass(frozen=True)
class ComponentOptions:
    """Encoder and decoder, and the sizes of those that are transformers."""

    encoder: str | None = choice(
        "model",
        "What reads (of han, the words of a sentence): recurrent layers, or "
        "attention in both directions.",
        KINDS,
        default="recurrent",
        takes=_READERS,
        in_preset=True,
    )
    decoder: str | None = choice(
        "model",
        "What writes: recurrent layers, or attention to what was written.",
        KINDS,
        default="recurrent",
        takes=_WRITERS,
        in_preset=True,
    )
    transformer_layers: int | None = integer(
        "model",
        "Blocks of a transformer.",
        takes=_EITHER,
        needs_one=TRANSFORMER,
        in_preset=True,
    )
    transformer_heads: int | None = integer(
        "model",
        "Heads of attention of a transformer.",
        takes=_EITHER,
        needs_one=TRANSFORMER,
        in_preset=True,
    )
    transformer_units: int | None = integer(
        "model",
        "Width of a transformer, a multiple of its heads.",
        takes=_EITHER,
        needs_one=TRANSFORMER,
        in_preset=True,
    )
    positions: str | None = choice(
        "model",
        "How a transformer tells positions: rotary, by distance (Su et al. "
        "2021), or learned vectors.",
        ("rotary", "learned"),
        takes=_EITHER,
        needs_one=TRANSFORMER,
        in_preset=True,
    )
    latent_injection: str | None = choice(
        "model",
        "How a code enters a transformer: as keys and values that are read at "
        "each layer, added to the embeddings (both Li et al. 2020), or by an "
        "attention of its own to latent tokens.",
        ("memory", "embedding", "cross_attention"),
        takes=_CODED,
        needs_one=TRANSFORMER_DECODER,
        in_preset=True,
    )
    tied_embeddings: bool | None = switch(
        "model",
        "Let the matrix of the embedding be that of the softmax, too; it needs "
        "a decoder that is as wide.",
        takes=("text",),
        argument="tied_embeddings",
        in_preset=True,
    )
