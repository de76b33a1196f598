"""HAN whose words are read by attention: parity, padding, saving, settings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.cli import settings
from keras_textgen.cli.errors import RunError
from keras_textgen.layers import length_groups
from keras_textgen.layers.encoders import TransformerEncoder
from keras_textgen.layers.transformer import TransformerStack
from keras_textgen.tasks.runs import task_class
from tests.layers import transformer_reference
from tests.models import han_reference
from tests.models.documents.test_han import DOCUMENTS, tiny
from tests.models.numpy_reference import attend, linear, log_softmax
from tests.models.tiny_models import close


def made(positions="rotary", **given):
    return tiny(encoder=TransformerStack(4, 2, 2, positions), **given)


@pytest.fixture(scope="module")
def padded():
    return tf.ragged.constant(DOCUMENTS, tf.int32).to_tensor()


def reference(model, sentences):
    """As `han_reference.reference`, the words read by the blocks."""
    embedding = model.embedding.embeddings.numpy()
    weights = model.word_attention
    kernel, bias, context = han_reference.arrays(
        weights.kernel, weights.bias, weights.context
    )
    vectors, of_words = [], []
    for sentence in sentences:
        outputs = transformer_reference.stack(
            model.word_encoder, embedding[sentence], len(sentence)
        )
        vectors.append(attend((kernel, bias, context), outputs))
        scores = np.tanh(outputs @ kernel + bias) @ context
        of_words.append(np.exp(log_softmax(scores)))
    vector, of_sentences = han_reference.pooled(
        han_reference.level(model.sentence_encoder, model.sentence_attention),
        np.stack(vectors),
    )
    output = han_reference.arrays(
        model.classifier.kernel, model.classifier.bias
    )
    return linear(output, vector), of_sentences, of_words


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_numpy_parity(padded, positions):
    model = made(positions)
    outputs = model(padded)
    for row, sentences in enumerate(DOCUMENTS):
        logits, weights, of_words = reference(model, sentences)
        close(outputs["logits"][row], logits)
        close(outputs["sentence_weights"][row, : len(sentences)], weights)
        for place, expected in enumerate(of_words):
            found = outputs["word_weights"][row, place].numpy()
            close(found[: len(expected)], expected)
            assert not found[len(expected) :].any()


def test_padding_and_the_batch_change_nothing(padded, monkeypatch):
    """Nor do the groups of like lengths, in which sentences are encoded."""
    monkeypatch.setattr(length_groups, "_ROWS_A_GROUP", 2)
    model = made()
    expected = model(padded)
    wider = model(tf.pad(padded, [[0, 1], [0, 2], [0, 5]]))
    sentences, words = padded.shape[1:]
    close(wider["logits"][:-1], expected["logits"])
    close(
        wider["word_weights"][:-1, :sentences, :words],
        expected["word_weights"],
    )
    total = tf.reduce_sum(wider["word_weights"])
    close(total, sum(map(len, DOCUMENTS)))
    for row in range(len(DOCUMENTS)):
        alone = model(tf.ragged.constant([DOCUMENTS[row]]).to_tensor())
        close(alone["logits"][0], expected["logits"][row])


def test_the_order_of_words_counts_and_one_word_is_itself():
    model = made()
    words = DOCUMENTS[0][0]
    first, second = (
        model(tf.constant([[each]]))["logits"] for each in (words, words[::-1])
    )
    assert np.abs(first - second).max() > 1e-4
    weights = model(tf.constant([[[9]]]))["word_weights"]
    close(weights, [[[1.0]]])


def test_it_learns_and_is_saved_whole(tmp_path, padded):
    model = made(seed=1)
    labels = np.array([0, 1, 2])
    model.compile(keras.optimizers.Adam(0.02))
    before = model.word_encoder.blocks[0].wide.kernel.numpy()
    model.fit(padded, labels, epochs=25, verbose=0)
    assert np.any(before != model.word_encoder.blocks[0].wide.kernel.numpy())
    assert model.evaluate(padded, labels, verbose=0, return_dict=True)[
        "accuracy"
    ] == pytest.approx(1)
    model.save(tmp_path / "model.keras")
    again = keras_textgen.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    close(again(padded)["logits"], model(padded)["logits"])


def test_encoders_by_name():
    own = tiny(encoder="recurrent")
    assert own.get_config()["encoder"] is None
    assert [w.shape for w in own.weights] == [w.shape for w in tiny().weights]
    named = tiny(encoder="transformer", embedding_dim=8)
    assert isinstance(named.word_encoder, TransformerStack)
    assert named.word_encoder.units == 8
    assert named.word_attention.kernel.shape == (8, 5)
    # The seed decides its first weights, too.
    first, second = (
        keras_textgen.HierarchicalAttentionNetwork(
            8, 2, embedding_dim=8, rnn_units=2, encoder="transformer", seed=5
        )
        for _ in range(2)
    )
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    with pytest.raises(ValueError, match="encoder='gru'; allowed: recurrent, "):
        tiny(encoder="gru")
    with pytest.raises(
        ValueError,
        match="encoder=TransformerEncoder, whose outputs are 2-dimensional; "
        "allowed: a layer that gives a vector a word",
    ):
        tiny(encoder=TransformerEncoder(4, 1, 2))


# -- The command line ----------------------------------------------------------


def parsed(*arguments):
    return settings.parse(["trainer.py", "--model=han", *arguments], "flags")


def test_a_run_with_a_transformer(tmp_path):
    path = tmp_path / "a.tsv"
    lines = [f"{'ab'[i % 2]}\tthe cat sat {i} ." for i in range(20)]
    path.write_text("\n".join(lines))
    found = parsed(
        "--dataset=text",
        f"--data_dir={path}",
        "--encoder=transformer",
        "--transformer_layers=1",
        "--transformer_units=6",
        "--transformer_heads=3",
        "--positions=learned",
        "--rnn_units=5",
    )
    model = task_class(found)(found).build_model()
    config = model.word_encoder.get_config()
    assert (config["units"], config["num_heads"]) == (6, 3)
    assert (config["num_layers"], config["positions"]) == (1, "learned")
    assert model.sentence_encoder.units == 5
    assert "--encoder=transformer" in settings.flagfile_text(found)
    plain = parsed("--dataset=text", f"--data_dir={path}")
    assert task_class(plain)(plain).build_model().has_own_encoder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--decoder=transformer"], "--decoder has a meaning only with --mode"),
        (["--latent_injection=memory"], "--latent_injection has a meaning on"),
        (["--tied_embeddings"], "--tied_embeddings has a meaning only with -"),
        (
            ["--transformer_units=8"],
            "--transformer_units has a meaning only with --encoder=transformer,"
            " not with --encoder=recurrent",
        ),
        (
            [
                "--encoder=transformer",
                "--transformer_units=9",
                "--transformer_heads=2",
            ],
            "--transformer_units=9 with --transformer_heads=2; allowed: a mult",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(RunError, match=message):
        parsed("--dataset=sotu", *arguments)
