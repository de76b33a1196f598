"""Decoders by one token after the other, and over time at once."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.decoders import CodeStateDecoder, RecurrentDecoder
from keras_textgen.layers.recurrent import RNN_TYPES
from keras_textgen.models.text.sentence_vae import SentenceVAE
from tests.conformance.attention import AttentionDecoder
from tests.conformance.registry import WORDS, tokens_of, with_known_weights

INPUTS = np.sin(np.arange(2 * 5 * 3)).reshape(2, 5, 3).astype(np.float32)
CODES = np.cos(np.arange(2 * 4)).reshape(2, 4).astype(np.float32)


def recurrent(rnn_type, joins_code, maps_code=False):
    if maps_code:
        return CodeStateDecoder(4, 2, rnn_type, joins_code=joins_code)
    return RecurrentDecoder(
        4,
        2,
        rnn_type,
        state_of_code=lambda code: [code, -code][: decoder_states(rnn_type)],
        joins_code=joins_code,
    )


def decoder_states(rnn_type):
    return 1 if rnn_type.startswith("gru") else 2


DECODERS = {
    f"{rnn_type}{', joined' * joins_code}{', mapped' * maps_code}": (
        rnn_type,
        joins_code,
        maps_code,
    )
    for rnn_type in RNN_TYPES
    for joins_code, maps_code in ((False, False), (True, False), (True, True))
}


@pytest.mark.parametrize("name", [*DECODERS, "attention"])
def test_steps_equal_outputs_over_time(name):
    is_attention = name == "attention"
    decoder = AttentionDecoder() if is_attention else recurrent(*DECODERS[name])
    decoder.over_time(tf.constant(INPUTS), decoder.first_state(CODES, 5))
    with_known_weights(decoder)
    state = decoder.first_state(tf.constant(CODES), 5)
    outputs = decoder.over_time(tf.constant(INPUTS), state)
    for position in range(5):
        found, state = decoder.step(
            tf.constant(INPUTS[:, position]), state, tf.fill([2], position)
        )
        np.testing.assert_allclose(found, outputs[:, position], atol=1e-5)


@pytest.mark.parametrize("name", [*DECODERS, "attention"])
def test_outputs_do_not_see_what_comes_later(name):
    is_attention = name == "attention"
    decoder = AttentionDecoder() if is_attention else recurrent(*DECODERS[name])
    decoder.over_time(tf.constant(INPUTS), decoder.first_state(CODES, 5))
    with_known_weights(decoder)
    state = decoder.first_state(tf.constant(CODES), 5)
    changed = INPUTS.copy()
    changed[:, 3] += 1
    before, after = (
        decoder.over_time(tf.constant(each), state)
        for each in (INPUTS, changed)
    )
    differs = np.any(np.abs(before - after) > 1e-6, axis=(0, 2))
    assert differs.tolist() == [False, False, False, True, True]


def test_logits_of_an_attention_decoder_in_a_model():
    """Step by step and over time: the log-likelihoods are the same."""
    model = with_known_weights(
        SentenceVAE(
            Vocabulary(WORDS),
            embedding_dim=3,
            rnn_units=4,
            num_layers=1,
            latent_dim=2,
            objective="bound",
            decoder=AttentionDecoder(),
        )
    )
    tokens = tokens_of(4, 4, 4)
    state = model.initial_state(tf.constant([[1.0, -1], [0, 2], [0.5, 0]]))
    expected = model.decode_log_likelihood(state, tokens)
    total = 0.0
    for position in range(tokens.shape[1] - 1):
        logits, state = model.next_token_logits(tokens[:, position], state)
        log_probs = tf.nn.log_softmax(logits)
        total += tf.gather(log_probs, tokens[:, position + 1], batch_dims=1)
    np.testing.assert_allclose(total, expected, atol=1e-5)
    # Every code counts: the state is the code's.
    assert len(np.unique(expected.numpy())) == 3
