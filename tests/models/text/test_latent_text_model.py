"""Codes and likelihoods, which all models with latent variables share."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models import aggressive_encoder
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.schedules import LinearSchedule
from keras_textgen.tokens import END_ID
from tests.models.tiny_models import (
    SEQUENCES,
    WORDS,
    close,
    hdgm,
    lstm_vae,
    padded,
    sentence_vae,
)

TEXTS = ["the cat sat on", "a", "mat unheard the", "the cat", "on a mat"]
MODELS = {
    "vae": sentence_vae,
    "vae bound": lambda: sentence_vae(objective="bound"),
    "hdgm": hdgm,
    "hdgm bound": lambda: hdgm(objective="bound", deterministic_layers=1),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]()


@pytest.fixture(scope="module")
def vae():
    return sentence_vae()


@pytest.fixture(scope="module")
def bound():
    return hdgm(objective="bound")


def exactly(message):
    return f"^{re.escape(message)}$"


def test_kinds_of_likelihood():
    for make in (sentence_vae, hdgm):
        assert make().likelihood_kind == "reconstruction"
        assert make(objective="bound").likelihood_kind == "lower bound"


# -- Codes ---------------------------------------------------------------------


def test_codes_are_those_of_each_text_alone(model):
    codes = model.encode(TEXTS, batch_size=2)
    assert codes.dtype == np.float32
    assert codes.shape == (len(TEXTS), model.code_size)
    for text, code in zip(TEXTS, codes, strict=True):
        close(model.encode([text])[0], code)


def test_codes_of_every_kind_of_data(vae):
    codes = vae.encode(TEXTS)
    tokens = vae.vocabulary(TEXTS).numpy()
    close(vae.encode(tokens), codes)
    close(vae.encode(np.array(TEXTS)), codes)
    close(vae.encode(vae.vocabulary.tokenize(TEXTS)), codes)
    close(vae.encode(SequenceBatches(tokens_without_padding(tokens), 2)), codes)


def tokens_without_padding(tokens):
    return [row[row != 0].tolist() for row in tokens]


def test_codes_are_the_posteriors_mean(vae):
    posterior = vae.posterior(vae.vocabulary(TEXTS))
    close(vae.encode(TEXTS), posterior.mean())


@pytest.mark.parametrize("num_levels", [1, 2, 3])
@pytest.mark.parametrize("objective", ["reference", "bound"])
def test_latent_columns_of_hdgm(num_levels, objective):
    """[m; z1 ... zL; generated] or [z1 ... zL], Z = 2, H = 4."""
    model = hdgm(num_levels=num_levels, objective=objective)
    columns = np.arange(model.code_size)[model.latent_columns]
    first = 8 if objective == "reference" else 0
    assert columns.tolist() == list(range(first, first + 2 * num_levels))
    generated = 2 * (num_levels - 1) if objective == "reference" else 0
    assert model.code_size == first + 2 * num_levels + generated


# -- Texts ---------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    """Texts in batches of two, two and one."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        return TEXTS[2 * number : 2 * number + 2]


def test_batches_of_python_are_read_as_texts_are(bound):
    def lists():
        yield from Batches()

    assert bound.reconstruct(Batches()) == bound.reconstruct(TEXTS)
    codes = bound.encode(TEXTS)
    for batches in (Batches(), lists(), map(tf.constant, lists())):
        np.testing.assert_allclose(bound.encode(batches), codes, rtol=1e-5)


def test_a_dictionary_is_no_list_of_texts(bound):
    """Its keys would be read as texts."""
    message = "^texts are a table, of type dict; allowed: a column of it"
    for function in (bound.encode, bound.reconstruct, bound.fit):
        with pytest.raises(ValueError, match=message):
            function({"text": TEXTS})


@pytest.mark.parametrize("batch_size", [None, 0, 1.5, "2"])
def test_batch_sizes_of_methods_are_checked(bound, batch_size):
    message = f"^batch_size={batch_size!r}; allowed: whole numbers, 1 or more$"
    for function in (bound.encode, bound.reconstruct, bound.log_likelihood):
        with pytest.raises(ValueError, match=message):
            function(TEXTS, batch_size=batch_size)


@pytest.mark.parametrize("count", [None, "2", 0, 1.5, [2]])
def test_numbers_of_texts_and_samples_are_checked(bound, count):
    ending = (
        f"={re.escape(repr(count))}; allowed: whole numbers, 1 to 2147483647$"
    )
    with pytest.raises(ValueError, match=f"^num_texts{ending}"):
        bound.generate(count)
    with pytest.raises(ValueError, match=f"^num_samples{ending}"):
        bound.log_likelihood(TEXTS, num_samples=count)
    with pytest.raises(ValueError, match=f"^beam_width{ending}"):
        bound.reconstruct(TEXTS, beam_width=count)


def never_ending(model):
    """The model, kept from ending a sentence."""
    bias = np.zeros(model.vocabulary.size)
    bias[END_ID] = -100
    model.output_layer.bias.assign(bias)
    return model


@pytest.mark.parametrize("make", [sentence_vae, hdgm])
def test_reconstructions_are_at_most_twice_as_long(make):
    """Twice the tokens of the text itself, start and end included."""
    model = never_ending(make())
    texts = model.reconstruct(TEXTS, batch_size=2)
    assert all(type(text) is str for text in texts)
    lengths = [len(text.split()) for text in texts]
    assert lengths == [2 * (len(text.split()) + 2) for text in TEXTS]


def test_reconstruction_decodes_the_code():
    text = "the cat sat"
    model = never_ending(sentence_vae(max_length=2 * 5))
    codes = model.encode([text])
    for width in (1, 3):
        (reconstruction,) = model.reconstruct([text], beam_width=width)
        assert [reconstruction] == model.decode(codes, beam_width=width)
        assert reconstruction


def test_interpolation_goes_from_text_to_text():
    model = never_ending(sentence_vae(max_length=6))
    first, second = TEXTS[:2]
    # Codes far from each other, on both sides of 0.
    model.head.loc.kernel.assign(50 * model.head.loc.kernel)
    middle = np.mean(model.encode([first, second]), axis=0)
    model.head.loc.bias.assign_sub(middle)
    texts = model.interpolate(first, second, steps=4)
    codes = model.encode([first, second])
    points = [(1 - w) * codes[0] + w * codes[1] for w in (0, 1 / 3, 2 / 3, 1)]
    assert texts == model.decode(np.stack(points))
    assert len(texts) == 4
    assert len(set(texts)) > 1


def test_no_codes_are_refused(vae):
    with pytest.raises(
        ValueError, match=exactly("no codes; allowed: 1 code or more")
    ):
        vae.decode(np.zeros([0, vae.code_size]))


def test_interpolation_has_two_ends(vae):
    message = "steps=1; allowed: whole numbers, 2 to 2147483647"
    with pytest.raises(ValueError, match=exactly(message)):
        vae.interpolate("a", "the", steps=1)


def test_both_priors_generate(vae, bound):
    for model in (vae, bound):
        texts = model.generate(8, seed=2)
        assert texts == model.generate(8, seed=2) != model.generate(8, seed=3)
        assert {word for text in texts for word in text.split()} <= set(WORDS)


# -- Likelihoods ---------------------------------------------------------------


@pytest.mark.parametrize("which", ["vae", "bound"])
def test_log_likelihoods(request, which):
    model = request.getfixturevalue(which)
    values = model.log_likelihood(TEXTS, num_samples=20, batch_size=2)
    assert values.dtype == np.float32
    assert values.shape == (len(TEXTS),)
    assert np.all(values < 0)
    repeated = model.log_likelihood(TEXTS, num_samples=20, batch_size=2)
    np.testing.assert_array_equal(values, repeated)
    other = model.log_likelihood(TEXTS, num_samples=20, batch_size=2, seed=1)
    assert np.all(values != other)
    # Other noise, hence not equal, but the same quantity.
    close(values, other, 0.5)


@pytest.mark.parametrize("num_samples", [1, 7])
def test_log_likelihood_is_the_mean_weight(bound, num_samples):
    """Many repetitions of one sample and of seven, on average."""
    tokens = bound.vocabulary(TEXTS[:1])
    weights = bound.log_importance_weights(
        tokens, 2100, np.array([5, 5], np.int32)
    ).numpy()[:, 0]
    blocks = weights.reshape(-1, num_samples)
    means = np.logaddexp.reduce(blocks, axis=1) - np.log(num_samples)
    values = [
        bound.log_likelihood(TEXTS[:1], num_samples, seed=seed)[0]
        for seed in range(60)
    ]
    error = np.std(means) / np.sqrt(60)
    assert np.mean(values) == pytest.approx(np.mean(means), abs=4 * error)


def test_objective_of_the_vae_does_not_change_its_likelihood(vae):
    """Importance weights take normal noise, whatever the objective."""
    other = sentence_vae(objective="bound")
    close(vae.log_likelihood(TEXTS), other.log_likelihood(TEXTS))


def test_samples_are_counted(vae):
    message = "num_samples=0; allowed: whole numbers, 1 to 2147483647"
    with pytest.raises(ValueError, match=exactly(message)):
        vae.log_likelihood(TEXTS, num_samples=0)


NO_PRIOR = (
    "HDGM with objective='reference' decodes from the encoded text itself: it "
    "has no prior and no likelihood; allowed: objective='bound'"
)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.generate(2),
        lambda model: model.log_likelihood(TEXTS),
        lambda model: model.prior,
    ],
    ids=["generate", "log_likelihood", "prior"],
)
def test_reference_of_hdgm_has_no_prior(use):
    with pytest.raises(ValueError, match=exactly(NO_PRIOR)):
        use(hdgm())


def test_a_text_has_one_likelihood(bound):
    bounds = bound.log_likelihood(
        ["the cat", "a mat on the mat", "the cat", "cat the"],
        num_samples=2,
        batch_size=2,
    )
    close(bounds[0], bounds[2])
    assert abs(bounds[0] - bounds[3]) > 1e-3


# -- Pretraining as an autoencoder ---------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (LinearSchedule(num_steps=4), [0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1]),
        (None, [0, 0, 0, 1, 1]),
    ],
)
def test_weight_is_zero_before_annealing_starts(schedule, expected):
    model = sentence_vae(kl_schedule=schedule)
    model.annealing_start.assign(3)
    weights = []
    for step in range(len(expected)):
        model.train_steps.assign(step)
        weights.append(float(model.kl_weight()))
    assert weights == expected


def test_loss_before_annealing_starts_is_the_reconstruction():
    model = sentence_vae(objective="bound", free_bits=4.0)
    model.annealing_start.assign(1)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    tokens = padded(SEQUENCES)
    logs = [model.train_on_batch(tokens, return_dict=True)]
    model.reset_metrics()
    logs.append(model.train_on_batch(tokens, return_dict=True))
    close([each["kl_weight"] for each in logs], [0, 1])
    close([each["loss"] - each["nll"] for each in logs], [0, 4])


RESET = {
    "lstm_vae": lambda **settings: lstm_vae(num_samples=2, **settings),
    "vae": lambda **settings: sentence_vae(bag_of_words_weight=1.0, **settings),
    "hdgm": hdgm,
    "hdgm bound": lambda **settings: hdgm(
        objective="bound", num_levels=3, deterministic_layers=1, **settings
    ),
}


def split(model):
    """Values of the encoder's weights, and of those that are reset."""
    kept = {id(each) for each in model.encoder_variables()}
    if model.shares_embedding:
        kept.add(id(model.embedding.embeddings))
    parts = {True: {}, False: {}}
    for number, variable in enumerate(model.trainable_variables):
        is_kept = id(variable) in kept
        parts[is_kept][number] = variable.numpy()
    return parts[True], parts[False]


@pytest.mark.parametrize("make", RESET.values(), ids=RESET)
def test_reset_gives_the_decoder_alone_new_values(make):
    model = make()
    codes = model.posterior(padded(SEQUENCES)).sample(seed=(1, 2))
    encoder, decoder = split(model)
    model.reset_decoder()
    encoder_after, decoder_after = split(model)
    for number, values in encoder.items():
        np.testing.assert_array_equal(encoder_after[number], values)
    for number, values in decoder.items():
        assert np.all(decoder_after[number] != values)
    again = model.posterior(padded(SEQUENCES)).sample(seed=(1, 2))
    np.testing.assert_array_equal(codes[0], again[0])


@pytest.mark.parametrize("make", RESET.values(), ids=RESET)
def test_reset_is_a_function_of_the_seed(make):
    model, same, other = make(seed=3), make(seed=3), make(seed=4)
    for variable in same.trainable_variables:
        variable.assign(2 * variable)
    keras.utils.set_random_seed(99)
    for each in (model, same, other):
        each.reset_decoder()
    decoders = [split(each)[1] for each in (model, same, other)]
    for number, values in decoders[0].items():
        np.testing.assert_array_equal(values, decoders[1][number])
        # Biases of most models begin as constants, whatever the seed.
        if np.ndim(values) == 2:
            assert np.any(values != decoders[2][number])


def test_reset_draws_from_the_papers_distribution_but_other_values():
    model = lstm_vae(seed=3)
    fresh = type(model).from_config(model.get_config())
    model.reset_decoder()
    for number, values in split(model)[1].items():
        assert np.max(np.abs(values)) <= 0.1
        assert np.all(values != split(fresh)[1][number])


# -- The aggressive encoder ----------------------------------------------------


def who_moved(model):
    """Trains for a step; which sides have not exactly the weights of before."""
    before = [each.numpy() for each in model.trainable_variables]
    model.train_on_batch(padded(SEQUENCES))
    of_encoder = {id(each) for each in model.encoder_variables()}
    moved = {"E": False, "D": False}
    for variable, values in zip(model.trainable_variables, before, strict=True):
        side = "E" if id(variable) in of_encoder else "D"
        moved[side] |= np.any(variable.numpy() != values)
    return "".join(side for side in moved if moved[side])


@pytest.mark.parametrize("make", RESET.values(), ids=RESET)
def test_encoder_and_decoder_take_turns(make, monkeypatch):
    monkeypatch.setattr(aggressive_encoder, "BLOCK_STEPS", 3)
    monkeypatch.setattr(aggressive_encoder, "MAX_ENCODER_STEPS", 2)
    model = make(aggressive_encoder=True)
    sgd = keras.optimizers.SGD(0.1, global_clipnorm=5.0)
    model.compile(sgd, run_eagerly=True)
    assert [who_moved(model) for _ in range(7)] == [*"EEDEEDE"]
    model.aggressive.assign(0)
    assert [who_moved(model) for _ in range(2)] == ["ED", "ED"]


def test_step_of_the_encoder_is_part_of_the_common_one():
    """Of one gradient, clipped as a whole."""
    models = [
        lstm_vae(aggressive_encoder=is_aggressive)
        for is_aggressive in (False, True)
    ]
    for model in models:
        sgd = keras.optimizers.SGD(1.0, global_clipnorm=0.1)
        model.compile(sgd, run_eagerly=True)
        model.train_on_batch(padded(SEQUENCES))
    together, alone = (split(model) for model in models)
    for number, values in together[0].items():
        close(alone[0][number], values, 1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Adam(),
        keras.optimizers.SGD(momentum=0.9),
        keras.optimizers.SGD(weight_decay=0.1),
    ],
    ids=["adam", "momentum", "weight decay"],
)
def test_aggressive_encoder_needs_plain_sgd(optimizer):
    model = sentence_vae(aggressive_encoder=True)
    model.compile(optimizer, run_eagerly=True)
    message = (
        f"aggressive_encoder with the optimizer '{optimizer.name}'; "
        "allowed: SGD without momentum and weight decay"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        model.train_on_batch(padded(SEQUENCES))


# -- Families of posteriors ----------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"posterior_family": "cauchy"},
            "posterior_family='cauchy'; allowed: gaussian, vmf",
        ),
        (
            {"posterior_family": "vmf", "objective": "reference"},
            "posterior_family='vmf' with objective='reference', whose noise is "
            "a truncated normal; allowed: objective='bound'",
        ),
        (
            {"posterior_family": "vmf", "free_bits_per_dimension": 0.5},
            "free_bits_per_dimension=0.5 with posterior_family='vmf', whose KL "
            "is no sum over dimensions; allowed: free_bits_per_dimension=0",
        ),
        (
            {"posterior_family": "vmf", "concentration": 0.0},
            "concentration=0.0; allowed: numbers above 0",
        ),
        (
            {"posterior_family": "gaussian", "concentration": 80.0},
            "concentration=80.0 with posterior_family='gaussian', which has "
            "none; allowed: None, or posterior_family='vmf'",
        ),
        (
            {"posterior_family": "vmf", "latent_dim": 1},
            "dimension=1; allowed: whole numbers, 2 or more",
        ),
    ],
)
def test_families_are_checked(settings, message):
    with pytest.raises(ValueError, match=exactly(message)):
        sentence_vae(**{"objective": "bound", **settings})


def test_a_config_of_before_may_have_a_concentration_without_a_meaning():
    config = sentence_vae().get_config()
    again = SentenceVAE.from_config(config | {"concentration": 80.0})
    assert again.get_config() == config
    sphere = sentence_vae(objective="bound", posterior_family="vmf")
    config = sphere.get_config()
    assert config["concentration"] == 80
    assert SentenceVAE.from_config(config).get_config() == config


# -- Settings of wrong types ---------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"vocabulary": WORDS},
            f"vocabulary={WORDS}; allowed: a Vocabulary or SubwordVocabulary",
        ),
        ({"objective": ""}, "objective=''; allowed: reference, bound"),
        (
            {"kl_schedule": 0.5},
            "kl_schedule=0.5; allowed: None, a schedule of "
            "keras_textgen.schedules, or another function of the step",
        ),
        (
            {"encoder": 3},
            "encoder=3; allowed: a layer, or recurrent or transformer",
        ),
        (
            {"decoder": ["transformer"]},
            "decoder=['transformer']; allowed: a layer, or recurrent or "
            "transformer",
        ),
        *(
            ({name: "no"}, f"{name}='no'; allowed: True, False")
            for name in (
                "feed_latent",
                "aggressive_encoder",
                "starts_with_end",
                "tied_embeddings",
            )
        ),
    ],
)
def test_settings_of_wrong_types(settings, message):
    arguments = {"vocabulary": Vocabulary(WORDS), "rnn_units": 2, **settings}
    with pytest.raises(ValueError, match=exactly(message)):
        SentenceVAE(**arguments)


def test_a_text_does_not_switch_the_unknown_word(bound):
    for call in (
        lambda: bound.generate(1, ban_unknown="no"),
        lambda: bound.decode(np.zeros([1, bound.code_size]), ban_unknown="no"),
        lambda: bound.reconstruct(TEXTS, ban_unknown="no"),
    ):
        with pytest.raises(
            ValueError, match=exactly("ban_unknown='no'; allowed: True, False")
        ):
            call()
