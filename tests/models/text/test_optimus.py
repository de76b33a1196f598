"""Optimus beside keras-hub's models, from whose weights it is made."""

import builtins
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.layers.backbones import GPT2Decoder
from keras_textgen.models.text.optimus import OptimusVAE
from keras_textgen.models.text.pretrained import bert_vocabulary
from keras_textgen.tokens import END_ID, PAD_ID, START_ID, UNKNOWN_ID
from tests.conformance import backbones
from tests.conformance.registry import with_known_weights

keras_hub = pytest.importorskip(
    "keras_hub", reason="the extra transformers is missing"
)

TEXTS = ["the cat sat on a mat", "a hat, and another Hat!", "the", ""]


def parts(**changed):
    return {
        "encoder": with_known_weights(backbones.bert_backbone()),
        "decoder": with_known_weights(backbones.gpt2_backbone()),
        "encoder_tokenizer": backbones.bert_tokenizer(),
        "decoder_tokenizer": backbones.gpt2_tokenizer(),
    } | changed


def made(given=None, **settings):
    settings = {"latent_dim": 3, "max_length": 6, "seed": 2} | settings
    return OptimusVAE.from_backbones(**(given or parts()), **settings)


@pytest.fixture(scope="module")
def given():
    return parts()


@pytest.fixture(scope="module")
def model(given):
    """With a code that matters."""
    found = made(given)
    for layer in found.decoder.of_code:
        with_known_weights(layer)
    return found


def gpt2_ids(tokenizer):
    """The tokenizer's id of each of the model's ids."""
    names = tokenizer.vocabulary
    end = names[backbones.END]
    return np.array([end] * 4 + [names[name] for name in backbones.PIECES])


def without_code(model):
    for layer in model.decoder.of_code:
        layer.set_weights([np.zeros_like(layer.kernel)])
    return model


# -- As keras-hub's models ----------------------------------------------------


def test_ids_are_those_of_the_tokenizers(model, given):
    tokens = model.vocabulary(TEXTS).numpy()
    found = gpt2_ids(given["decoder_tokenizer"])[tokens]
    for row, ids, text in zip(tokens, found, TEXTS, strict=True):
        expected = np.array(given["decoder_tokenizer"](text))
        np.testing.assert_array_equal(ids[row >= 4], expected)
    written = model.vocabulary.to_text(tokens).numpy()
    assert [text.decode() for text in written] == TEXTS


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"lowercase": True, "strip_accents": True},
        {"split_on_cjk": False, "lowercase": True},
    ],
)
def test_ids_of_the_encoder_are_those_of_its_tokenizer(rules):
    tokenizer = backbones.bert_tokenizer(**rules)
    vocabulary, ids = bert_vocabulary(tokenizer)
    texts = [*TEXTS, "THE Câts\u0301, mât-hat", "a日本the the日a", "caat xyat"]
    for row, text in zip(vocabulary(texts).numpy(), texts, strict=True):
        expected = np.array(tokenizer(text)).tolist()
        found = [ids[each] for each in row if each != PAD_ID]
        assert found == [
            tokenizer.cls_token_id,
            *expected,
            tokenizer.sep_token_id,
        ], text


def test_features_are_those_of_bert(model, given):
    tokenizer = given["encoder_tokenizer"]
    features = model.read(model.vocabulary(TEXTS))
    for found, text in zip(features, TEXTS, strict=True):
        ids = [
            tokenizer.cls_token_id,
            *np.array(tokenizer(text)),
            tokenizer.sep_token_id,
        ]
        ids = np.array([ids], np.int32)
        expected = given["encoder"](
            {
                "token_ids": ids,
                "segment_ids": np.zeros_like(ids),
                "padding_mask": np.ones_like(ids),
            }
        )["pooled_output"]
        np.testing.assert_allclose(found, expected[0], atol=1e-5)
    assert len(np.unique(features.numpy().round(4), axis=0)) == len(TEXTS)


def causal_lm_logits(given, tokens):
    """Of keras-hub, [batch, time, V], in the order of the model's ids."""
    ids = gpt2_ids(given["decoder_tokenizer"])
    language_model = keras_hub.models.GPT2CausalLM(given["decoder"])
    read = ids[tokens]
    logits = language_model(
        {"token_ids": read, "padding_mask": np.ones_like(read)}
    )
    cache = np.zeros([len(read), 2, 2, read.shape[1], 2, 2], np.float32)
    cached = []
    for place in range(read.shape[1]):
        step, _, cache = language_model.call_with_cache(
            read[:, place : place + 1], cache, place
        )
        cached.append(step)
    np.testing.assert_allclose(tf.concat(cached, 1), logits, atol=1e-4)
    return logits.numpy()[..., ids]


def model_logits(model, code, tokens):
    """Over time and step by step, [batch, time, V] each."""
    state = model.initial_state(code, tokens.shape[1])
    hidden = model.decoder.over_time(model.embed(tokens), state.memory)
    steps = []
    for place in range(tokens.shape[1]):
        step, state = model.next_token_logits(tokens[:, place], state)
        steps.append(step)
    return model.output_layer.logits(hidden).numpy(), np.stack(steps, axis=1)


def test_without_a_code_it_is_gpt2(given):
    model = without_code(made(given))
    tokens = model.vocabulary(TEXTS[:2]).numpy()
    expected = causal_lm_logits(given, tokens)
    code = tf.constant([[1.0, -2.0, 3.0], [0.5, 0.0, 1.0]])
    can_follow = [END_ID, *range(4, model.vocabulary.size)]
    for found in model_logits(model, code, tokens):
        np.testing.assert_allclose(
            found[..., can_follow], expected[..., can_follow], atol=1e-4
        )
        assert np.all(np.isneginf(found[..., [PAD_ID, START_ID]]))


def test_its_likelihood_is_gpt2s(given):
    """No probability is lost to tokens that GPT-2 has not."""
    model = without_code(made(given))
    tokens = model.vocabulary(TEXTS).numpy()
    logits = causal_lm_logits(given, tokens)[:, :-1]
    names = [END_ID, *range(4, model.vocabulary.size)]
    log_probs = logits - np.log(
        np.exp(logits[..., names]).sum(-1, keepdims=True)
    )
    targets = tokens[:, 1:]
    of_targets = np.take_along_axis(log_probs, targets[..., None], -1)[..., 0]
    expected = -np.where(targets == PAD_ID, 0, of_targets).sum(axis=1)
    np.testing.assert_allclose(model(tokens)["nll"], expected, rtol=1e-5)


def test_the_code_is_a_key_and_a_value_of_each_layer_and_is_added(model, given):
    """As keras-hub's layers compute it, with their cache one slot longer."""
    gpt2, decoder = given["decoder"], model.decoder
    memory_map, added_map = (layer.kernel.numpy() for layer in decoder.of_code)
    tokens = model.vocabulary(TEXTS[:2]).numpy()[:, :4]
    code = np.array([[1.0, -0.5, 0.3], [0.2, 0.7, -1.0]], np.float32)
    memory = (code @ memory_map).reshape([2, 2, 1, 2, 2])
    read = gpt2_ids(given["decoder_tokenizer"])[tokens]
    hidden = gpt2.token_embedding(read) + (code @ added_map)[:, None]
    hidden += gpt2.position_embedding(hidden)
    for place, layer in enumerate(gpt2.transformer_layers):
        cache = np.zeros([2, 2, 5, 2, 2], np.float32)
        cache[:, :, :1] = memory[:, place][:, None]
        hidden, _ = layer(
            hidden,
            self_attention_cache=cache,
            self_attention_cache_update_index=1,
        )
    hidden = gpt2.layer_norm(hidden)
    for found in model_logits(model, tf.constant(code), tokens):
        expected = gpt2.token_embedding(hidden, reverse=True).numpy()
        np.testing.assert_allclose(
            found[..., 4:],
            expected[..., gpt2_ids(given["decoder_tokenizer"])[4:]],
            atol=1e-4,
        )


def test_steps_equal_outputs_over_time(model):
    tokens = model.vocabulary(TEXTS).numpy()
    code = tf.constant(np.sin(np.arange(12)).reshape(4, 3), tf.float32)
    over_time, steps = model_logits(model, code, tokens)
    np.testing.assert_allclose(over_time, steps, atol=1e-5)
    other, _ = model_logits(model, -code, tokens)
    change = np.abs(other[..., 4:] - over_time[..., 4:])
    assert np.all(np.any(change > 1e-4, axis=-1))


def test_gpt2_without_any_code():
    """As a language model has it; rows may be at different positions."""
    decoder = GPT2Decoder(4, **backbones.SIZES)
    inputs = tf.constant(np.sin(np.arange(40)).reshape(2, 5, 4), tf.float32)
    state = decoder.first_state(tf.zeros([2, 0]), 5)
    expected = with_known_weights(decoder).over_time(inputs, state)
    assert decoder.of_code == []
    # The second row is one step behind.
    _, ahead = decoder.step(inputs[:, 0], state, tf.constant([0, 0]))
    state = tf.nest.map_structure(
        lambda one, other: tf.concat([one[:1], other[1:]], 0), ahead, state
    )
    for place in range(1, 5):
        at = [place, place - 1]
        step, state = decoder.step(
            tf.stack([inputs[0, at[0]], inputs[1, at[1]]]),
            state,
            tf.constant(at),
        )
        for row in range(2):
            np.testing.assert_allclose(
                step[row], expected[row, at[row]], atol=1e-5
            )


def test_one_vector_of_two_is_no_memory_of_the_other(model):
    """Where the memory of a row is 0, it is not read there alone."""
    tokens = model.vocabulary(TEXTS[:2]).numpy()[:, :4]
    code = tf.constant([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    both, _ = model_logits(model, code, tokens)
    for row in range(2):
        rows = slice(row, row + 1)
        alone, _ = model_logits(model, code[rows], tokens[rows])
        np.testing.assert_allclose(both[rows], alone, atol=1e-5)


def test_the_backbones_stay_as_they_are_and_lend_nothing(given):
    before = given["decoder"].get_weights() + given["encoder"].get_weights()
    model = made(given)
    model.compile("sgd", run_eagerly=True)
    model.train_on_batch(TEXTS)
    after = given["decoder"].get_weights() + given["encoder"].get_weights()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_number_of_parameters(given):
    """Those of the backbones' used rows, of W_M, W_D, heads and a bias."""
    model = made(given)
    bert, gpt2 = given["encoder"], given["decoder"]
    read = 5 + len(backbones.WORD_PIECES)  # "[unused1]" among them.
    written = 4 + len(backbones.PIECES)
    expected = (
        bert.count_params()
        + 8 * (read - bert.vocabulary_size - 1)  # One segment less.
        + gpt2.count_params()
        + 4 * (written - gpt2.vocabulary_size)
        + 3 * (2 * 4 + 4)
        + 2 * (8 + 1) * 3
        + written
    )
    found = sum(np.prod(each.shape) for each in model.trainable_weights)
    assert found == expected


# -- Texts in, texts out ------------------------------------------------------


def test_texts_in_and_out(given, tmp_path):
    model = made(given, **OptimusVAE.recipe(num_steps=40))
    model.compile("adam")
    history = model.fit(TEXTS * 2, epochs=2, batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.encode(TEXTS).shape == (4, 3)
    assert len(model.generate(3)) == 3
    assert len(model.reconstruct(TEXTS, beam_width=2)) == 4
    assert len(model.interpolate(TEXTS[0], TEXTS[1], steps=3)) == 3
    figures = model.predict(TEXTS, verbose=0)
    bound = model.log_likelihood(TEXTS, num_samples=1)
    np.testing.assert_allclose(figures["nll"].shape, bound.shape)
    assert np.isfinite(bound).all()

    model.save(tmp_path / "model.keras")
    loaded = keras_textgen.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, keras_textgen.OptimusVAE)
    np.testing.assert_array_equal(
        loaded.log_likelihood(TEXTS, num_samples=2),
        model.log_likelihood(TEXTS, num_samples=2),
    )
    assert json.loads(json.dumps(model.get_config())) == loaded.get_config()


def test_a_text_that_is_longer_than_bert_reads(given):
    """Its first tokens are read, the last of which is the end."""
    model = made(given)
    long = " ".join(["the"] * 60)
    the = model.encoder_vocabulary.get_vocabulary().index("the")
    ids = np.array([[START_ID, *30 * [the], END_ID]], np.int32)
    features = model.read(model.vocabulary([long]))
    np.testing.assert_allclose(features, model.encoder(ids), atol=1e-6)
    assert np.isfinite(model.log_likelihood([long], num_samples=1)).all()


def test_dropout_of_the_backbones_is_left_out(given):
    noisy = parts(
        encoder=with_known_weights(backbones.bert_backbone(dropout=0.5)),
        decoder=with_known_weights(backbones.gpt2_backbone(dropout=0.5)),
    )
    tokens = tf.constant(made(given).vocabulary(TEXTS))
    found, expected = (
        made(each)(tokens, training=True)["nll"] for each in (noisy, given)
    )
    np.testing.assert_array_equal(found, expected)


def test_an_unknown_token_is_never_written(model):
    logits, _ = model.next_token_logits(
        tf.constant([START_ID]), model.initial_state(tf.ones([1, 3]))
    )
    assert tf.nn.softmax(logits)[0, UNKNOWN_ID] < 1e-6


# -- Its schedule -------------------------------------------------------------


def test_the_recipe():
    """0 for a half of a period, up in a quarter, 1 in the last one."""
    settings = OptimusVAE.recipe(num_steps=400, num_periods=2)
    weights = settings["kl_schedule"](tf.range(401)).numpy()
    period = np.clip((np.arange(200) - 100) / 50, 0, 1)
    np.testing.assert_allclose(weights, [*period, *period, 0], atol=1e-6)
    assert settings["free_bits_per_dimension"] == 0.5
    whole = OptimusVAE.recipe(num_steps=7, num_periods=10)["kl_schedule"]
    assert whole.period == 1
    with pytest.raises(ValueError, match="num_periods=0; allowed: whole"):
        OptimusVAE.recipe(7, 0)


# -- What is refused ----------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"encoder": lambda: backbones.gpt2_backbone()},
            "encoder of class GPT2Backbone; allowed: a "
            "keras_hub.models.BertBackbone",
        ),
        (
            {"decoder": lambda: keras.layers.Dense(2)},
            "decoder of class Dense; allowed: a keras_hub.models.GPT2Backbone",
        ),
        (
            {"encoder_tokenizer": backbones.gpt2_tokenizer},
            "encoder_tokenizer of class GPT2Tokenizer; allowed: a "
            "keras_hub.models.BertTokenizer",
        ),
        (
            {"decoder_tokenizer": lambda: None},
            "decoder_tokenizer of class NoneType; allowed: a "
            "keras_hub.models.GPT2Tokenizer",
        ),
        (
            {"encoder": lambda: backbones.bert_backbone(vocabulary_size=20)},
            f"encoder_tokenizer with the id {len(backbones.WORD_PIECES) + 5} "
            "and a backbone of vocabulary_size=20; allowed: the tokenizer of "
            "the backbone",
        ),
        (
            {"decoder": lambda: backbones.gpt2_backbone(vocabulary_size=99)},
            f"decoder_tokenizer with the id {len(backbones.PIECES) + 1} and a "
            "backbone of vocabulary_size=99; allowed: the tokenizer of the "
            "backbone",
        ),
        (
            {"decoder": lambda: backbones.gpt2_backbone(hidden_dim=5)},
            "units=5 with num_heads=2; allowed: a multiple of the number of "
            "heads",
        ),
        (
            {
                "decoder_tokenizer": lambda: keras_hub.models.GPT2Tokenizer(
                    {backbones.END: 0, "a": 1, "b": 2, "ab": 3}, ["a b"]
                )
            },
            "decoder_tokenizer without the piece '!'; allowed: one with a "
            "piece for each byte",
        ),
    ],
)
def test_parts_that_are_refused(given, changed, message):
    changed = {name: make() for name, make in changed.items()}
    with pytest.raises(ValueError, match="; allowed: ") as error:
        made({**given, **changed})
    assert str(error.value) == message


def test_an_encoder_of_another_vocabulary_is_refused(model):
    config = model.get_config()
    config["encoder"]["config"]["vocabulary_size"] += 1
    size = len(backbones.WORD_PIECES) + 5
    with pytest.raises(ValueError, match="; allowed: as many") as error:
        OptimusVAE.from_config(config)
    assert str(error.value) == (
        f"encoder with vocabulary_size={size + 1} and an encoder_vocabulary "
        f"of {size} ids; allowed: as many"
    )


def test_a_decoder_of_another_width_is_refused(model):
    with pytest.raises(ValueError, match="embedding_dim=3 and a decoder of"):
        OptimusVAE.from_config(model.get_config() | {"embedding_dim": 3})
    with pytest.raises(ValueError, match="embedding_dim=0; allowed: whole"):
        OptimusVAE.from_config(model.get_config() | {"embedding_dim": 0})


def test_without_keras_hub_one_line_names_the_extra(given, monkeypatch):
    imported = builtins.__import__

    def without_hub(name, *arguments, **options):
        if name == "keras_hub":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_hub)
    message = (
        "a backbone of keras_hub, which is not installed; allowed: pip "
        "install 'keras-textgen[transformers]'"
    )
    with pytest.raises(ValueError, match="not installed") as error:
        made(given)
    assert str(error.value) == message
