"""A small corpus, hard texts, and how they read once they are normalized."""

import re
import unicodedata

import pytest

from keras_textgen.data.characters import normalize_text

TEXTS = [
    "The cat sat on the mat.",
    "A hat and another hat, the mat saw!",
    "And the unheard-of hats: 1,000 of them.",
    "Naïve cafés sell crème brûlée.",
    "Вот кот на окне.",
] * 12

HARD = [
    "",
    " ",
    "the cat",
    "  The \t cat\nsat ",
    "cafe\u0301s and cafés",
    "a\u00adb\u200bc\ufeffd",
    "no\u00a0break \u2003 em",
    "zero\0byte and \x07 bell",
    "日本語のテキスト。",
    "한국어 \u1112\u1161\u11ab",
    "مرحبا \u200c بالعالم",
    "👩\u200d👩\u200d👧 🇩🇪 👍🏽 ☃",
    "<s> </s> <unk> <pad> <0x41> [UNK]",
    "\u2581low\u2581block\u2581",
    "ﬁne ½ ² Ⅷ \uff46\uff55\uff4c\uff4c",
    "Σίσυφος ΣΊΣΥΦΟΣ İstanbul ẞ",
    "\U0001d518\U00010348 \U0010fffd",
    "a" * 300,
    "..., ?!",
]


def normalized(text: str) -> str:
    """A text as subwords put it together again, by Python alone."""
    spaces = "\u2581\0"
    text = normalize_text("".join(" " if c in spaces else c for c in text))
    kept = (
        " " if unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc") else c
        for c in text
    )
    return re.sub(" +", " ", "".join(kept)).strip(" ")


def need_packages() -> None:
    """Skips what needs the extra `subwords` where it is missing."""
    for package in ("tensorflow_text", "sentencepiece"):
        pytest.importorskip(package, reason="the extra subwords is missing")
