"""Training, evaluation and generation, which all text models share."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.schedules import ConstantSchedule, LinearSchedule
from keras_textgen.tokens import END_ID, PAD_ID, START_ID, UNKNOWN, UNKNOWN_ID
from tests.models import numpy_reference as reference
from tests.models.tiny_models import (
    SEQUENCES,
    WORDS,
    close,
    hdgm,
    log_likelihood,
    padded,
    reference_weights,
    sentence_vae,
)

TEXTS = ["the cat sat on", "a", "mat unheard the", "the cat", "on a mat"]
METRICS = {"loss", "nll", "kl", "elbo", "kl_weight", "perplexity"}


@pytest.fixture(scope="module")
def model():
    """Not to be trained."""
    model = sentence_vae(objective="bound", max_length=12)
    model.compile()
    return model


def trainable(**settings):
    model = sentence_vae(**{"objective": "bound", **settings})
    model.compile(optimizer=keras.optimizers.SGD(0.1, global_clipnorm=5.0))
    return model


def ids(model, texts=TEXTS):
    return model.vocabulary(texts).numpy()


def as_ids_dataset(model):
    return tf.data.Dataset.from_tensor_slices(ids(model)).batch(2)


def as_texts_dataset(model):
    del model
    return tf.data.Dataset.from_tensor_slices(TEXTS).batch(2)


def as_texts(model):
    del model
    return TEXTS


def as_sequence_batches(model):
    return SequenceBatches(model.vocabulary.tokenize(TEXTS), batch_size=2)


KINDS = [as_texts, ids, as_ids_dataset, as_texts_dataset, as_sequence_batches]


# -- Training ------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_fits_every_kind_of_data(kind):
    model = trainable()
    before = model.get_weights()
    data = kind(model)
    # Of what comes in batches, the size is theirs.
    size = None if isinstance(data, tf.data.Dataset) else 2
    history = model.fit(
        data, epochs=2, batch_size=size, validation_data=data, verbose=0
    ).history
    assert set(history) == METRICS | {f"val_{name}" for name in METRICS}
    assert int(model.train_steps) == 6
    assert history["loss"][1] < history["loss"][0]
    assert all(np.all(np.isfinite(each)) for each in history.values())
    assert not all(map(np.array_equal, before, model.get_weights()))


def test_reconstruction_model_prints_no_perplexity():
    model = trainable(objective="reference")
    logs = model.evaluate(TEXTS, verbose=0, return_dict=True)
    assert set(logs) == METRICS - {"perplexity"}


def test_validation_charges_the_whole_kl():
    """Weights at steps 0 to 5: 0, 1/4, 1/2, 3/4, 1, 1."""
    model = trainable(kl_schedule=LinearSchedule(num_steps=4))
    history = model.fit(
        TEXTS, epochs=2, batch_size=2, validation_data=TEXTS, verbose=0
    ).history
    close(history["kl_weight"], [1 / 4, 11 / 12])
    close(history["val_kl_weight"], [1, 1])
    nats = np.add(history["val_nll"], history["val_kl"])
    close(history["val_loss"], nats)
    close(history["val_elbo"], -nats)
    sequences = [len(text.split()) + 1 for text in TEXTS]
    close(
        np.log(history["val_perplexity"]),
        nats * len(sequences) / sum(sequences),
    )


def test_training_charges_the_weighted_kl():
    model = trainable(kl_schedule=ConstantSchedule(0.25))
    history = model.fit(TEXTS, epochs=2, batch_size=5, verbose=0).history
    nll, kl = np.array(history["nll"]), np.array(history["kl"])
    close(history["loss"], nll + 0.25 * kl)
    close(history["elbo"], -nll - kl)


def test_step_goes_against_the_gradient_of_the_mean_loss():
    model = trainable(kl_schedule=ConstantSchedule(0.25))
    tokens = padded(SEQUENCES)
    with tf.GradientTape() as tape:
        outputs = model(tokens, training=True)
        loss = tf.reduce_mean(outputs["nll"] + 0.25 * outputs["kl"])
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients = [tf.convert_to_tensor(each).numpy() for each in gradients]
    norm = np.sqrt(sum(np.sum(each**2) for each in gradients))
    before = [each.numpy() for each in model.trainable_variables]
    # Clipped, a repeated word's gradient being counted as a whole.
    model.compile(optimizer=keras.optimizers.SGD(1.0, global_clipnorm=0.5))
    assert norm > 0.5
    model.fit(tf.data.Dataset.from_tensors(tokens), verbose=0)
    for start, gradient, end in zip(
        before, gradients, model.trainable_variables, strict=True
    ):
        close(end, start - 0.5 / norm * gradient)


def test_step_and_weight_survive_saving(tmp_path):
    model = trainable(kl_schedule=LinearSchedule(num_steps=4))
    model.fit(TEXTS, batch_size=2, verbose=0)
    assert float(model.kl_weight()) == 0.75
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert int(copy.train_steps) == 3
    assert float(copy.kl_weight()) == 0.75
    copy.fit(TEXTS, batch_size=5, verbose=0)
    assert float(copy.kl_weight()) == 1


def test_weight_is_one_without_a_schedule(model):
    assert float(model.kl_weight()) == 1


def test_same_seed_trains_the_same():
    one, two, other = trainable(), trainable(), trainable(seed=1)
    for each in (one, two, other):
        each.fit(TEXTS, epochs=2, batch_size=2, verbose=0)
    one, two, other = (
        [weight.numpy() for weight in each.trainable_variables]
        for each in (one, two, other)
    )
    assert all(map(np.array_equal, one, two))
    assert not any(map(np.array_equal, one, other))


# -- Evaluation ----------------------------------------------------------------


def evaluate(model, data, **kwargs):
    return model.evaluate(data, verbose=0, return_dict=True, **kwargs)


def test_evaluation_repeats_itself(model):
    first = evaluate(model, TEXTS, batch_size=2)
    assert evaluate(model, TEXTS, batch_size=2) == first
    assert evaluate(model, ids(model), batch_size=2) == first
    assert evaluate(model, as_sequence_batches(model)) == first


def test_evaluation_repeats_itself_after_training():
    model = trainable()
    data = as_texts_dataset(model)
    history = model.fit(data, validation_data=data, verbose=0).history
    logs = evaluate(model, data)
    close([history[f"val_{name}"][0] for name in logs], [*logs.values()], 1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_evaluation_agrees_with_prediction(model, batch_size):
    logs = evaluate(model, TEXTS, batch_size=batch_size)
    outputs = model.predict(TEXTS, batch_size=batch_size, verbose=0)
    close(logs["nll"], np.mean(outputs["nll"]))
    close(logs["kl"], np.mean(outputs["kl"]))
    nats = np.sum(outputs["nll"] + outputs["kl"])
    close(logs["perplexity"], np.exp(nats / np.sum(outputs["num_tokens"])))


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_keeps_the_order(model, kind):
    outputs = model.predict(kind(model), verbose=0)
    lengths = [len(text.split()) + 1 for text in TEXTS]
    assert outputs["num_tokens"].tolist() == lengths
    for name in ("nll", "kl"):
        alone = [model(model.vocabulary([text]))[name][0] for text in TEXTS]
        close(outputs[name], alone)


def test_batches_do_not_change_a_prediction(model):
    whole = model.predict(TEXTS, verbose=0)
    for batch_size in (1, 2):
        outputs = model.predict(TEXTS, batch_size=batch_size, verbose=0)
        close(outputs["nll"], whole["nll"])
    twice = model.predict([TEXTS[1], *TEXTS], batch_size=2, verbose=0)
    close(twice["nll"], [whole["nll"][1], *whole["nll"]])


def test_padding_does_not_matter(model):
    outputs, further = model(padded(SEQUENCES)), model(padded(SEQUENCES, 11))
    for name, values in outputs.items():
        close(further[name], values)


# -- Word dropout --------------------------------------------------------------


@pytest.fixture
def embedded(monkeypatch):
    """The ids that embeddings are asked for, in order."""
    calls, call = [], keras.layers.Embedding.call

    def call_and_record(self, inputs):
        calls.append(np.asarray(inputs))
        return call(self, inputs)

    monkeypatch.setattr(keras.layers.Embedding, "call", call_and_record)
    return calls


def long_batch():
    words = 4 + np.arange(40 * 50).reshape(40, 50) % len(WORDS)
    start, end = np.full([40, 1], START_ID), np.full([40, 1], END_ID)
    return tf.constant(np.hstack([start, words, end]), tf.int32)


def test_drops_the_right_share_of_the_decoders_words(embedded):
    model, tokens = sentence_vae(word_keep_rate=0.7), long_batch()
    embedded.clear()
    model(tokens, training=True)
    model.train_steps.assign_add(1)
    model(tokens, training=True)
    inputs = tokens[:, :-1].numpy()
    read, given, read_next, given_next = embedded
    np.testing.assert_array_equal(read, inputs)
    np.testing.assert_array_equal(read_next, inputs)
    for decoder_inputs in (given, given_next):
        is_dropped = decoder_inputs == UNKNOWN_ID
        np.testing.assert_array_equal(
            decoder_inputs, np.where(is_dropped, UNKNOWN_ID, inputs)
        )
        assert not np.any(is_dropped[:, 0])
        share = np.mean(is_dropped[:, 1:])
        assert share == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 2000))
    assert np.any(given != given_next)


def test_drops_nothing_in_evaluation(embedded):
    model, tokens = sentence_vae(word_keep_rate=0.1), padded(SEQUENCES)
    embedded.clear()
    outputs = model(tokens)
    for given in embedded:
        np.testing.assert_array_equal(given, tokens[:, :-1])
    full = sentence_vae(word_keep_rate=1.0)(tokens)
    np.testing.assert_array_equal(outputs["nll"], full["nll"])


@pytest.mark.parametrize("training", [False, True])
def test_inputless_decoder_reads_no_word(embedded, training):
    model, tokens = sentence_vae(word_keep_rate=0.0), padded(SEQUENCES[:1])
    embedded.clear()
    model(tokens, training=training)
    read, given = embedded
    np.testing.assert_array_equal(read, tokens[:, :-1])
    assert given.tolist() == [[START_ID] + [UNKNOWN_ID] * 4]


def test_inputless_decoder_agrees_with_numpy():
    model = sentence_vae(word_keep_rate=0.0)
    code = np.array([[0.3, -0.7]])
    tokens = np.array(SEQUENCES[0])
    without_words = np.where(tokens == START_ID, START_ID, UNKNOWN_ID)
    log_probabilities = reference.log_softmax(
        reference.decode(reference_weights(model), without_words, code[0])
    )
    expected = sum(log_probabilities[np.arange(len(tokens) - 1), tokens[1:]])
    score = log_likelihood(
        model, tf.constant(code, tf.float32), padded(SEQUENCES[:1])
    )
    close(score, [expected])


def test_inputless_decoder_generates_without_words():
    model = sentence_vae(word_keep_rate=0.0)
    state = model.initial_state(tf.constant([[0.3, -0.7]]))
    logits = [
        model.next_token_logits(tf.constant([token]), state)[0].numpy()
        for token in (UNKNOWN_ID, 5, 7, START_ID)
    ]
    np.testing.assert_array_equal(logits[0], logits[1])
    np.testing.assert_array_equal(logits[0], logits[2])
    assert not np.allclose(logits[0], logits[3])


# -- Decoding ------------------------------------------------------------------


def test_next_token_logits_agree_with_the_likelihood(model):
    """Token by token, what the whole sequence costs."""
    tokens, code = SEQUENCES[0], tf.constant([[0.3, -0.7]])
    state, total = model.initial_state(code), 0.0
    for token, target in itertools.pairwise(tokens):
        logits, state = model.next_token_logits(tf.constant([token]), state)
        total += tf.nn.log_softmax(logits)[0, target]
    close(log_likelihood(model, code, padded([tokens])), [total])


def test_several_codes_of_a_text_are_scored_at_once(model):
    codes = tf.constant(np.sin(np.arange(12.0)).reshape(6, 2), tf.float32)
    tokens = padded(SEQUENCES)
    scores = log_likelihood(model, codes, tokens)
    alone = log_likelihood(model, codes, tf.repeat(tokens, 2, axis=0))
    close(scores, alone)


def test_generated_texts(model):
    texts = model.generate(20, seed=3)
    assert len(texts) == 20
    assert all(type(text) is str for text in texts)
    words = {word for text in texts for word in text.split()}
    assert words <= set(WORDS)
    assert max(len(text.split()) for text in texts) <= model.max_length
    assert len(set(texts)) > 10


def test_seed_decides_what_is_generated(model):
    texts = model.generate(10, seed=3)
    assert model.generate(10, seed=3) == texts
    assert model.generate(10, seed=4) != texts
    other = sentence_vae(objective="bound", max_length=12, seed=1)
    assert other.generate(10, seed=3) != texts


def test_unknown_word_is_banned_unless_asked_for():
    model = sentence_vae(objective="bound", max_length=12)
    bias = np.zeros(model.vocabulary.size)
    bias[UNKNOWN_ID] = 100
    model.output_layer.bias.assign(bias)
    assert not any(UNKNOWN in text for text in model.generate(5))
    texts = model.generate(5, ban_unknown=False)
    assert texts == [" ".join([UNKNOWN] * model.max_length)] * 5


def test_temperature_and_top_k_narrow_the_choice(model):
    assert model.generate(5, top_k=1, seed=1) == model.generate(
        5, temperature=1e-4, seed=1
    )
    assert model.generate(5, top_k=1, seed=1) == model.generate(
        5, top_p=1e-6, seed=1
    )


def test_first_words_follow_the_model():
    """Shares of the first word among many texts, given the codes' average."""
    model = sentence_vae(objective="bound", max_length=1, latent_dim=1)
    texts = model.generate(3000, ban_unknown=False)
    grid = np.linspace(-8, 8, 801)
    (logits,) = reference.decode(
        reference_weights(model),
        np.array([START_ID, PAD_ID]),
        grid[:, np.newaxis],
    )
    given_code = np.exp(reference.log_softmax(logits))
    prior = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    expected = np.trapezoid(prior[:, np.newaxis] * given_code, grid, axis=0)
    names = ["", UNKNOWN, "<start>", "", *WORDS]
    for token in [UNKNOWN_ID, *range(4, 10)]:
        share = np.mean([text == names[token] for text in texts])
        error = np.sqrt(expected[token] / 3000)
        assert share == pytest.approx(expected[token], abs=4 * error)


# -- Bad input -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"embedding_dim": 0},
            "embedding_dim=0; allowed: whole numbers, 1 or more",
        ),
        ({"rnn_units": -2}, "rnn_units=-2; allowed: whole numbers, 1 or more"),
        ({"num_layers": 0}, "num_layers=0; allowed: whole numbers, 1 or more"),
        ({"latent_dim": 0}, "latent_dim=0; allowed: whole numbers, 1 or more"),
        ({"max_length": 0}, "max_length=0; allowed: whole numbers, 1 or more"),
        (
            {"word_keep_rate": 1.5},
            "word_keep_rate=1.5; allowed: numbers, 0 or more, at most 1",
        ),
        (
            {"word_keep_rate": -0.1},
            "word_keep_rate=-0.1; allowed: numbers, 0 or more, at most 1",
        ),
        (
            {"word_keep_rate": float("nan")},
            "word_keep_rate=nan; allowed: numbers, 0 or more, at most 1",
        ),
        ({"dropout": 1.0}, "dropout=1.0; allowed: numbers, 0 or more, below 1"),
        (
            {"dropout": -0.1},
            "dropout=-0.1; allowed: numbers, 0 or more, below 1",
        ),
        (
            {"num_samples": 0},
            "num_samples=0; allowed: whole numbers, 1 or more",
        ),
        (
            {"free_bits": -1.0},
            "free_bits=-1.0; allowed: numbers, 0 or more",
        ),
        (
            {"free_bits_per_dimension": float("nan")},
            "free_bits_per_dimension=nan; allowed: numbers, 0 or more",
        ),
        (
            {"free_bits": 4.0, "free_bits_per_dimension": 0.5},
            "free_bits=4.0, free_bits_per_dimension=0.5; allowed: one of "
            "them, and 0 for the other",
        ),
        (
            {"bag_of_words_weight": -0.5},
            "bag_of_words_weight=-0.5; allowed: numbers, 0 or more",
        ),
        (
            {"bag_of_words_weight": float("nan")},
            "bag_of_words_weight=nan; allowed: numbers, 0 or more",
        ),
        (
            {"objective": "exact"},
            "objective='exact'; allowed: reference, bound",
        ),
        (
            {"rnn_type": "rnn"},
            "rnn_type='rnn'; allowed: block, basic, gru, gru_of_keras_2",
        ),
    ],
)
@pytest.mark.parametrize("make", [sentence_vae, hdgm])
def test_settings_are_checked(make, settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(**settings)


KINDS_ALLOWED = "allowed: strings [sequences], or integer ids [sequences, time]"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no sequences; allowed: 1 sequence or more"),
        (np.array([], np.str_), "no sequences; allowed: 1 sequence or more"),
        (
            np.zeros([2, 3]),
            f"data of type float64 and shape [2, 3]; {KINDS_ALLOWED}",
        ),
        (
            np.zeros([0, 3], np.int32),
            "no sequences; allowed: 1 sequence or more",
        ),
        (
            np.array([[START_ID, 10, END_ID]]),
            "token id 10; allowed: 1 to 9, and 0 on the right",
        ),
        (
            np.array([[START_ID, -1, END_ID]]),
            "token id -1; allowed: 1 to 9, and 0 on the right",
        ),
        (
            np.array([[START_ID, PAD_ID, END_ID]]),
            "row 0 has the padding id 0 before a token; "
            "allowed: padding on the right",
        ),
        (
            np.array([[4, 5, 3, 0], [2, 4, 2, 3]]),
            "row 1 has the id 2 of the start token after its first token; "
            "allowed: as the first token",
        ),
        (
            np.array([[START_ID, PAD_ID]]),
            "sequence 0 has 1 token; allowed: 2 or more, the start and end "
            "tokens among them",
        ),
    ],
)
@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "predict", "encode", "log_likelihood"]
)
def test_data_are_checked(model, method, data, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        getattr(model, method)(data)


def test_a_string_is_one_text(model):
    np.testing.assert_array_equal(
        model.encode("the cat"), model.encode(["the cat"])
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"num_texts": 0},
            "num_texts=0; allowed: whole numbers, 1 to 2147483647",
        ),
        ({"top_k": -1}, "top_k=-1; allowed: whole numbers, 0 to 2147483647"),
        ({"top_p": 0.0}, "top_p=0.0; allowed: numbers above 0, at most 1"),
        (
            {"temperature": 0.0},
            "temperature=0.0; allowed: numbers above 0",
        ),
    ],
)
def test_arguments_of_generation_are_checked(model, arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        model.generate(**{"num_texts": 2, **arguments})


def test_model_of_a_stream_reads_the_end_token_for_the_start_token():
    plain, stream = sentence_vae(), sentence_vae(starts_with_end=True)
    tokens = tf.constant([[2, 4, 5, 3]])
    after_end = tf.constant([[3, 4, 5, 3]])
    close(stream.encode_tokens(tokens), plain.encode_tokens(after_end))
    codes = plain.encode_tokens(tokens)
    state = plain.initial_state(codes)
    start, end = tf.constant([2]), tf.constant([3])
    close(
        stream.next_token_logits(start, state)[0],
        plain.next_token_logits(end, state)[0],
    )
    assert not np.allclose(
        plain.next_token_logits(start, state)[0],
        plain.next_token_logits(end, state)[0],
    )
