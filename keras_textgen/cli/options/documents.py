"""Models that classify documents."""

import dataclasses

from keras_textgen.cli.setting import choice, integer, path, switch


@dataclasses.dataclass(frozen=True)
class DocumentOptions:
    """How much of a document is read, and pretrained vectors of words."""

    word_vectors: str | None = path(
        "data",
        "Text file of GloVe or word2vec, with which the embedding begins.",
        takes=("documents",),
    )
    own_word_vectors: bool | None = switch(
        "data",
        "The embedding begins with vectors of the training texts' words, by "
        "their classes and by what stands beside them; a word that is in the "
        "file of --word_vectors, too, has that vector.",
        default=False,
        takes=("documents",),
    )
    max_sentences: int | None = integer(
        "model",
        "Of a document, the first so many are read.",
        takes=("documents",),
        argument="max_sentences",
    )
    max_words: int | None = integer(
        "model",
        "Of a sentence, the first so many are read.",
        takes=("documents",),
        argument="max_words",
    )
    sentence_rule: str | None = choice(
        "model",
        "How texts are cut into sentences: graph, as SavedModels do, or "
        "sentencex, as models did that were trained before.",
        ("graph", "sentencex"),
        takes=("documents",),
        argument="sentence_rule",
    )
