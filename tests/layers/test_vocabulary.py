"""The softmax over the vocabulary against its formula in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ml_dtypes import bfloat16

from keras_textgen.layers import vocabulary
from keras_textgen.layers.vocabulary import VocabularyLogLikelihood

HIDDEN_SIZE, VOCABULARY_SIZE = 3, 7
POSSIBLE = [1, 3, 4, 5, 6]
TARGETS = np.array([[4, 1, 6, 0], [3, 0, 0, 0]], np.int32)
HIDDEN = np.sin(np.arange(2 * 4 * HIDDEN_SIZE) * 1.1).reshape(2, 4, -1)


def layer_with(kernel, bias):
    layer = VocabularyLogLikelihood(np.shape(kernel)[1])
    layer.build((None, None, len(kernel)))
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)
    return layer


@pytest.fixture
def layer():
    positions = np.arange(HIDDEN_SIZE * VOCABULARY_SIZE)
    return layer_with(
        np.cos(1.9 * positions).reshape(HIDDEN_SIZE, -1),
        np.linspace(-1, 1, VOCABULARY_SIZE),
    )


def masked(logits):
    """Without padding and the start token, in float64."""
    logits = np.array(logits, np.float64)
    logits[..., [0, 2]] = -np.inf
    return logits


def log_softmax(logits):
    logits = masked(logits)
    largest = np.max(logits, axis=-1, keepdims=True)
    shifted = logits - largest
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def test_agrees_with_log_softmax(layer):
    result = layer(tf.constant(HIDDEN, tf.float32), tf.constant(TARGETS))
    kernel = np.asarray(layer.kernel, np.float64)
    all_tokens = log_softmax(HIDDEN @ kernel + np.asarray(layer.bias))
    for row, column in np.argwhere(TARGETS):
        target = TARGETS[row, column]
        assert result[row, column].numpy() == pytest.approx(
            all_tokens[row, column, target], abs=1e-5
        )


def test_probabilities_of_all_tokens_add_up_to_one(layer):
    hidden = tf.constant(HIDDEN[:1, :1], tf.float32)
    repeated = tf.repeat(hidden, len(POSSIBLE), axis=1)
    scores = layer(repeated, tf.constant([POSSIBLE]))
    assert np.sum(np.exp(scores)) == pytest.approx(1, abs=1e-6)
    drawn = tf.nn.softmax(layer.logits(hidden))[0, 0]
    np.testing.assert_allclose(
        tf.gather(drawn, POSSIBLE), np.exp(scores[0]), rtol=1e-5
    )


def test_padding_and_start_token_have_no_probability(layer):
    hidden = tf.constant(HIDDEN, tf.float32)
    probabilities = tf.nn.softmax(layer.logits(hidden)).numpy()
    assert not np.any(probabilities[..., [0, 2]])
    values = layer(hidden, tf.constant([[4, 2, 6, 0], [3, 0, 0, 0]])).numpy()
    assert values[0, 1] == -np.inf
    usual = layer(hidden, tf.constant(TARGETS)).numpy()
    np.testing.assert_array_equal(values[0, [0, 2, 3]], usual[0, [0, 2, 3]])


def test_weights_of_padding_and_start_token_change_nothing(layer):
    """Nor are they changed, whatever stands there in a file."""
    hidden = tf.constant(HIDDEN, tf.float32)
    values = layer(hidden, tf.constant(TARGETS)).numpy()
    _, *gradients = gradients_of(layer, layer)
    for gradient in gradients:
        assert not np.any(gradient.numpy()[..., [0, 2]])
    for weight in (layer.kernel, layer.bias):
        others = weight.numpy()
        others[..., [0, 2]] = 50.0
        weight.assign(others)
    np.testing.assert_array_equal(layer(hidden, tf.constant(TARGETS)), values)


def test_logits(layer):
    kernel, bias = np.asarray(layer.kernel), np.asarray(layer.bias)
    np.testing.assert_allclose(
        layer.logits(tf.constant(HIDDEN, tf.float32)),
        masked(HIDDEN @ kernel + bias),
        atol=1e-6,
    )
    half = layer.logits(tf.constant(HIDDEN[:, 0], tf.float16))
    assert half.dtype == tf.float32
    expected = masked(HIDDEN[:, 0] @ kernel + bias)
    np.testing.assert_allclose(half, expected, atol=5e-3)


def plain(layer, hidden, targets):
    """The formula, differentiated by TensorFlow."""
    logits = hidden @ layer.kernel + layer.bias
    probabilities = tf.exp(logits)
    total = tf.reduce_sum(tf.gather(probabilities, POSSIBLE, axis=-1), -1)
    values = tf.gather(logits, targets, batch_dims=2) - tf.math.log(total)
    return tf.where(targets == 0, 0.0, values)


def gradients_of(function, layer):
    hidden = tf.Variable(HIDDEN, dtype=tf.float32)
    weights = tf.constant([[0.3, -1.0, 2.0, 5.0], [0.7, 1.0, 1.0, 1.0]])
    with tf.GradientTape() as tape:
        values = function(hidden, tf.constant(TARGETS))
        total = tf.reduce_sum(weights * values)
    return tape.gradient(total, [hidden, *layer.trainable_variables])


def test_gradient_is_that_of_the_formula(layer):
    gradients = gradients_of(layer, layer)
    expected = gradients_of(lambda *each: plain(layer, *each), layer)
    for gradient, desired in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, desired, atol=1e-5)
        assert np.any(gradient)


def test_gradient_agrees_with_differences(layer):
    def total(hidden, kernel, bias):
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
        return float(tf.reduce_sum(layer(hidden, tf.constant(TARGETS))))

    points = [
        np.asarray(each, np.float32)
        for each in (HIDDEN, layer.kernel, layer.bias)
    ]
    hidden = tf.Variable(points[0])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(hidden, tf.constant(TARGETS)))
    gradients = tape.gradient(value, [hidden, layer.kernel, layer.bias])
    for which, gradient in enumerate(gradients):
        direction = np.cos(np.arange(gradient.numpy().size))
        direction = 0.01 * direction.reshape(gradient.shape)
        ahead, behind = list(points), list(points)
        ahead[which] = points[which] + direction.astype(np.float32)
        behind[which] = points[which] - direction.astype(np.float32)
        difference = (total(*ahead) - total(*behind)) / 2
        slope = np.sum(gradient * direction)
        assert difference == pytest.approx(slope, rel=5e-3)


def test_padding_gives_zero_and_no_gradient(layer):
    hidden = tf.constant(HIDDEN, tf.float32)
    is_padding = TARGETS == 0
    values = layer(hidden, tf.constant(TARGETS)).numpy()
    assert not np.any(values[is_padding])
    gradients = gradients_of(layer, layer)
    assert not np.any(gradients[0].numpy()[is_padding])
    # Not even where the hidden states of padding are no numbers.
    spoilt = np.where(is_padding[..., np.newaxis], np.nan, HIDDEN)
    result = layer(tf.constant(spoilt, tf.float32), tf.constant(TARGETS))
    np.testing.assert_array_equal(result, values)


@pytest.mark.parametrize("largest", [200.0, 1e4])
def test_extreme_logits(largest):
    """Log-probabilities far below the smallest float32, both signs."""
    logits = np.linspace(-largest, largest, VOCABULARY_SIZE)
    layer = layer_with(np.zeros([HIDDEN_SIZE, VOCABULARY_SIZE]), logits)
    targets = tf.constant([POSSIBLE])
    hidden = tf.ones([1, len(POSSIBLE), HIDDEN_SIZE])
    with tf.GradientTape() as tape:
        result = layer(hidden, targets)
    np.testing.assert_allclose(
        result[0], log_softmax(logits)[POSSIBLE], rtol=1e-6
    )
    assert np.min(result) < -100
    gradient = tape.gradient(result, layer.bias)
    # Five times one-hot minus the softmax, which is all on the last token.
    expected = np.array([0, 1, 0, 1, 1, 1, 1]) - 5 * np.exp(log_softmax(logits))
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("bias", [-200.0, 200.0])
def test_a_common_shift_cancels(layer, bias):
    hidden = tf.constant(HIDDEN, tf.float32)
    values = layer(hidden, tf.constant(TARGETS)).numpy()
    layer.bias.assign_add(tf.fill([VOCABULARY_SIZE], bias))
    shifted = layer(hidden, tf.constant(TARGETS))
    np.testing.assert_allclose(shifted, values, atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 4), (0, 4), (2, 0), (0, 0)])
def test_batch_without_a_token(layer, shape):
    hidden = tf.Variable(tf.ones([*shape, HIDDEN_SIZE]))
    with tf.GradientTape() as tape:
        values = layer(hidden, tf.zeros(shape, tf.int32))
        total = tf.reduce_sum(values)
    assert values.shape == shape
    assert not np.any(values)
    for gradient in tape.gradient(total, [hidden, layer.kernel, layer.bias]):
        assert not np.any(gradient)


def test_works_in_a_graph_of_free_shapes(layer):
    graph = tf.function(
        layer,
        input_signature=[
            tf.TensorSpec([None, None, HIDDEN_SIZE]),
            tf.TensorSpec([None, None], tf.int32),
        ],
    )
    hidden = tf.constant(HIDDEN, tf.float32)
    for time in (4, 2):
        targets = tf.constant(TARGETS[:, :time])
        np.testing.assert_allclose(
            graph(hidden[:, :time], targets),
            layer(hidden[:, :time], targets),
            atol=1e-6,
        )


def test_stays_in_float32_under_half_precision():
    layer = VocabularyLogLikelihood(
        VOCABULARY_SIZE, dtype=keras.DTypePolicy("mixed_float16")
    )
    values = layer(tf.constant(HIDDEN, tf.float16), tf.constant(TARGETS))
    assert values.dtype == tf.float32
    assert layer.kernel.dtype == "float32"


def rounded(values):
    """To bfloat16, in float64."""
    return np.asarray(values, np.float32).astype(bfloat16).astype(np.float64)


@pytest.fixture
def half(layer):
    """The same layer, with products of bfloat16 in training."""
    half = VocabularyLogLikelihood(VOCABULARY_SIZE, training_dtype="bfloat16")
    half.build((None, None, HIDDEN_SIZE))
    half.set_weights(layer.get_weights())
    return half


def test_products_of_bfloat16_in_training(layer, half):
    inputs = tf.constant(HIDDEN, tf.float32), tf.constant(TARGETS)
    kernel, bias = np.asarray(layer.kernel), np.asarray(layer.bias)
    logits = rounded(rounded(HIDDEN) @ rounded(kernel)) + bias
    expected = np.take_along_axis(
        log_softmax(logits), TARGETS[..., np.newaxis], -1
    )[..., 0]
    expected[TARGETS == 0] = 0
    values = half(*inputs, training=True)
    np.testing.assert_allclose(values, expected, atol=1e-5)
    assert not np.allclose(values, layer(*inputs, training=True), atol=1e-4)
    np.testing.assert_array_equal(half(*inputs), layer(*inputs))
    copy = VocabularyLogLikelihood.from_config(half.get_config())
    assert copy.training_dtype == "bfloat16"


def test_gradient_of_bfloat16_is_near(layer, half, small_blocks):
    found = gradients_of(lambda *each: half(*each, training=True), half)
    expected = gradients_of(layer, layer)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype == tf.float32
        atol = 0.01 * np.max(np.abs(other))
        np.testing.assert_allclose(one, other, atol=atol)


@pytest.fixture(params=[(1, 1), (1, 2), (2, 1), (3, 5)])
def small_blocks(request, monkeypatch):
    """So many of the four tokens are kept, further ones taken at a time."""
    kept, block = (each * VOCABULARY_SIZE for each in request.param)
    monkeypatch.setattr(vocabulary, "KEPT_ELEMENTS", kept)
    monkeypatch.setattr(vocabulary, "BLOCK_ELEMENTS", block)
    return request.param


def test_blocks_are_small(layer, small_blocks, monkeypatch):
    sizes = []
    softmax = tf.nn.softmax

    def noted(logits):
        sizes.append(len(logits))
        return softmax(logits)

    monkeypatch.setattr(tf.nn, "softmax", noted)
    gradients_of(layer, layer)
    kept, large = small_blocks
    further = 4 - kept
    small = max(1, large // 4)
    blocks = [large] * (further // large) + [small] * (
        -(-(further % large) // small)
    )
    assert sizes == [kept, *blocks, *blocks]
    assert kept + sum(blocks) < 4 + small


@pytest.mark.usefixtures("small_blocks")
def test_blocks_change_nothing(layer):
    test_agrees_with_log_softmax(layer)
    test_gradient_is_that_of_the_formula(layer)
    test_padding_gives_zero_and_no_gradient(layer)
    test_works_in_a_graph_of_free_shapes(layer)
    test_batch_without_a_token(layer, (2, 4))
    test_batch_without_a_token(layer, (0, 0))


def test_one_rare_target_does_not_change_the_others():
    """Whether a target underflows is a matter of its own row alone."""
    logits = np.linspace(-200, 0, VOCABULARY_SIZE)
    layer = layer_with(np.zeros([HIDDEN_SIZE, VOCABULARY_SIZE]), logits)
    hidden = tf.ones([1, 2, HIDDEN_SIZE])
    _, alone = layer(hidden, tf.constant([[6, 5]]))[0].numpy()
    rare, beside = layer(hidden, tf.constant([[1, 5]]))[0].numpy()
    assert rare == pytest.approx(log_softmax(logits)[1], rel=1e-6)
    assert rare < np.log(np.finfo(np.float32).tiny)
    assert beside == alone


@pytest.mark.parametrize("in_blocks", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradient_in_a_graph(layer, monkeypatch, in_blocks, jit_compile):
    if in_blocks:
        monkeypatch.setattr(vocabulary, "KEPT_ELEMENTS", 2 * VOCABULARY_SIZE)
        monkeypatch.setattr(vocabulary, "BLOCK_ELEMENTS", VOCABULARY_SIZE)

    def values_and_gradients(hidden, targets):
        with tf.GradientTape() as tape:
            tape.watch(hidden)
            values = layer(hidden, targets)
            total = tf.reduce_sum(values**2)
        sources = [hidden, *layer.trainable_variables]
        return [values, *tape.gradient(total, sources)]

    graph = tf.function(
        values_and_gradients,
        autograph=False,
        jit_compile=jit_compile,
        input_signature=[
            tf.TensorSpec([None, None, HIDDEN_SIZE]),
            tf.TensorSpec([None, None], tf.int32),
        ],
    )
    arguments = tf.constant(HIDDEN, tf.float32), tf.constant(TARGETS)
    actual = graph(*arguments)
    desired = values_and_gradients(*arguments)
    for one, other in zip(actual, desired, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
