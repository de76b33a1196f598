"""Models that are served, what is asked of them, and the right answers.

The text models are those of the registry whose checks include the "export".
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.models.topics.prodlda import ProdLDA
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from tests.conformance.registry import (
    EXPORTED,
    TEXTS,
    made,
    tokens_of,
    with_known_weights,
)
from tests.models.tiny_matrices import with_sines
from tests.models.tiny_models import known_values

Arrays = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]

NO_TEXTS = np.array([], np.str_)


class Call(NamedTuple):
    """A call of a served function.

    Attributes:
        how: "function" or "signature".
        name: Of it.
        arguments: By name, in their order.
        expected: The answer, worked out without the SavedModel; or the shapes
            of an answer of no rows; or, of a call that is refused, what the
            error says.
    """

    how: str
    name: str
    arguments: dict[str, Any]
    expected: Callable[[], Arrays] | Shapes | str


class ServedCase(NamedTuple):
    """A model that is served.

    Attributes:
        name: What tests call it.
        model: Makes it, once.
        calls: What it is asked.
        signatures: Of each signature, its inputs and its outputs, name and
            type.
        is_slow: Whether its graphs take long to trace.
    """

    name: str
    model: Callable[[], keras.Model]
    calls: Callable[[keras.Model], list[Call]]
    signatures: Callable[[keras.Model], dict[str, tuple[dict, dict]]]
    is_slow: bool = False


# -- Text models -------------------------------------------------------------

TEXT_BATCHES = [np.array(TEXTS), np.array(["a cat"])]
TOKEN_BATCHES = [tokens_of(4, 1, 0, 6, 2).numpy(), tokens_of(9).numpy()]
WEIGHTING = {"num_samples": 3, "seed": 11}
GENERATION = {"num_texts": 3, "seed": 11}
SAMPLING = {"temperature": 0.7, "top_k": 5, "top_p": 0.9}
NO_TOKENS = [np.zeros(shape, np.int32) for shape in ([0, 5], [0, 1], [0, 0])]
TOO_SHORT = (
    "a row of fewer than 2 tokens; allowed: 2 or more, the start and end "
    "tokens among them"
)


def text_endpoints(model: keras.Model) -> dict[str, dict[str, int]]:
    """Endpoints for texts, and their arguments beside the texts."""
    if not isinstance(model, LatentTextModel):
        return {"score": {}, "log_likelihood": {}}
    endpoints = {"encode": {}, "reconstruct": {}, "score": {}}
    if model.has_prior:
        endpoints["log_likelihood"] = WEIGHTING
    return endpoints


def generates(model: keras.Model) -> bool:
    """Whether there is a distribution to draw texts from."""
    return not isinstance(model, LatentTextModel) or model.has_prior


def text_calls(model: keras.Model) -> list[Call]:
    """Texts and ids, no rows, ids without an end.

    A function and the signature of the same name run the same graph, so not
    every pair is worth its time.
    """
    calls = []

    def ask(how: str, name: str, **arguments: Any) -> None:
        expected = functools.partial(text_answer, model, name, arguments)
        calls.append(Call(how, name, arguments, expected))

    endpoints = text_endpoints(model)
    for name, more in endpoints.items():
        for texts in TEXT_BATCHES:
            ask("function", name, texts=texts, **more)
        for tokens in TOKEN_BATCHES:
            ask("signature", f"{name}_tokens", tokens=tokens, **more)
        shapes = no_text_shapes(model, name)
        given = [("", {"texts": NO_TEXTS})]
        given += [("_tokens", {"tokens": tokens}) for tokens in NO_TOKENS]
        for end, rows in given:
            none = {**rows, **more}
            calls.append(Call("signature", f"{name}{end}", none, shapes))
        short = {"tokens": np.ones([2, 1], np.int32), **more}
        calls.append(Call("signature", f"{name}_tokens", short, TOO_SHORT))
    ask("signature", "score", texts=TEXT_BATCHES[0])
    ask("function", "score", tokens=TOKEN_BATCHES[0])
    if "log_likelihood" in endpoints:
        ask("function", "log_likelihood", texts=TEXT_BATCHES[1])
    if generates(model):
        ask("function", "generate", **GENERATION)
        ask("signature", "generate", **GENERATION, **SAMPLING)
        none = {**GENERATION, "num_texts": 0}
        shapes = {"text": (0,), "tokens": (0, None)}
        calls.append(Call("function", "generate", none, shapes))
    return calls


def no_text_shapes(model: keras.Model, name: str) -> Shapes:
    """Of the answers to no texts; None for a size that says nothing."""
    if name == "encode":
        outputs = text_outputs(model)[name]
        return dict.fromkeys(outputs, (0, model.code_size))
    if name == "reconstruct":
        return {"text": (0,), "tokens": (0, None)}
    return dict.fromkeys(text_outputs(model)[name], (0,))


def text_answer(model: keras.Model, name: str, arguments: dict) -> Arrays:
    """What the model itself answers, without a graph."""
    if name == "generate":
        texts = model.generate(**arguments)
        return {"text": np.array([each.encode() for each in texts], object)}
    data, *weighting = arguments.values()
    is_text = "texts" in arguments
    tokens = model.vocabulary(data) if is_text else tf.constant(data)
    match name.removesuffix("_tokens"):
        case "encode":
            expected = {"code": model.encode_tokens(tokens)}
            if isinstance(model, SparseTextModel):
                expected["mask"] = model.is_on(tokens)
            return expected
        case "reconstruct":
            found = model.reconstruct_tokens(tokens)
            return {"text": model.vocabulary.to_text(found), "tokens": found}
        case "score":
            outputs = model(tokens)
            return {
                name: outputs[name] for name in text_outputs(model)["score"]
            }
        case "log_likelihood" if not isinstance(model, LatentTextModel):
            return {"log_likelihood": model.token_log_likelihood(tokens)}
        case "log_likelihood":
            num_samples, seed = weighting or (100, 0)
            bound = model.importance_weighted_bound(
                tokens, num_samples, tf.constant([model.seed, seed])
            )
            return {"log_likelihood": bound}


def text_outputs(model: keras.Model) -> dict[str, dict[str, str]]:
    """Names and types of what each endpoint gives."""
    is_sparse = isinstance(model, SparseTextModel)
    has_kl = isinstance(model, LatentTextModel)
    written = {"text": "string", "tokens": "int32"}
    return {
        "encode": {"code": "float32"} | ({"mask": "bool"} if is_sparse else {}),
        "reconstruct": written,
        "score": {"nll": "float32"} | ({"kl": "float32"} if has_kl else {}),
        "log_likelihood": {"log_likelihood": "float32"},
        "generate": written,
    }


def text_signatures(model: keras.Model) -> dict[str, tuple[dict, dict]]:
    """As in `ServedCase`."""
    outputs = text_outputs(model)
    signatures = {}
    for name, more in text_endpoints(model).items():
        options = dict.fromkeys(more, "int32")
        for end, given in (
            ("", {"texts": "string"}),
            ("_tokens", {"tokens": "int32"}),
        ):
            signatures[f"{name}{end}"] = given | options, outputs[name]
    if generates(model):
        inputs = dict.fromkeys([*GENERATION, "top_k"], "int32")
        inputs |= dict.fromkeys(["temperature", "top_p"], "float32")
        signatures["generate"] = inputs, outputs["generate"]
    return signatures


# -- Spellings, and ids that arrays are refused for --------------------------

SPELLINGS = [
    "red café rose",
    "Red cafe\u0301 rose",
    "\ufeffred ca\u00adfe\u0301\u200b rose\u200f",
    "red\0café\0rose\0",
]
REFUSED_TOKENS = [
    ([[0, 2, 4, 3]], "padding id 0 before a token; allowed: padding on"),
    ([[2, 7, 3]], "outside the vocabulary; allowed: 1 to 6, and 0 on"),
    ([[2, -4, 3]], "outside the vocabulary"),
    ([[2, 4, 3], [0, 0, 0]], "a row of fewer than 2 tokens; allowed: 2"),
]


@functools.cache
def speller() -> keras.Model:
    """A language model of three words."""
    model = LSTMLanguageModel(
        Vocabulary(["café", "rose", "red"]),
        embedding_dim=2,
        rnn_units=3,
        num_layers=1,
    )
    return with_known_weights(model)


def speller_calls(model: keras.Model) -> list[Call]:
    """One text in many spellings has one score."""

    def nll() -> Arrays:
        nll = model.predict(["red café rose", "red"], verbose=0)["nll"]
        assert abs(nll[0] - nll[1]) > 0.1
        return {"nll": nll[[0, 0, 0, 0, 1]]}

    texts = np.array([*SPELLINGS, "red"], object)
    calls = [Call("function", "score", {"texts": texts}, nll)]
    for tokens, message in REFUSED_TOKENS:
        given = {"tokens": np.array(tokens, np.int32)}
        calls.append(Call("function", "score", given, message))
        name = "log_likelihood_tokens"
        calls.append(Call("signature", name, given, message))
    return calls


# -- HAN ---------------------------------------------------------------------

DOCUMENTS = [
    "The cat sat. Mr. Fox, too! It sat.",
    "",
    "A mat of a cat of a mat",
]
SENTENCES = [["The cat sat.", "Mr. Fox, too!", "..."], ["It sat.", "", ""]]
CLASSES = ("bad", "good")


@functools.cache
def han() -> keras.Model:
    """A network that reads 2 sentences of 5 words."""
    model = HierarchicalAttentionNetwork(
        Vocabulary(["the", "cat", "sat", "a", "mat", "."]),
        CLASSES,
        embedding_dim=3,
        rnn_units=4,
        attention_units=5,
        max_sentences=2,
        max_words=5,
    )
    for phase, weight in enumerate(model.trainable_variables):
        values = np.sin(phase + 1.7 * np.arange(np.prod(weight.shape)))
        weight.assign(values.reshape(weight.shape))
    return model


def han_calls(model: keras.Model) -> list[Call]:
    """Documents, and documents already split."""

    def classified(rows: slice) -> Arrays:
        split = split_sentences_in_graph(DOCUMENTS).to_list()
        documents = [[each.decode() for each in row] for row in split]
        unknown = "1 of 3 documents has no known word"
        with pytest.warns(UserWarning, match=unknown):
            probabilities = model.predict(documents)
        # These texts the two ways of splitting split alike.
        with pytest.warns(UserWarning, match=unknown):
            found = model.predict(DOCUMENTS)
        np.testing.assert_allclose(found, probabilities, atol=1e-6)
        return labeled(probabilities[rows], [True, False, True][rows])

    def classified_sentences() -> Arrays:
        return labeled(model.predict(SENTENCES), [True, True])

    texts, sentences = np.array(DOCUMENTS), np.array(SENTENCES)
    classes = {"label": (0,), "probabilities": (0, 2), "is_known": (0,)}
    weights = {
        "sentences": (0, 0),
        "sentence_weights": (0, 0),
        "words": (0, 0, 0),
        "word_weights": (0, 0, 0),
    }
    of_texts = functools.partial(classified, slice(None))
    of_one = functools.partial(classified, slice(1))
    calls = [
        *han_token_calls(model),
        Call("function", "classify", {"texts": texts}, of_texts),
        Call("signature", "classify", {"texts": texts[:1]}, of_one),
        Call(
            "signature",
            "classify_sentences",
            {"sentences": sentences},
            classified_sentences,
        ),
        Call(
            "function",
            "attention",
            {"texts": texts},
            lambda: attended(model, DOCUMENTS),
        ),
        Call(
            "signature",
            "attention_sentences",
            {"sentences": sentences},
            lambda: attended(model, SENTENCES),
        ),
    ]
    for name, shapes in (("classify", classes), ("attention", weights)):
        calls.append(Call("signature", name, {"texts": NO_TEXTS}, shapes))
        for size in (0, 3):
            none = {"sentences": np.zeros([0, size], np.str_)}
            calls.append(Call("signature", f"{name}_sentences", none, shapes))
    return calls


@functools.cache
def han_of_ids() -> keras.Model:
    """The same without a vocabulary, of two other widths."""
    model = HierarchicalAttentionNetwork(
        9,
        2,
        embedding_dim=3,
        rnn_units=4,
        sentence_rnn_units=2,
        attention_units=5,
        max_sentences=2,
        max_words=5,
    )
    return with_known_weights(model)


# Of more sentences and words than are read; the last document has none.
DOCUMENT_TOKENS = np.array(
    [
        [[9, 4, 5, 6, 7, 8], [4, 0, 0, 0, 0, 0], [5, 6, 0, 0, 0, 0]],
        [[6, 4, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
        [[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
    ],
    np.int32,
)


def han_token_calls(model: keras.Model) -> list[Call]:
    """Ids, no rows, ids that are refused."""
    names = model.label_names
    tokens = {"tokens": DOCUMENT_TOKENS}
    none = {"tokens": DOCUMENT_TOKENS[:0]}
    weights = {"sentence_weights": (0, 2), "word_weights": (0, 2, 5)}
    classes = {"label": (0,), "probabilities": (0, 2), "is_known": (0,)}

    def classified() -> Arrays:
        with pytest.warns(UserWarning, match="1 of 3 documents has no known"):
            found = model.predict(DOCUMENT_TOKENS)
        return labeled(found, [True, True, False], names)

    def attended_to() -> Arrays:
        outputs = model(tf.constant(DOCUMENT_TOKENS[:, :2, :5]))
        return {name: outputs[name] for name in weights}

    return [
        Call("function", "classify_tokens", tokens, classified),
        Call("signature", "classify_tokens", tokens, classified),
        Call("signature", "attention_tokens", tokens, attended_to),
        Call(
            "function",
            "label_names",
            {},
            lambda: {"label_names": np.array(names)},
        ),
        Call("signature", "classify_tokens", none, classes),
        Call("signature", "attention_tokens", none, weights),
        Call(
            "signature",
            "classify_tokens",
            {"tokens": np.full([1, 1, 1], model.num_ids, np.int32)},
            "a token id outside the vocabulary; allowed: 1 to "
            f"{model.num_ids - 1}, and 0 on the right",
        ),
    ]


def labeled(
    probabilities: np.ndarray,
    is_known: list[bool],
    names: tuple[str, ...] = CLASSES,
) -> Arrays:
    """What `classify` gives."""
    best = np.argmax(probabilities, axis=1)
    return {
        "label": np.array(names)[best],
        "probabilities": probabilities,
        "is_known": np.array(is_known),
    }


def attended(model: keras.Model, documents: list) -> Arrays:
    """What `attention` gives: the model's own, padded."""
    found = model.attention(documents)
    most = max(len(each.sentences) for each in found)
    longest = max(len(words) for each in found for words in each.words)
    shape = len(found), most
    answer = {
        "sentences": np.full(shape, "", object),
        "sentence_weights": np.zeros(shape, np.float32),
        "words": np.full((*shape, longest), "", object),
        "word_weights": np.zeros((*shape, longest), np.float32),
    }
    for row, each in enumerate(found):
        count = len(each.sentences)
        answer["sentences"][row, :count] = each.sentences
        answer["sentence_weights"][row, :count] = each.sentence_weights
        for place, words in enumerate(each.words):
            answer["words"][row, place, : len(words)] = words
            weights = each.word_weights[place]
            answer["word_weights"][row, place, : len(words)] = weights
    return answer


def han_signatures(model: keras.Model) -> dict[str, tuple[dict, dict]]:
    """As in `ServedCase`."""
    classes = {
        "label": "string",
        "probabilities": "float32",
        "is_known": "bool",
    }
    weights = {"sentence_weights": "float32", "word_weights": "float32"}
    of_tokens = {
        "classify_tokens": ({"tokens": "int32"}, classes),
        "attention_tokens": ({"tokens": "int32"}, weights),
        "label_names": ({}, {"label_names": "string"}),
    }
    if model.vocabulary is None:
        return of_tokens
    weights = {**weights, "sentences": "string", "words": "string"}
    return {
        **of_tokens,
        "classify": ({"texts": "string"}, classes),
        "classify_sentences": ({"sentences": "string"}, classes),
        "attention": ({"texts": "string"}, weights),
        "attention_sentences": ({"sentences": "string"}, weights),
    }


# -- SAE ---------------------------------------------------------------------

BAG_WORDS = ["red", "rose", "wine", "sea", "ship", "ships"]
# The second and the fourth have no known word.
BAG_TEXTS = [
    "The red ROSE, red wine!",
    "",
    "a ship at sea; a sea of ships",
    "none",
]
# A word that stands twice in a bag, and a place that is not needed.
COLUMNS = np.array([[1, 3, 1], [2, 0, 0]], np.int32)
COUNTS = np.array([[2, 1, 1], [1, 0, 0]], np.float32)
# The same as a matrix.
DENSE = np.array([[0, 3, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0]], np.float32)
REFUSED_BAGS = [
    ([[6]], [[1.0]], "a column of no word; allowed: 0 to 5"),
    ([[-1]], [[1.0]], "a column of no word; allowed: 0 to 5"),
    ([[0]], [[-1.0]], "a count that is none; allowed: finite, 0 or more"),
    ([[0]], [[np.nan]], "a count that is none"),
]


@functools.cache
def sae() -> keras.Model:
    """An autoencoder with two topics."""
    model = SoftmaxAutoencoder(
        Vocabulary(BAG_WORDS), latent_dim=3, num_topics=2, alpha=2.0
    )
    model.kernel.assign(known_values(model.kernel.shape, 1))
    model.fit_topics(["red rose", "wine", "sea", "ship sea"])
    return model


@functools.cache
def sae_without_vocabulary(has_topics: bool) -> keras.Model:
    """One of matrices alone."""
    model = SoftmaxAutoencoder(num_words=6, latent_dim=2, num_topics=2)
    if has_topics:
        model.fit_topics(DENSE)
    return model


@functools.cache
def prodlda() -> keras.Model:
    """A model of three topics."""
    model = ProdLDA(Vocabulary(BAG_WORDS), num_topics=3, hidden_units=4)
    return with_known_weights(model)


def bag_text_calls(model: keras.Model) -> list[Call]:
    """Texts, counts of words, bags that are none."""

    def codes() -> Arrays:
        codes = model.encode(BAG_TEXTS)
        if isinstance(model, SoftmaxAutoencoder):
            # The bias is 0, and so the code of no words is 1/2.
            np.testing.assert_allclose(codes[[1, 3]], 0.5, rtol=1e-5)
        return {"code": codes}

    texts = np.array(BAG_TEXTS)
    none = {"texts": NO_TEXTS}
    shapes = dict.fromkeys(["topic", clearness(model)], (0,))
    shapes["words"] = (0, len(BAG_WORDS))
    return [
        Call("function", "encode", {"texts": texts}, codes),
        Call(
            "signature",
            "encode",
            {"texts": texts[:1]},
            lambda: {"code": codes()["code"][:1]},
        ),
        Call(
            "function",
            "topics",
            {"texts": texts},
            lambda: with_words(model, of_topics(model, BAG_TEXTS, [1, 3])),
        ),
        Call("signature", "encode", none, {"code": (0, 3)}),
        Call("signature", "topics", none, shapes),
        *bag_calls(model),
    ]


def bag_calls(model: keras.Model) -> list[Call]:
    """What needs no vocabulary."""
    bags = {"columns": COLUMNS, "counts": COUNTS}
    no_bags = [
        {
            "columns": np.zeros([0, size], np.int32),
            "counts": np.zeros([0, size], np.float32),
        }
        for size in (0, 3)
    ]
    codes = {"code": (0, model.latent_dim)}
    calls = [
        Call(
            "function",
            "encode_bags",
            bags,
            lambda: {"code": model.encode(DENSE)},
        ),
        *(Call("signature", "encode_bags", none, codes) for none in no_bags),
        *(
            Call(
                "function",
                "encode_bags",
                {
                    "columns": np.array(columns, np.int32),
                    "counts": np.array(counts, np.float32),
                },
                message,
            )
            for columns, counts, message in REFUSED_BAGS
        ),
    ]
    if not int(model.has_topics):
        return calls

    def topics() -> Arrays:
        found = of_topics(model, DENSE, [])
        return found if model.vocabulary is None else with_words(model, found)

    shapes = dict.fromkeys(["topic", clearness(model)], (0,))
    if model.vocabulary is not None:
        shapes["words"] = (0, len(BAG_WORDS))
    calls.append(Call("signature", "topics_bags", bags, topics))
    return calls + [
        Call("signature", "topics_bags", none, shapes) for none in no_bags
    ]


def clearness(model: keras.Model) -> str:
    """What is served beside a topic."""
    is_distance = isinstance(model, SoftmaxAutoencoder)
    return "distance" if is_distance else "share"


def of_topics(model: keras.Model, data: Any, unknown: list[int]) -> Arrays:
    """Topics of documents and what is beside them, those without words named.

    Args:
        model: A topic model.
        data: The documents.
        unknown: Which of them have no words.
    """
    topics, codes = model.topics(data), model.encode(data)
    assert np.flatnonzero(topics == -1).tolist() == unknown
    if isinstance(model, SoftmaxAutoencoder):
        centers = model.topic_centers.numpy()[topics]
        clear = np.linalg.norm(codes - centers, axis=1)
    else:
        clear = codes.max(axis=1)
    clear = np.where(topics == -1, np.nan, clear)
    return {"topic": topics, clearness(model): clear}


def with_words(model: keras.Model, answer: Arrays) -> Arrays:
    """The words of the topics, too."""
    words = np.array([*model.topic_words(6), [""] * 6])
    return {**answer, "words": words[answer["topic"]]}


def bag_signatures(model: keras.Model) -> dict[str, tuple[dict, dict]]:
    """As in `ServedCase`."""
    topics = {"topic": "int32", clearness(model): "float32"}
    if model.vocabulary is not None:
        topics["words"] = "string"
    outputs = {"encode": {"code": "float32"}}
    if int(model.has_topics):
        outputs["topics"] = topics
    signatures = {}
    for name, each in outputs.items():
        bags = {"columns": "int32", "counts": "float32"}
        signatures[f"{name}_bags"] = bags, each
        if model.vocabulary is not None:
            signatures[name] = {"texts": "string"}, each
    return signatures


# -- DMF ---------------------------------------------------------------------

ROW_IDS = ("ann", "bob", "eve")
COLUMN_IDS = ("Alien", "Brazil", "Casablanca", "Diva")
SEEN = scipy.sparse.csr_array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
NEW_ROWS = np.float32([[0, 1], [2, 3]])
NEW_COLUMNS = np.float32([[1, 0, 0], [0, 0, 2]])


@functools.cache
def dmf() -> keras.Model:
    """A model with features of both sides, and cells that are seen."""
    model = DualMatrixFactorization(
        ROW_IDS,
        COLUMN_IDS,
        row_dim=2,
        col_dim=3,
        row_features=scipy.sparse.csr_array([[0.0, 1], [1, 0], [1, 1]]),
        col_features=scipy.sparse.csr_array(np.eye(4)[:, :3]),
        row_layers=[(3, "tanh")],
        col_layers=[(3, "tanh")],
        global_mean=3.0,
        value_range=(1, 5),
        seen=SEEN,
    )
    return with_sines(model)


@functools.cache
def plain_dmf() -> keras.Model:
    """A model in which all columns are equal."""
    model = DualMatrixFactorization(2, 3, row_layers=(), col_layers=())
    for weight in model.trainable_weights:
        weight.assign(tf.zeros_like(weight))
    return model


def clipped(row_vectors: np.ndarray, col_vectors: np.ndarray) -> np.ndarray:
    """Predictions."""
    return np.clip(np.sum(row_vectors * col_vectors, axis=1), 1, 5)


def without_id(model: keras.Model) -> np.ndarray:
    """A row that is unknown: neither features nor embedding nor bias."""
    (level, *_) = model.row_tower(tf.constant([-1]))
    hidden = model.row_tower.hidden[0](tf.zeros_like(level)).numpy()
    return np.array([*hidden[0], 0, 1])


def dmf_calls(model: keras.Model) -> list[Call]:
    """Known and unknown ids, new rows and columns, no rows."""

    def predicted() -> Arrays:
        rows = [*model.row_encoder(["eve", "ann"]), without_id(model)]
        columns = model.col_encoder(["Diva", "Alien", "Diva"])
        return {
            "prediction": clipped(rows, columns),
            "known": np.array([True, True, False]),
        }

    def recommended(rows: list[str], k: int, exclude_seen: bool) -> Arrays:
        best = model.recommend(rows, k, exclude_seen)
        known = np.full(len(rows), True)
        return {"column_ids": best.ids, "scores": best.scores, "known": known}

    def nothing_left_and_unknown() -> Arrays:
        """One has seen all; the other is unknown, and has seen nothing."""
        scores = model.col_encoder() @ without_id(model)
        best = np.argsort(-scores, kind="stable")[:2]
        return {
            "column_ids": np.array([["", ""], np.array(COLUMN_IDS)[best]]),
            "scores": np.array([[-np.inf] * 2, scores[best]]),
            "known": np.array([True, False]),
        }

    def to_new_rows() -> Arrays:
        best = model.recommend(features=NEW_ROWS, k=3)
        return {"column_ids": best.ids, "scores": best.scores}

    def of_new_rows() -> Arrays:
        rows = model.row_encoder(features=NEW_ROWS)
        columns = model.col_encoder(["Brazil", "Diva"])
        return {
            "prediction": clipped(rows, columns),
            "known": np.array([True, True]),
        }

    def of_new_columns() -> Arrays:
        columns = model.col_encoder(features=NEW_COLUMNS)
        rows = model.row_encoder(["bob", "eve"])
        return {
            "prediction": clipped(rows, columns),
            "known": np.array([True, True]),
        }

    def recommend(
        rows: list[str], k: int, exclude_seen: bool, expected: Any = None
    ) -> Call:
        return Call(
            "signature",
            "recommend",
            {
                "row_ids": np.array(rows, np.str_),
                "k": np.int32(k),
                "exclude_seen": exclude_seen,
            },
            expected or functools.partial(recommended, rows, k, exclude_seen),
        )

    k, films = np.int32(3), np.array(["Brazil", "Diva"])
    nobody = np.zeros([0], np.str_)
    predictions = {"prediction": (0,), "known": (0,)}
    best = {"column_ids": (0, 3), "scores": (0, 3)}
    return [
        Call(
            "signature",
            "predict",
            {
                "row_ids": np.array(["eve", "ann", "zoe"]),
                "column_ids": np.array(["Diva", "Alien", "Diva"]),
            },
            predicted,
        ),
        recommend(["bob", "ann"], 3, True),
        recommend(["ann"], 99, True),
        recommend(["eve", "bob"], 99, False),
        recommend(["eve", "zoe"], 2, True, nothing_left_and_unknown),
        Call(
            "function",
            "recommend",
            {"row_ids": np.array(["ann"]), "k": np.int32(2)},
            functools.partial(recommended, ["ann"], 2, True),
        ),
        Call(
            "signature",
            "predict_new_rows",
            {"row_features": NEW_ROWS, "column_ids": films},
            of_new_rows,
        ),
        Call(
            "signature",
            "recommend_to_new_rows",
            {"row_features": NEW_ROWS, "k": k},
            to_new_rows,
        ),
        Call(
            "signature",
            "predict_new_columns",
            {
                "row_ids": np.array(["bob", "eve"]),
                "column_features": NEW_COLUMNS,
            },
            of_new_columns,
        ),
        Call(
            "signature",
            "predict",
            {"row_ids": nobody, "column_ids": nobody},
            predictions,
        ),
        Call(
            "signature",
            "predict_new_rows",
            {"row_features": NEW_ROWS[:0], "column_ids": nobody},
            predictions,
        ),
        Call(
            "signature",
            "predict_new_columns",
            {"row_ids": nobody, "column_features": NEW_COLUMNS[:0]},
            predictions,
        ),
        recommend([], 3, True, {**best, "known": (0,)}),
        Call(
            "signature",
            "recommend_to_new_rows",
            {"row_features": NEW_ROWS[:0], "k": k},
            best,
        ),
    ]


def plain_dmf_calls(model: keras.Model) -> list[Call]:
    """Equal ones are in the order of the columns."""
    del model
    return [
        Call(
            "function",
            "recommend",
            {"row_ids": np.array(["1"]), "k": np.int32(2)},
            lambda: {
                "column_ids": np.array([["0", "1"]]),
                "scores": np.zeros([1, 2]),
                "known": np.array([True]),
            },
        )
    ]


def dmf_signatures(model: keras.Model) -> dict[str, tuple[dict, dict]]:
    """As in `ServedCase`."""
    predicted = {"prediction": "float32", "known": "bool"}
    best = {"column_ids": "string", "scores": "float32"}
    ids = {"row_ids": "string", "column_ids": "string"}
    recommend = {"row_ids": "string", "k": "int32"}
    if model.seen is not None:
        recommend["exclude_seen"] = "bool"
    signatures = {
        "predict": (ids, predicted),
        "recommend": (recommend, {**best, "known": "bool"}),
    }
    if model.row_features is None:
        return signatures
    return {
        **signatures,
        "predict_new_rows": (
            {"row_features": "float32", "column_ids": "string"},
            predicted,
        ),
        "predict_new_columns": (
            {"row_ids": "string", "column_features": "float32"},
            predicted,
        ),
        "recommend_to_new_rows": (
            {"row_features": "float32", "k": "int32"},
            best,
        ),
    }


SERVED = [
    *(
        ServedCase(
            case.name,
            functools.partial(made, case.name),
            text_calls,
            text_signatures,
            is_slow=True,
        )
        for case in EXPORTED
    ),
    ServedCase("spellings", speller, speller_calls, text_signatures),
    ServedCase("han", han, han_calls, han_signatures),
    ServedCase("han_of_ids", han_of_ids, han_token_calls, han_signatures),
    ServedCase("sae", sae, bag_text_calls, bag_signatures),
    ServedCase("prodlda", prodlda, bag_text_calls, bag_signatures),
    ServedCase(
        "sae_bags",
        functools.partial(sae_without_vocabulary, False),
        bag_calls,
        bag_signatures,
    ),
    ServedCase(
        "sae_bags_topics",
        functools.partial(sae_without_vocabulary, True),
        bag_calls,
        bag_signatures,
    ),
    ServedCase("dmf", dmf, dmf_calls, dmf_signatures),
    ServedCase("dmf_plain", plain_dmf, plain_dmf_calls, dmf_signatures),
]

each_served_model = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=case.name, marks=[pytest.mark.slow] * case.is_slow
        )
        for case in SERVED
    ],
)
