"""Likelihoods per word and per byte of the texts as they were read.

They do not depend on what the texts are split into, so that models with other
vocabularies can be compared; the end of a text counts as a word and as a byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.text_size import TextSize

# Figures in nats per sequence, minus the cost, and what sets them apart.
_LIKELIHOODS = {
    "log_likelihood": "",
    "elbo": "",
    "all_kl_bound": "every KL charged",
    "single_latent_bound": "single latent",
    "importance_weighted_bound": "importance-weighted",
}
# With it, these are bounds of no likelihood.
_RECONSTRUCTION = ("log_likelihood", "elbo")


def per_text(
    results: Mapping[str, Any], size: TextSize | None
) -> dict[str, Any]:
    """Costs of texts, in units that they have before they are split.

    Args:
        results: Of `likelihood_report`, in nats per sequence.
        size: Of all sequences together; None where it is not known, or where
            sequences are no whole texts.

    Returns:
        `text_words` and `text_bytes`; of each likelihood and bound,
        `<name>_nats_per_word` and `<name>_bits_per_byte`. Nothing without
        a size.

    Example:
        >>> results = {"likelihood_kind": "exact", "log_likelihood": -7.0}
        >>> size = TextSize(texts=2, words=5, bytes=12)
        >>> for name, value in per_text(results, size).items():
        ...     print(name, round(value, 4))
        text_words 5
        text_bytes 12
        log_likelihood_nats_per_word 2.0
        log_likelihood_bits_per_byte 1.4427
    """
    if size is None:
        return {}
    found: dict[str, Any] = {
        "text_words": size.words,
        "text_bytes": size.bytes,
    }
    for name in _likelihoods(results):
        nats = -results[name] * size.texts
        bits = nats / np.log(2)
        found[f"{name}_nats_per_word"] = float(nats / size.words_and_ends)
        found[f"{name}_bits_per_byte"] = float(bits / size.bytes_and_ends)
    return found


def _likelihoods(results: Mapping[str, Any]) -> list[str]:
    is_likelihood = results["likelihood_kind"] != "reconstruction"
    return [
        name
        for name in _LIKELIHOODS
        if name in results and (is_likelihood or name not in _RECONSTRUCTION)
    ]


def text_lines(results: Mapping[str, Any]) -> dict[str, str]:
    """What `per_text` has found, by what it is called in a table.

    Args:
        results: Of `likelihood_report`.

    Returns:
        Names and values of lines; none where nothing was found.

    Example:
        >>> results = {"likelihood_kind": "exact", "log_likelihood": -7.0}
        >>> results |= {"unknown_share": 0.031, "unit": "word"}
        >>> results |= per_text(results, TextSize(texts=2, words=5, bytes=12))
        >>> for name, line in text_lines(results).items():
        ...     print(f"{name}: {line}")
        text: 5 words, 12 bytes
        per word of it: 2.000 nats, of the text with 3.1 % unknown
        per byte of it: 1.443 bits, of the text with 3.1 % unknown
    """
    if "text_words" not in results:
        return {}
    words, count = results["text_words"], results["text_bytes"]
    lines = {"text": f"{counted(words, 'word')}, {counted(count, 'byte')}"}
    names = _likelihoods(results)
    for unit, measure in (("word", "nats"), ("byte", "bits")):
        values = [
            f"{results[f'{name}_{measure}_per_{unit}']:z.3f} {measure}"
            f" {_LIKELIHOODS[name]}".rstrip()
            for name in names
        ]
        if values:
            lines[f"per {unit} of it"] = "; ".join(values) + unknown_text(
                results
            )
    return lines


def unknown_text(results: Mapping[str, Any]) -> str:
    """What a likelihood is of, if words of the texts are unknown.

    Example:
        >>> unknown_text({"unknown_share": 0.25})
        ', of the text with 25.0 % unknown'
        >>> unknown_text({"unknown_share": 0.0})
        ''
    """
    share = results.get("unknown_share", 0.0)
    return f", of the text with {100 * share:.1f} % unknown" if share else ""


def perplexity_name(results: Mapping[str, Any]) -> str:
    """A perplexity is one of predicted tokens, whatever these are.

    Example:
        >>> perplexity_name({"unit": "subword"}), perplexity_name({})
        ('perplexity per subword', 'perplexity')
    """
    unit = results.get("unit")
    return "perplexity" if unit is None else f"perplexity per {unit}"
