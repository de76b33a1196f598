"""The LSTM language model against its equations in NumPy and known numbers."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.noise import Noise
from keras_textgen.tokens import UNKNOWN_ID
from tests.models import numpy_reference as reference
from tests.models.tiny_models import (
    BATCHES,
    SEQUENCES,
    WORDS,
    KnownUniform,
    close,
    lstm_lm,
    padded,
    ptb_parameters,
    reference_weights,
)

ROWS = len(SEQUENCES)
E, H = 3, 4

TEXTS = ["the cat sat on", "a", "mat unheard the"]


def expected(model, sequences, **options):
    """Logits and log p(x) of each sequence."""
    weights = reference_weights(model)
    return [
        reference.lstm_lm(weights, tokens, **options) for tokens in sequences
    ]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("inputless", [False, True])
@pytest.mark.parametrize(
    "settings",
    [{}, {"rnn_type": "gru"}, {"num_layers": 2}],
    ids=["lstm", "gru", "two layers"],
)
def test_agrees_with_numpy(batch, inputless, settings):
    model = lstm_lm(word_keep_rate=0 if inputless else 1, **settings)
    sequences = BATCHES[batch]
    tokens = padded(sequences, 9 if batch == "padded" else None)
    outputs = model(tokens)
    results = expected(model, sequences, inputless=inputless)
    close(outputs["nll"], [-score for _, score in results])
    close(outputs["kl"], np.zeros(ROWS))
    lengths = [len(sequence) - 1 for sequence in sequences]
    assert outputs["num_tokens"].numpy().tolist() == lengths
    close(model.log_likelihood(tokens.numpy()), -outputs["nll"])


def test_next_token_logits_agree_with_numpy():
    model = lstm_lm(num_layers=2)
    (logits, _), *_ = expected(model, SEQUENCES)
    state = model.generation_state(tf.constant(1), Noise(tf.constant([0, 0])))
    for token, of_time in zip(SEQUENCES[0], logits, strict=False):
        found, state = model.next_token_logits(tf.constant([token]), state)
        close(found[0], of_time)


def test_probabilities_of_all_sequences_sum_to_one():
    """Texts of up to two words, and what begins with three tokens."""
    model = lstm_lm()
    words = [UNKNOWN_ID, *range(4, model.vocabulary.size)]
    ended = [[2, 3], *([2, word, 3] for word in words)]
    going_on = [[2, first, second] for first in words for second in words]
    scores = model.log_likelihood(padded(ended + going_on).numpy())
    assert np.sum(np.exp(scores)) == pytest.approx(1, abs=1e-5)


# -- Dropout -------------------------------------------------------------------


@pytest.mark.parametrize("dropout", [0.3, 0.8])
def test_dropout_of_embedded_words_and_of_hidden_states(dropout):
    model, noise = lstm_lm(dropout=dropout), KnownUniform()
    tokens = padded(SEQUENCES)
    time = tokens.shape[1] - 1
    inputs = noise.factors("inputs", (ROWS, time, E), dropout)
    outputs = noise.factors("outputs", (ROWS, time, H), dropout)
    assert 0 < np.mean(inputs == 0) < 1
    assert 0 < np.mean(outputs == 0) < 1
    weights = reference_weights(model)
    scores = model.token_log_likelihood(tokens, noise)
    for row, sequence in enumerate(SEQUENCES):
        steps = slice(0, len(sequence) - 1)
        _, score = reference.lstm_lm(
            weights,
            sequence,
            factors=inputs[row, steps],
            outputs=outputs[row, steps],
        )
        close(scores[row], score)


def test_dropout_acts_in_training_alone():
    model, tokens = lstm_lm(dropout=0.5), padded(SEQUENCES)
    plain = lstm_lm()(tokens)["nll"]
    close(model(tokens)["nll"], plain, 1e-7)
    first = model(tokens, training=True)["nll"]
    model.train_steps.assign_add(1)
    second = model(tokens, training=True)["nll"]
    assert np.all(np.abs(first - plain) > 1e-3)
    assert np.all(np.abs(first - second) > 1e-3)


# -- Known numbers -------------------------------------------------------------

# By the share of words that the decoder reads.
GOLDEN_LOG_LIKELIHOOD = {
    1.0: [-13.869909, -6.171626, -9.430685],
    0.0: [-15.674787, -6.199421, -10.664962],
}


@pytest.mark.parametrize("word_keep_rate", GOLDEN_LOG_LIKELIHOOD)
def test_golden_values(word_keep_rate):
    """Numbers of the NumPy reference, written down once."""
    model = lstm_lm(word_keep_rate=word_keep_rate)
    scores = model.log_likelihood(padded(SEQUENCES).numpy())
    close(scores, GOLDEN_LOG_LIKELIHOOD[word_keep_rate])


def test_number_of_parameters_with_the_ptb_settings():
    embedding = 10_002 * 100
    decoder = 4 * (100 * 400 + 400 * 400 + 400)
    softmax = 400 * 10_002 + 10_002
    found = ptb_parameters(LSTMLanguageModel, embedding_dim=100, rnn_units=400)
    assert found == embedding + decoder + softmax == 5_812_602


def test_all_parameters_start_from_the_papers_distribution():
    model = LSTMLanguageModel(Vocabulary(WORDS), seed=3)
    for weight in model.trainable_variables:
        values = weight.numpy()
        assert np.max(np.abs(values)) <= 0.1
        if values.size > 1000:
            assert np.mean(values) == pytest.approx(0, abs=0.005)
            assert np.var(values) == pytest.approx(0.01 / 3, rel=0.1)
    same, other = (
        LSTMLanguageModel(Vocabulary(WORDS), seed=seed) for seed in (3, 4)
    )
    for values, again, different in zip(
        model.get_weights(),
        same.get_weights(),
        other.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(values, again)
        assert values.shape == () or np.all(values != different)


# -- In use --------------------------------------------------------------------


def test_likelihoods_of_texts_and_metrics():
    model = lstm_lm()
    model.compile()
    assert model.likelihood_kind == "exact"
    scores = model.log_likelihood(TEXTS, batch_size=2)
    assert scores.dtype == np.float32
    for text, score in zip(TEXTS, scores, strict=True):
        close(model.log_likelihood([text]), [score])
    logs = model.evaluate(TEXTS, verbose=0, return_dict=True)
    close(logs["nll"], -np.mean(scores))
    close(logs["perplexity"], np.exp(-np.sum(scores) / (5 + 2 + 4)))


def test_generated_texts():
    model = lstm_lm(max_length=5)
    texts = model.generate(20, seed=3)
    assert texts == model.generate(20, seed=3) != model.generate(20, seed=4)
    assert {word for text in texts for word in text.split()} <= set(WORDS)
    assert max(len(text.split()) for text in texts) <= 5
    assert len(set(texts)) > 10


def test_first_words_follow_the_model():
    """Shares among many texts; without the start token and padding."""
    count = 3000
    texts = lstm_lm(max_length=1).generate(count)
    ((logits, _),) = expected(lstm_lm(), [[2, 3]])
    logits[0, UNKNOWN_ID] = -np.inf
    probabilities = np.exp(reference.log_softmax(logits[0]))
    for word, probability in zip(WORDS, probabilities[4:], strict=True):
        share = np.mean([text == word for text in texts])
        error = np.sqrt(probability * (1 - probability) / count)
        assert share == pytest.approx(probability, abs=4 * error)


def test_settings_are_checked():
    message = r"^dropout=1; allowed: numbers, 0 or more, below 1$"
    with pytest.raises(ValueError, match=message):
        lstm_lm(dropout=1)
