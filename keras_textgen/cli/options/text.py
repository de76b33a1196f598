"""Models that read words one after another, and what they generate."""

import dataclasses

from keras_textgen.cli.modes import JUDGING, WITH_DATA
from keras_textgen.cli.options.components import RECURRENT
from keras_textgen.cli.setting import choice, integer, number, switch

# Their sentences are read by recurrent layers, whatever reads the words.
SENTENCES = ("documents",)
# What samples texts, and what decodes codes.
_SAMPLING = (*WITH_DATA, "generate")
_DECODING = ("reconstruct", "interpolate")


@dataclasses.dataclass(frozen=True)
class TextOptions:
    """Recurrent layers, exact and bounded likelihoods, generated texts."""

    embedding_dim: int | None = integer(
        "model",
        "Width of a word's embedding; for dmf, of the embedding of an id.",
        takes=("recurrent", "matrices"),
        argument={
            "recurrent": ("embedding_dim",),
            "matrices": ("row_dim", "col_dim"),
        },
        in_preset=True,
    )
    rnn_type: str | None = choice(
        "model",
        "Recurrent cell; block and basic are both LSTMs.",
        ("block", "basic", "gru"),
        takes=("any_cell",),
        needs_one=RECURRENT,
        needs_nothing=SENTENCES,
        argument="rnn_type",
        in_preset=True,
    )
    rnn_units: int | None = integer(
        "model",
        "Width of a recurrent layer.",
        takes=("recurrent",),
        needs_one=RECURRENT,
        needs_nothing=SENTENCES,
        argument="rnn_units",
        in_preset=True,
    )
    num_layers: int | None = integer(
        "model",
        "Recurrent layers in each stack.",
        takes=("text",),
        needs_one=RECURRENT,
        argument="num_layers",
        in_preset=True,
    )
    dropout: float | None = number(
        "model",
        "Share of the decoder's embedded inputs, and of its outputs, that is "
        "dropped in training; for prodlda, of the encoder's output and of the "
        "shares of topics.",
        high=0.99,
        takes=("recurrent", "prodlda"),
        argument="dropout",
    )
    attention_units: int | None = integer(
        "model",
        "Width of the attention over words.",
        takes=("attention",),
        argument="attention_units",
        in_preset=True,
    )
    generated_length: int | None = integer(
        "model",
        "Generated texts end after this many words at the latest.",
        takes=("text",),
        # On the command line, --max_length is of what is read.
        argument="max_length",
    )
    word_keep_rate: float | None = number(
        "collapse",
        "Rate at which the decoder sees the true previous word in training; "
        "1 is no word dropout, 0 is inputless (Bowman et al. 2016).",
        high=1.0,
        takes=("recurrent",),
        argument="word_keep_rate",
    )
    inputless: bool | None = switch(
        "collapse",
        "The decoder never sees the true previous words, nor in "
        "evaluation (Bowman et al. 2016): the same as --word_keep_rate=0.",
        default=False,
        takes=("text",),
    )
    importance_samples: int | None = integer(
        "evaluation",
        "Samples per sequence in the importance-weighted bound; 0 leaves "
        "the bound out.",
        low=0,
        default=500,
        role="stored",
        modes=(*JUDGING, "score"),
        takes=("text",),
    )
    num_samples: int | None = integer(
        "generation",
        "Sentences to generate from the prior.",
        default=5,
        role="stored",
        modes=(*JUDGING, "generate"),
        takes=("text",),
    )
    sampling_temperature: float | None = number(
        "generation",
        "Below 1 samples are more alike, above 1 less.",
        above=True,
        default=1.0,
        role="stored",
        modes=_SAMPLING,
        takes=("text",),
    )
    top_k: int | None = integer(
        "generation",
        "Sample among the so many likeliest words; 0: among all.",
        low=0,
        default=0,
        role="stored",
        modes=_SAMPLING,
        takes=("text",),
    )
    top_p: float | None = number(
        "generation",
        "Sample among the likeliest words that together have this "
        "probability; 1: among all.",
        high=1.0,
        above=True,
        default=1.0,
        role="stored",
        modes=_SAMPLING,
        takes=("text",),
    )
    beam_width: int | None = integer(
        "generation",
        "Beam width of reconstructions.",
        default=5,
        takes=("latent_text",),
        role="stored",
        modes=(*JUDGING, *_DECODING),
    )
    ban_unknown: bool | None = switch(
        "generation",
        "Never generate the unknown word.",
        default=True,
        role="stored",
        modes=(*_SAMPLING, *_DECODING),
        takes=("text",),
    )
