"""The report of a text model: its codes, its texts, and where it fails."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer

from keras_textgen.checks import by_number, counted
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.views import TokenIds
from keras_textgen.decoding.interpolation import homotopy
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.text_model import decoded_strings
from keras_textgen.pages.charts import Chart, bar_chart, line_chart, scatter
from keras_textgen.pages.projection import TSNE_NAME, plane, project
from keras_textgen.pages.report_page import Panel, Table
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.reports.common import shortened
from keras_textgen.tokens import PAD_ID

# Texts that are looked at, and of these, those on the map.
_TEXTS, _POINTS = 2000, 1000
# Those whose losses are computed at a time.
_AT_ONCE = 100
# A dimension varies less than this (Burda et al. 2016, section 5.2).
_DEAD_BELOW = 0.01
_SAMPLES, _WORST, _PAIRS, _STEPS = 20, 15, 3, 5
_DIMENSIONS, _MOVES = 3, (-2.0, -1.0, 0.0, 1.0, 2.0)


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
    texts = _texts(corpus, tokens)
    panels = []
    if isinstance(model, LatentTextModel):
        codes = model.encode(tokens)
        labels = _labels(corpus, chosen)
        panels += [
            dimensions_panel(codes[:, model.latent_columns]),
            _map_panel(codes, texts, labels, task.settings.seed),
            _movement_panel(model, codes),
            _interpolation_panel(model, codes, texts),
        ]
    if not isinstance(model, LatentTextModel) or model.has_prior:
        panels.append(samples_panel(model, _training_texts(corpus), task))
    panels += _failure_panels(model, tokens, texts)
    return panels


def _texts(corpus: TokenIds, tokens: tf.RaggedTensor) -> list[str]:
    return decoded_strings(corpus.vocabulary.to_text(tokens.to_tensor()))


def _training_texts(corpus: TokenIds) -> list[str]:
    texts: list[str] = []
    for start in range(0, corpus.train.nrows(), _TEXTS):
        texts += _texts(corpus, corpus.train[start : start + _TEXTS])
    return texts


def _labels(corpus: TokenIds, chosen: np.ndarray) -> list[str] | None:
    if not corpus.labels:
        return None
    numbers = np.asarray(corpus.labels["test"])[chosen]
    return [str(corpus.label_names[number]) for number in numbers]


# -- Codes --------------------------------------------------------------------


def dimensions_panel(means: np.ndarray) -> Panel:
    """How much each dimension of the codes varies, and which do not.

    Args:
      means: of the latent variables of texts, float [N, D].

    Returns:
      The panel; its findings name the dimensions that are dead.

    Example:
    >>> means = np.array([[0.0, 1.0], [2.0, 1.0]])
    >>> dimensions_panel(means).findings
    ['1 of 2 dimensions is the same for all texts: 2.']
    """
    variances = np.var(means, axis=0, dtype=float)
    order = np.argsort(-variances, kind="stable")
    rows = [
        {"dimension": str(number + 1), "variance": float(variances[number])}
        for number in order
    ]
    dead = np.flatnonzero(variances < _DEAD_BELOW) + 1
    findings = []
    if len(dead):
        verb = by_number(len(dead), "is", "are")
        findings.append(
            f"{len(dead)} of {counted(len(variances), 'dimension')} {verb} "
            f"the same for all texts: {', '.join(map(str, dead))}."
        )
    return Panel(
        "Dimensions of the code",
        "Variance of each latent variable's mean over test texts. One below "
        f"{_DEAD_BELOW:g} tells nothing of a text.",
        [bar_chart(rows, "dimension", "variance")],
        findings,
    )


def _map_panel(
    codes: np.ndarray,
    texts: Sequence[str],
    labels: list[str] | None,
    seed: int,
) -> Panel:
    shown = spread_rows(len(codes), _POINTS)
    by = "words" if labels is None else "label"
    tooltip = ["text", "words"] + (["label"] if labels is not None else [])

    def chart(points: np.ndarray) -> Chart:
        rows = []
        for place, (x, y) in zip(shown, points, strict=True):
            text = texts[place]
            rows.append(
                {
                    "x": round(float(x), 4),
                    "y": round(float(y), 4),
                    "words": len(text.split()),
                    "text": shortened(text),
                }
            )
            if labels is not None:
                rows[-1]["label"] = labels[place]
        return scatter(rows, by, tooltip)

    charts = [chart(plane(codes[shown]))]
    ways = "by the two directions in which their codes differ most (principal "
    ways += "components)"
    neighbors, method = project(codes[shown], seed)
    if method == TSNE_NAME:
        charts.append(chart(neighbors))
        ways += f", then by {method}, which keeps neighbors together"
    return Panel(
        "Map of the codes",
        f"Test texts {ways}. Colored by {by}; the pointer shows the text.",
        charts,
    )


def _movement_panel(model: Any, codes: np.ndarray) -> Panel:
    """What becomes of a text when one dimension moves."""
    columns = np.arange(codes.shape[1])[model.latent_columns]
    deviations = codes.std(axis=0)
    most = columns[np.argsort(-deviations[columns], kind="stable")]
    middle = codes.mean(axis=0)
    rows = []
    for column in most[:_DIMENSIONS]:
        moved = np.tile(middle, [len(_MOVES), 1])
        moved[:, column] += np.array(_MOVES) * deviations[column]
        texts = model.decode(moved)
        rows += [
            [f"{column - columns[0] + 1}", f"{move:+g}", text]
            for move, text in zip(_MOVES, texts, strict=True)
        ]
    return Panel(
        "One dimension at a time",
        "From the mean code, the dimensions that vary most are moved by so "
        "many standard deviations, each by itself, and decoded.",
        [Table(["dimension", "moved by", "text"], rows)],
    )


def _interpolation_panel(
    model: Any, codes: np.ndarray, texts: Sequence[str]
) -> Panel:
    ends = spread_rows(len(codes), 2 * _PAIRS)
    rows = []
    for first, last in zip(ends[::2], ends[1::2], strict=False):
        between = homotopy(codes[first], codes[last], _STEPS)[0]
        rows.append(["from", texts[first]])
        rows += [
            [f"{step}/{_STEPS - 1}", text]
            for step, text in enumerate(model.decode(between))
        ]
        rows.append(["to", texts[last]])
    return Panel(
        "Interpolations",
        "Texts that codes on the straight line between those of two test "
        "texts are decoded to (Bowman et al. 2016).",
        [Table(["place", "text"], rows)],
    )


# -- Samples ------------------------------------------------------------------


def samples_panel(model: Any, training: Sequence[str], task: Task) -> Panel:
    """Samples, how likely they are, and what they are nearest to."""
    settings = task.settings
    samples = model.generate(
        _SAMPLES,
        temperature=settings.sampling_temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        ban_unknown=settings.ban_unknown,
        seed=settings.seed,
    )
    likelihoods = _log_likelihoods(model, samples)
    nearest, similarity = nearest_texts(samples, training)
    rows = [
        [sample or "(empty)", float(score), training[near], float(alike)]
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


# -- Failures -----------------------------------------------------------------


def _failure_panels(
    model: Any, tokens: tf.RaggedTensor, texts: Sequence[str]
) -> list[Panel]:
    """Where words are predicted badly: by place, by length, by text."""
    padded, losses = _token_losses(model, tokens)
    is_word = padded[:, 1:] != PAD_ID
    lengths = is_word.sum(axis=1)
    sums = (losses * is_word).sum(axis=1)
    return [
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
            [_worst(sums / lengths, lengths, texts)],
        ),
    ]


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
