"""Encoders and decoders that text models are given by name or made."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.encoders import RecurrentEncoder, TransformerEncoder
from keras_textgen.layers.transformer_decoder import (
    LATENT_INJECTIONS,
    TransformerDecoder,
)
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.noise import Noise
from keras_textgen.tokens import END_ID, START_ID, UNKNOWN_ID
from tests.models.tiny_models import close, padded

WORDS = ["a", "b", "c"]
VAES = (SentenceVAE, LSTMVAE, HSVAE)
BY_NAME = {"encoder": "transformer", "decoder": "transformer"}
TOKENS = padded([[2, 4, 5, 6, 3], [2, 6, 3], [2, 3]])


def tiny(make=SentenceVAE, **settings):
    return make(
        Vocabulary(WORDS), embedding_dim=8, latent_dim=2, **BY_NAME, **settings
    )


def language_model(**settings):
    model = LSTMLanguageModel(
        Vocabulary(WORDS),
        embedding_dim=8,
        decoder="transformer",
        max_length=4,
        **settings,
    )
    generator = np.random.default_rng(5)
    for weight in model.trainable_variables:
        weight.assign(generator.normal(0, 0.7, weight.shape))
    return model


@pytest.mark.parametrize("make", VAES)
def test_a_name_stands_for_a_transformer_as_wide_as_the_embedding(make):
    model = tiny(make, objective="bound")
    assert isinstance(model.encoder, TransformerEncoder)
    assert isinstance(model.decoder, TransformerDecoder)
    assert (model.encoder.units, model.decoder.units) == (8, 8)
    again = make.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert again.decoder.get_config() == model.decoder.get_config()


@pytest.mark.parametrize("make", VAES)
def test_recurrent_is_what_there_is_without_a_choice(make):
    sizes = {"embedding_dim": 3, "rnn_units": 4, "latent_dim": 2, "seed": 1}
    plain = make(Vocabulary(WORDS), **sizes)
    named = make(
        Vocabulary(WORDS), encoder="recurrent", decoder="recurrent", **sizes
    )
    assert isinstance(named.encoder, RecurrentEncoder)
    config = named.get_config()
    assert (config["encoder"], config["decoder"]) == (None, None)
    for one, other in zip(plain.weights, named.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_other_names_are_refused(part):
    message = f"^{part}='gru'; allowed: recurrent, transformer$"
    with pytest.raises(ValueError, match=message):
        SentenceVAE(Vocabulary(WORDS), **{part: "gru"})


def made_parts():
    return {
        "encoder": TransformerEncoder(8, 1, 2),
        "decoder": TransformerDecoder(8, 1, 2),
    }


@pytest.mark.parametrize("make_parts", [lambda: BY_NAME, made_parts])
def test_the_seed_decides_the_first_weights(make_parts):
    def weights(seed):
        model = SentenceVAE(
            Vocabulary(WORDS),
            embedding_dim=8,
            latent_dim=2,
            seed=seed,
            **make_parts(),
        )
        return [each.numpy() for each in model.trainable_weights]

    first = weights(3)
    keras.utils.set_random_seed(99)
    for one, same, other in zip(first, weights(3), weights(4), strict=True):
        np.testing.assert_array_equal(one, same)
        # Biases and scales begin as constants.
        if one.ndim == 2:
            assert np.any(one != other)


@pytest.mark.parametrize("make", [LSTMVAE, LSTMLanguageModel])
def test_a_papers_first_weights_are_not_for_given_components(make):
    """Scales of normalizations would begin near 0."""
    model = make(Vocabulary(WORDS), embedding_dim=8, decoder="transformer")
    np.testing.assert_array_equal(model.decoder.norm.gamma, np.ones(8))
    assert np.max(np.abs(model.output_layer.kernel.numpy())) <= 0.1
    assert np.any(np.abs(model.decoder.blocks[0].wide.kernel) > 0.1)


def test_a_reset_is_a_function_of_the_seed_and_keeps_the_encoder():
    model, same = tiny(seed=3), tiny(seed=3)
    codes = model.encode_tokens(TOKENS)
    before = model.decoder.blocks[0].wide.kernel.numpy()
    keras.utils.set_random_seed(99)
    for each in (model, same):
        each.reset_decoder()
    np.testing.assert_array_equal(model.encode_tokens(TOKENS), codes)
    after = model.decoder.blocks[0].wide.kernel.numpy()
    assert np.all(after != before)
    for one, other in zip(model.weights, same.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("injection", LATENT_INJECTIONS)
def test_scores_depend_on_the_code(injection):
    model = SentenceVAE(
        Vocabulary(WORDS),
        embedding_dim=8,
        latent_dim=2,
        decoder=TransformerDecoder(8, 1, 2, latent_injection=injection),
    )
    codes = tf.constant([[3.0, -1], [0, 2], [-2, 0]])
    tokens = tf.repeat(TOKENS[:1], 3, axis=0)
    scores = model.decode_log_likelihood(model.initial_state(codes), tokens)
    assert len(np.unique(scores.numpy())) == 3


# -- A language model, whose likelihood is exact -------------------------------


def sentences(longest):
    """Every sentence of up to so many words, with its end."""
    words = [UNKNOWN_ID, 4, 5, 6]
    return [
        [START_ID, *each, END_ID]
        for length in range(longest + 1)
        for each in itertools.product(words, repeat=length)
    ]


def test_a_wide_beam_finds_the_best_sentence():
    """Beams that change places take their keys and values along."""
    model = language_model()
    every = sentences(longest=3)
    scores = model.log_likelihood(padded(every).numpy())
    best = every[int(np.argmax(scores))]
    state = model.generation_state(tf.constant(1), Noise([0, 0]))
    found = model.beam_search(
        state, beam_width=64, max_length=8, ban_unknown=False
    )
    found = [token for token in found[0].numpy().tolist() if token]
    # A longer one may be likelier still.
    score = model.log_likelihood(padded([found]).numpy())[0]
    assert found == best or score > np.max(scores)


def test_a_later_word_changes_no_earlier_score():
    model = language_model()
    prefix = [START_ID, 4, 5]
    tokens = padded([[*prefix, word, 6, END_ID] for word in (4, 5, 6)])
    state = model.generation_state(tf.constant(3), Noise([0, 0]))
    hidden = model.decode_hidden(state, tokens, None)
    logits = model.output_layer.logits(hidden).numpy()
    for row in (1, 2):
        np.testing.assert_allclose(logits[row, :3], logits[0, :3], atol=1e-6)
        assert np.all(np.any(logits[row, 3:] != logits[0, 3:], axis=-1))


# -- One matrix for the embedding and the softmax ------------------------------


def test_tied_embeddings_are_one_variable():
    untied, tied = language_model(), language_model(tied_embeddings=True)
    matrix = untied.output_layer.kernel
    assert len(tied.trainable_weights) == len(untied.trainable_weights) - 1
    for mine, theirs in zip(
        untied.decoder.weights, tied.decoder.weights, strict=True
    ):
        mine.assign(theirs)
    untied.embedding.embeddings.assign(tied.embedding.embeddings)
    untied.output_layer.bias.assign(tied.output_layer.bias)
    matrix.assign(tf.transpose(tied.embedding.embeddings))
    close(tied(TOKENS)["nll"], untied(TOKENS)["nll"])

    def gradients(model, variables):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(TOKENS)["nll"])
        found = tape.gradient(loss, variables)
        return [tf.convert_to_tensor(each) for each in found]

    (of_tied,) = gradients(tied, [tied.embedding.embeddings])
    of_embedding, of_kernel = gradients(
        untied, [untied.embedding.embeddings, matrix]
    )
    close(of_tied, of_embedding + tf.transpose(of_kernel), 1e-4)


def test_tied_embeddings_of_another_width_are_refused():
    message = (
        "tied_embeddings=True with embedding_dim=3 and a decoder of width 4; "
        "allowed: the same width"
    )
    with pytest.raises(ValueError, match=message):
        LSTMLanguageModel(
            Vocabulary(WORDS),
            embedding_dim=3,
            rnn_units=4,
            tied_embeddings=True,
        )
