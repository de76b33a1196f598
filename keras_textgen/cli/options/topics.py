"""Models that find topics in bags of words."""

import dataclasses

from keras_textgen.cli.setting import choice, integer, number, switch


@dataclasses.dataclass(frozen=True)
class TopicOptions:
    """Which words count, and what the codes and topics are like."""

    stop_words: bool | None = switch(
        "data",
        "Leave out the stop words of English. Default: on.",
        takes=("topics",),
    )
    max_share: float | None = number(
        "data",
        "Leave out words that occur in more than this share of the documents.",
        high=1.0,
        above=True,
        takes=("topics",),
    )
    num_topics: int | None = integer(
        "model",
        "Topics; for sae, clusters of codes (K-means). Default: as many as "
        "labels; without labels, one for ten documents, at most 20.",
        takes=("topics",),
        argument="num_topics",
        in_preset=True,
    )
    code_activation: str | None = choice(
        "model",
        "binary: a steep sigmoid; or tanh.",
        ("binary", "tanh"),
        takes=("sae",),
        argument="activation",
        in_preset=True,
    )
    code_steepness: float | None = number(
        "model",
        "Of the sigmoid of binary codes. Default: by the lengths of the "
        "documents.",
        above=True,
        takes=("sae",),
        argument="alpha",
    )
    tied: bool | None = switch(
        "model",
        "One kernel for encoder and decoder.",
        takes=("sae",),
        argument="tied",
        in_preset=True,
    )
    l2: float | None = number(
        "model",
        "sae: weight of the squared kernels. dmf: of the squared embeddings of "
        "ids.",
        takes=("sae", "dmf"),
        argument="l2",
    )
