"""What a corpus is prepared with."""

from __future__ import annotations

import dataclasses

from keras_textgen.checks import (
    SIZES,
    Numbers,
    OneOf,
    WholeNumbers,
    check,
    refused,
)

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
        check(WholeNumbers(0), max_bad=self.max_bad)
        check(_SEEDS, split_seed=self.split_seed)
        shares = {
            name: getattr(self, name) for name in ("valid_share", "test_share")
        }
        check(_SHARES, **shares)
        if self.vocab_size is not None:
            check(WholeNumbers(5), vocab_size=self.vocab_size)
        if self.max_length is not None:
            check(SIZES, max_length=self.max_length)
        if sum(shares.values()) >= 1:
            given = " and ".join(f"{k}={v}" for k, v in shares.items())
            raise refused(
                f"{given} leave no texts to train on", "less than 1 together"
            )
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
