"""What a corpus is prepared with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_textgen.checks import (
    SIZES,
    Numbers,
    OneOf,
    WholeNumbers,
    check,
    refused,
)
from keras_textgen.cli.refusals import NO_VALUES
from keras_textgen.data.cell_columns import (
    DUPLICATES,
    TABLE_FIELDS,
    check_duplicates,
)

__all__ = ["DUPLICATES", "CellSettings", "PrepareSettings", "settings_of"]

TOKENIZERS = ("word", "character", "subword")
WORDS = ("all", "topical")
SENTENCE_RULES = ("graph", "sentencex")
_SHARES = Numbers(above=0, below=1)
# Of a split that is to be shown whole in a salt.
_SEEDS = WholeNumbers(0, 10**15)


@dataclasses.dataclass(frozen=True)
class PrepareSettings:
    """What decides on the bytes that are written.

    Attributes:
        input: a file, a folder or a pattern.
        text_column: of tables; None for `text` or what others call it.
        label_column: of tables; None for no labels.
        tokenizer: what a token is, `"word"`, `"character"` or `"subword"`.
        vocab_size: largest size of the vocabulary, the four special tokens
            included; of subwords, its size. None for all words, or for 8,000
            subwords.
        min_count: words that occur less often are unknown.
        words: `"all"`; or `"topical"`, those that say what a text is about,
            for topic models: the others are unknown.
        sentence_rule: `"graph"` or `"sentencex"`, how documents are cut into
            sentences, for HAN; None for texts that are not cut.
        max_length: texts of more tokens are left out, and counted; None for no
            limit.
        valid_share: of the texts, for validation.
        test_share: of the texts, for the test.
        split_seed: of the split.
        max_bad: so many records that cannot be used are set aside; one more
            ends the preparation.

    Raises:
        ValueError: one of them is not allowed.

    Example:
        >>> PrepareSettings("a.txt", valid_share=0.5, test_share=0.5)
        Traceback (most recent call last):
        ValueError: valid_share=0.5 and test_share=0.5 leave no texts to train \
on; allowed: less than 1 together
    """

    input: str
    text_column: str | None = None
    label_column: str | None = None
    tokenizer: str = "word"
    vocab_size: int | None = None
    min_count: int = 1
    words: str = "all"
    sentence_rule: str | None = None
    max_length: int | None = None
    valid_share: float = 0.05
    test_share: float = 0.05
    split_seed: int = 0
    max_bad: int = 0

    def __post_init__(self) -> None:
        check(OneOf(TOKENIZERS), tokenizer=self.tokenizer)
        check(OneOf(WORDS), words=self.words)
        check(OneOf((None, *SENTENCE_RULES)), sentence_rule=self.sentence_rule)
        check(SIZES, min_count=self.min_count)
        _check_common(self, "texts")
        if self.vocab_size is not None:
            check(WholeNumbers(5), vocab_size=self.vocab_size)
        if self.max_length is not None:
            check(SIZES, max_length=self.max_length)
        if self.sentence_rule is not None and self.label_column is None:
            raise refused(
                f"sentence_rule={self.sentence_rule} without label_column",
                "both, for documents with their classes",
            )
        for name, default in (("min_count", 1), ("words", "all")):
            value = getattr(self, name)
            if self.tokenizer == "subword" and value != default:
                raise refused(
                    f"{name}={value} with tokenizer=subword, which spells "
                    "all words",
                    "tokenizer=word or character",
                )


@dataclasses.dataclass(frozen=True)
class CellSettings:
    """What decides on the bytes that are written of the cells of a matrix.

    Attributes:
        input: a file, a folder or a pattern, of tables.
        row_column: with the ids of rows.
        column_column: with the ids of columns.
        value_column: with the values; `"none"` makes each a 1.
        duplicates: `"first"`, `"last"`, `"mean"` or `"sum"`: what becomes of a
            pair of row and column that is given again; None refuses it.
        valid_share: of the cells, for validation.
        test_share: of the cells, for the test.
        split_seed: of the split.
        max_bad: as in `PrepareSettings`.

    Raises:
        ValueError: one of them is not allowed.

    Example:
        >>> CellSettings("a.csv", value_column="none").fields
        ('user', 'item', None)
    """

    input: str
    row_column: str = TABLE_FIELDS[0]
    column_column: str = TABLE_FIELDS[1]
    value_column: str = TABLE_FIELDS[2]
    duplicates: str | None = None
    valid_share: float = 0.05
    test_share: float = 0.05
    split_seed: int = 0
    max_bad: int = 0

    def __post_init__(self) -> None:
        check_duplicates(self.duplicates)
        _check_common(self, "cells")

    @property
    def fields(self) -> tuple[str, str, str | None]:
        """The columns of tables, as `Fields` of `data.table_cells`."""
        value = None if self.value_column == NO_VALUES else self.value_column
        return self.row_column, self.column_column, value


def settings_of(
    input: str, given: Mapping[str, Any]
) -> PrepareSettings | CellSettings:
    """The settings of texts; or of cells, if one that only these have is given.

    Args:
        input: a file, a folder or a pattern.
        given: settings by name; None and defaults are as good as none.

    Raises:
        ValueError: one of them is not allowed, or they are of both kinds.

    Example:
        >>> settings_of("a.csv", {"row_column": "who"}).fields
        ('who', 'item', 'rating')
        >>> settings_of("a.csv", {"row_column": "who", "min_count": 2})
        Traceback (most recent call last):
        ValueError: min_count=2 with row_column=who; allowed: settings of \
texts, or of cells
    """
    given = {name: each for name, each in given.items() if each is not None}
    of_texts, of_cells = (
        {each.name: each.default for each in dataclasses.fields(kind)}
        for kind in (PrepareSettings, CellSettings)
    )
    unknown = [*given.keys() - of_texts.keys() - of_cells.keys()]
    if unknown:
        raise refused(
            f"{min(unknown)}={given[min(unknown)]}",
            ", ".join(sorted({*of_texts, *of_cells} - {"input"})),
        )
    cells = [name for name in given if name not in of_texts]
    if not cells:
        return PrepareSettings(input, **given)
    for name, value in given.items():
        if name not in of_cells and value != of_texts[name]:
            raise refused(
                f"{name}={value} with {cells[0]}={given[cells[0]]}",
                "settings of texts, or of cells",
            )
    return CellSettings(
        input, **{name: given[name] for name in given if name in of_cells}
    )


def _check_common(settings: PrepareSettings | CellSettings, what: str) -> None:
    """Refuses shares, a seed or a number of bad records that cannot be."""
    check(WholeNumbers(0), max_bad=settings.max_bad)
    check(_SEEDS, split_seed=settings.split_seed)
    shares = {
        name: getattr(settings, name) for name in ("valid_share", "test_share")
    }
    check(_SHARES, **shares)
    if sum(shares.values()) >= 1:
        given = " and ".join(f"{k}={v}" for k, v in shares.items())
        raise refused(
            f"{given} leave no {what} to train on", "less than 1 together"
        )
