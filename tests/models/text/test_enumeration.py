"""Every sentence of a tiny vocabulary: the probabilities add up to one."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.noise import Noise
from keras_textgen.tokens import END_ID, START_ID, UNKNOWN_ID
from tests.models.tiny_models import padded

WORDS = [UNKNOWN_ID, 4, 5, 6]
LONGEST = 4
SIZES = {"embedding_dim": 3, "rnn_units": 4}
# Four heads, of two units each.
TRANSFORMER = {"embedding_dim": 8, "decoder": "transformer"}
LATENT = {**SIZES, "latent_dim": 2}
AVERAGED = {**LATENT, "num_samples": 2}
MODELS = {
    "lstm_lm": (LSTMLanguageModel, SIZES),
    "lstm_vae": (LSTMVAE, LATENT),
    "lstm_vae_avg": (LSTMVAEAVG, AVERAGED),
    "sentence_vae_reference": (SentenceVAE, LATENT),
    "sentence_vae_bound": (SentenceVAE, {**LATENT, "objective": "bound"}),
    "hdgm_reference": (HDGM, LATENT),
    "hdgm_bound": (HDGM, {**LATENT, "objective": "bound"}),
    "hsvae": (HSVAE, LATENT),
    "lstm_lm_transformer": (
        LSTMLanguageModel,
        {**TRANSFORMER, "tied_embeddings": True},
    ),
    "sentence_vae_transformer": (
        SentenceVAE,
        {**TRANSFORMER, "objective": "bound", "latent_dim": 2},
    ),
    "lstm_vae_avg_transformer": (
        LSTMVAEAVG,
        {**TRANSFORMER, "latent_dim": 2, "num_samples": 2},
    ),
    "mat_vae": (MATVAE, LATENT),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    """A model of three words with large random weights."""
    make, settings = MODELS[request.param]
    model = make(Vocabulary(["a", "b", "c"]), **settings)
    generator = np.random.default_rng(3)
    # Of a transformer as large, no sentence would end: its outputs are not
    # bounded as those of recurrent layers are.
    size = 1.5 if model.has_own_decoder else 0.5
    for weight in model.trainable_variables:
        weight.assign(generator.normal(0, size, weight.shape))
    return model


def first_state(model, rows):
    """A decoder's first state, `rows` times; the code is fixed."""
    if isinstance(model, LSTMLanguageModel):
        return model.generation_state(tf.constant(rows), Noise([0, 0]))
    size = model.code_size
    if getattr(model, "averages_states", False):
        size *= model.num_samples
    code = np.linspace(-1, 1, size)[np.newaxis]
    return model.initial_state(tf.constant(np.repeat(code, rows, 0), "float32"))


def prefixes(length):
    return [
        [START_ID, *words] for words in itertools.product(WORDS, repeat=length)
    ]


def step_by_step(model, sequences):
    """Log-probabilities of sequences of one length, token by token."""
    columns = tf.constant(sequences, tf.int32)
    state, total = first_state(model, len(sequences)), 0.0
    for position in range(columns.shape[1] - 1):
        logits, state = model.next_token_logits(columns[:, position], state)
        scores = tf.nn.log_softmax(logits)
        total += tf.gather(scores, columns[:, position + 1], batch_dims=1)
    return total


def test_probabilities_of_all_sentences_sum_to_one(model):
    """Those that end, and the mass of all that are longer."""
    ended = [
        [*prefix, END_ID]
        for length in range(LONGEST)
        for prefix in prefixes(length)
    ]
    assert len(ended) == 1 + 4 + 16 + 64
    scores = model.decode_log_likelihood(
        first_state(model, len(ended)), padded(ended)
    )
    longer = step_by_step(model, prefixes(LONGEST))
    mass = np.sum(np.exp(scores)), np.sum(np.exp(longer))
    assert min(mass) > 1e-3
    assert sum(mass) == pytest.approx(1, abs=1e-5)
    if model.likelihood_kind == "exact":
        again = model.log_likelihood(padded(ended).numpy())
        np.testing.assert_allclose(again, scores, atol=1e-5)


def test_scores_are_those_of_one_token_after_the_other(model):
    sentences = [[*prefix, END_ID] for prefix in prefixes(2)]
    np.testing.assert_allclose(
        model.decode_log_likelihood(
            first_state(model, len(sentences)), padded(sentences)
        ),
        step_by_step(model, sentences),
        rtol=1e-5,
        atol=1e-5,
    )
