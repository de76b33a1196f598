"""The report of a text model: its samples, and where it fails."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer

from keras_textgen.checks import counted
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.views import TokenIds
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.pages.charts import bar_chart, line_chart
from keras_textgen.pages.report_page import Panel, Table
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.generating import (
    sample_texts,
    shown_text,
    written_texts,
)
from keras_textgen.tasks.reports.codes import Looked, code_panels
from keras_textgen.tasks.reports.sparse_codes import sparse_panel
from keras_textgen.tokens import PAD_ID

# Texts that are looked at.
_TEXTS = 2000
# Those whose losses are computed at a time.
_AT_ONCE = 100
_SAMPLES, _WORST = 20, 15


def text_panels(task: Task, model: Any) -> list[Panel]:
    """Panels of a text model.

    Args:
      task: of the run, with its corpus of token ids.
      model: trained.

    Returns:
      Panels; those of codes only for a model that has some.
    """
    corpus = task.corpus
    chosen = spread_rows(corpus.test.nrows().numpy(), _TEXTS)
    tokens = tf.gather(corpus.test, chosen)
    padded, losses = _token_losses(model, tokens)
    is_word = padded[:, 1:] != PAD_ID
    lengths = is_word.sum(axis=1)
    sums = (losses * is_word).sum(axis=1)
    looked = Looked(
        tokens,
        written_texts(corpus, tokens),
        _columns(corpus, chosen, sums / lengths),
    )
    panels = []
    if isinstance(model, LatentTextModel):
        panels += code_panels(task.settings, model, looked)
    if isinstance(model, SparseTextModel):
        panels.append(sparse_panel(model, corpus))
    if not isinstance(model, LatentTextModel) or model.has_prior:
        training = written_texts(corpus, corpus.train)
        panels.append(samples_panel(model, training, task))
    return [
        *panels,
        Panel(
            "By position",
            "Mean loss of the word at each place, in nats; of a model with "
            "latent variables, given the mean code, so without the KL term.",
            [_by_position(losses, is_word)],
        ),
        Panel(
            "By length",
            "Perplexity of texts of each length, by the same losses.",
            [_by_length(sums, lengths)],
        ),
        Panel(
            "The worst texts",
            "Test texts of the highest loss a word, in nats.",
            [_worst(sums / lengths, lengths, looked.texts)],
        ),
    ]


def _columns(
    corpus: TokenIds, chosen: np.ndarray, losses: np.ndarray
) -> dict[str, list[Any]]:
    """What else is known of the chosen test texts, by what it is called."""
    columns: dict[str, list[Any]] = {}
    if corpus.labels:
        numbers = np.asarray(corpus.labels["test"])[chosen]
        columns["label"] = [str(corpus.label_names[each]) for each in numbers]
    if "test" in corpus.names:
        columns["name"] = [corpus.names["test"][each] for each in chosen]
    if "test" in corpus.times:
        columns["time"] = corpus.times["test"][chosen].tolist()
    columns["nats a word"] = [round(float(each), 3) for each in losses]
    return columns


# -- Samples ------------------------------------------------------------------


def samples_panel(model: Any, training: Sequence[str], task: Task) -> Panel:
    """Samples, how likely they are, and what they are nearest to."""
    settings = task.settings
    samples = sample_texts(settings, model, _SAMPLES, settings.seed)
    likelihoods = _log_likelihoods(model, samples)
    nearest, similarity = nearest_texts(samples, training)
    rows = [
        [shown_text(sample), float(score), training[near], float(alike)]
        for sample, score, near, alike in zip(
            samples, likelihoods, nearest, similarity, strict=True
        )
    ]
    return Panel(
        "Samples",
        "Log-likelihoods in nats, by the model itself (for a model with latent "
        "variables, an importance-weighted bound of 20 samples), and for each "
        "sample the training text of the most similar words, by the cosine of "
        "tf-idf.",
        [
            Table(
                ["sample", "log-likelihood", "nearest training text", "cosine"],
                rows,
            )
        ],
        copies_found(samples, training),
    )


def copies_found(samples: Sequence[str], training: Sequence[str]) -> list[str]:
    """Which samples are training texts, to the letter.

    Example:
    >>> copies_found(["a rose", "a tulip"], ["a rose"])
    ['1 of 2 samples copies a training text: "a rose".']
    """
    known = set(training)
    copies = [sample for sample in samples if sample in known]
    if not copies:
        return []
    verb, noun = ("copies", "text") if len(copies) == 1 else ("copy", "texts")
    listed = ", ".join(f'"{each}"' for each in copies[:5])
    article = "a training" if len(copies) == 1 else "training"
    return [
        f"{len(copies)} of {counted(len(samples), 'sample')} {verb} {article} "
        f"{noun}: {listed}."
    ]


def nearest_texts(
    texts: Sequence[str], others: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Of other texts, the one of the most similar words, for each text.

    Args:
      texts: N texts.
      others: where to look.

    Returns:
      int [N], their places; float [N], the cosines of tf-idf.

    Example:
    >>> places, cosines = nearest_texts(["a red rose"], ["sea", "red rose a"])
    >>> places.tolist(), cosines.round(6).tolist()
    ([1], [1.0])
    """
    words = TfidfVectorizer(token_pattern=r"\S+")
    there = words.fit_transform(others)
    cosines = (words.transform(texts) @ there.T).tocsr()
    places = np.asarray(cosines.argmax(axis=1)).ravel()
    return places, np.asarray(cosines.max(axis=1).todense()).ravel()


def _log_likelihoods(model: Any, texts: Sequence[str]) -> np.ndarray:
    if model.likelihood_kind == "exact":
        return model.log_likelihood(list(texts))
    return model.log_likelihood(list(texts), num_samples=20)


# -- Failures ------------------------------------------------------------------


def _token_losses(
    model: Any, tokens: tf.RaggedTensor
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens [N, time] and the loss of each but the first, [N, time - 1]."""
    padded = tokens.to_tensor().numpy()
    losses = np.zeros([len(padded), padded.shape[1] - 1], np.float32)
    for start in range(0, len(padded), _AT_ONCE):
        # Padded to the longest of these alone.
        batch = tokens[start : start + _AT_ONCE].to_tensor()
        found = _batch_losses(model, batch)
        losses[start : start + _AT_ONCE, : found.shape[1]] = found
    return padded, losses


def _batch_losses(model: Any, tokens: tf.Tensor) -> np.ndarray:
    if isinstance(model, LatentTextModel):
        state = model.initial_state(model.encode_tokens(tokens))
    else:
        state = model.generation_state(tf.shape(tokens)[0], None)
    hidden = model.decode_hidden(state, tokens, None)
    return -model.output_layer(hidden, tokens[:, 1:]).numpy()


def _by_position(losses: np.ndarray, is_word: np.ndarray) -> Any:
    counts = is_word.sum(axis=0)
    # The last places are those of a few long texts.
    enough = np.flatnonzero(counts >= max(5, len(losses) // 100))
    means = (losses * is_word).sum(axis=0)[enough] / counts[enough]
    rows = [
        {"position": int(place) + 1, "nats": float(mean)}
        for place, mean in zip(enough, means, strict=True)
    ]
    return line_chart(rows, "position", "nats")


def _by_length(sums: np.ndarray, lengths: np.ndarray) -> Any:
    rows = []
    for length in np.unique(lengths):
        here = lengths == length
        rows.append(
            {
                "words": int(length),
                "perplexity": float(np.exp(sums[here].mean() / length)),
                "texts": int(here.sum()),
            }
        )
    return bar_chart(rows, "words", "perplexity", ["texts"])


def _worst(
    means: np.ndarray, lengths: np.ndarray, texts: Sequence[str]
) -> Table:
    order = np.argsort(-means, kind="stable")[:_WORST]
    rows = [[float(means[i]), int(lengths[i]), texts[i]] for i in order]
    return Table(["nats a word", "words", "text"], rows)
