"""Beginning with the weights of a trained model."""

import numpy as np
import pytest
import scipy.sparse

from keras_textgen import Vocabulary
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.models import parts
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.warm_start import start_from
from tests.conformance import other_models
from tests.conformance.keras_cases import CASES, parametrized
from tests.conformance.registry import with_known_weights
from tests.data.subwords.corpus import need_packages


@parametrized(CASES)
def test_of_the_same_names_all_is_taken(case):
    trained, model = case.make(), case.make()
    model.set_weights([0 * weight for weight in model.get_weights()])
    known = start_from(model, trained)
    assert all(there == count for there, count in known.values())
    for weight, expected in zip(model.weights, trained.weights, strict=True):
        if "float" in expected.dtype:
            np.testing.assert_array_equal(weight.numpy(), expected.numpy())


def language_model(words):
    (case,) = (case for case in CASES if case.name == "lstm_lm")
    config = case.make().get_config()
    config["vocabulary"]["config"]["words"] = words
    return with_known_weights(type(case.make()).from_config(config))


def test_words_move_with_their_vectors():
    trained = language_model(["cat", "dog", "rat"])
    model = language_model(["bat", "rat", "cat"])
    for weight in model.weights:
        weight.assign(-np.abs(weight.numpy()) - 1)
    fresh = model.embedding.embeddings.numpy()
    known = start_from(model, trained)
    new, old = (m.vocabulary.get_vocabulary() for m in (model, trained))
    assert known == {"vocabulary": (2, 3)}
    embeddings = model.embedding.embeddings.numpy()
    kernel = model.output_layer.kernel.numpy()
    bias = model.output_layer.bias.numpy()
    theirs = trained.output_layer
    for number, word in enumerate(new):
        if word == "bat":
            np.testing.assert_array_equal(embeddings[number], fresh[number])
            assert (kernel[:, number] <= -1).all()
            assert bias[number] <= -1
            continue
        place = old.index(word)
        np.testing.assert_array_equal(
            embeddings[number], trained.embedding.embeddings.numpy()[place]
        )
        np.testing.assert_array_equal(
            kernel[:, number], theirs.kernel.numpy()[:, place]
        )
        assert bias[number] == theirs.bias.numpy()[place]


def test_the_same_words_in_another_order_score_the_same():
    words = ["cat", "dog", "rat"]
    trained, model = language_model(words), language_model(words[::-1])
    start_from(model, trained)
    texts = ["cat dog", "rat", "dog rat cat"]
    np.testing.assert_allclose(
        model.log_likelihood(texts), trained.log_likelihood(texts), rtol=1e-5
    )


def test_subwords_that_both_have_keep_their_vectors():
    need_packages()
    texts = ["the cat sat on a mat", "a rat sat", "cats and rats"]
    trained, model = (
        with_known_weights(
            LSTMLanguageModel(
                SubwordVocabulary.from_texts(lines, algorithm="bpe"),
                embedding_dim=3,
                rnn_units=2,
            )
        )
        for lines in (texts, [*texts, "dogs and dogs"])
    )
    for weight in model.trainable_weights:
        weight.assign(weight + 5)
    pieces, before = (
        each.vocabulary.get_vocabulary() for each in (model, trained)
    )
    common = set(pieces) & set(before)
    assert 256 + 4 < len(common) < len(pieces)
    known = start_from(model, trained)
    assert known == {"vocabulary": (len(common) - 4, len(pieces) - 4)}
    new, old = (each.embedding.embeddings.numpy() for each in (model, trained))
    for place, piece in enumerate(pieces):
        if piece in common:
            np.testing.assert_array_equal(new[place], old[before.index(piece)])
        else:
            assert (new[place] > 4).all()


def classifier(labels, units=2):
    return with_known_weights(
        other_models.HierarchicalAttentionNetwork(
            other_models.VOCABULARY,
            labels,
            embedding_dim=3,
            rnn_units=units,
            attention_units=3,
        )
    )


def test_classes_move_with_their_weights():
    # As many classes as another size, which must not move with them.
    trained, model = classifier(["a", "b", "c"]), classifier(["c", "x", "a"])
    start_from(model, trained)
    documents = other_models.DOCUMENTS[:3]
    ours = np.log(model.predict(documents, verbose=0))
    theirs = np.log(trained.predict(documents, verbose=0))
    np.testing.assert_allclose(
        ours[:, 0] - ours[:, 2], theirs[:, 2] - theirs[:, 0], rtol=1e-4
    )


def recommender(rows, columns, features):
    seen = np.zeros([len(rows), len(columns)])
    seen[0, 0] = 1
    return with_known_weights(
        other_models.DualMatrixFactorization(
            rows,
            columns,
            row_dim=3,
            col_dim=3,
            row_layers=[],
            col_layers=[],
            row_features=features,
            row_feature_dim=3,
            join="add",
            seen=scipy.sparse.csr_array(seen),
        )
    )


def test_rows_and_columns_move_with_their_vectors():
    trained = recommender(["a", "b", "c"], ["p", "q"], np.eye(3, 3))
    features = np.ones([4, 3])
    model = recommender(list("cdab"), ["q", "r", "p"], features)
    for weight in model.trainable_weights:
        weight.assign(-np.abs(weight.numpy()) - 1)
    seen = model.seen.values.numpy()
    known = start_from(model, trained)
    assert known == {"row_ids": (3, 4), "col_ids": (2, 3)}
    for tower, places, fresh in (
        ("row_tower", {0: 2, 2: 0, 3: 1}, 1),
        ("col_tower", {0: 1, 2: 0}, 1),
    ):
        new, old = (
            getattr(each, tower).embedding.numpy() for each in (model, trained)
        )
        for here, there in places.items():
            np.testing.assert_array_equal(new[here], old[there])
        assert (new[fresh] <= -1).all()
    # What is data is the new model's own.
    np.testing.assert_array_equal(model.seen.values.numpy(), seen)
    assert model.seen.num_rows == 4


def test_counters_begin_anew():
    trained = language_model(["cat"])
    trained.fit(["cat"], verbose=0)
    model = language_model(["cat"])
    start_from(model, trained)
    assert (int(trained.train_steps), int(model.train_steps)) == (1, 0)


def test_other_sizes_and_classes_are_refused():
    labels = ["a", "b", "c"]
    with pytest.raises(ValueError, match="allowed: the sizes of the trained"):
        start_from(classifier(labels), classifier(labels, units=3))
    with pytest.raises(ValueError, match="allowed: a model of the same class"):
        start_from(classifier(labels), language_model(["cat"]))


def test_nothing_has_changed_where_it_is_refused():
    labels = ["a", "b", "c"]
    model = classifier(labels)
    before = model.get_weights()
    with pytest.raises(ValueError, match="the sizes"):
        start_from(model, classifier(labels, units=3))
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_remedy_of_training_does_not_count():
    words = Vocabulary(["cat", "dog"])
    sizes = {"embedding_dim": 2, "rnn_units": 3, "latent_dim": 2}
    trained = LSTMVAE(words, seed=1, **sizes)
    model = LSTMVAE(words, seed=2, aggressive_encoder=True, **sizes)
    start_from(model, trained)
    for name in ("embedding", "encoder", "decoder"):
        for weight, expected in zip(
            getattr(model, name).weights,
            getattr(trained, name).weights,
            strict=True,
        ):
            np.testing.assert_array_equal(weight.numpy(), expected.numpy())
    start_from(trained, model)


def test_frozen_layers_stay():
    model = language_model(["cat", "dog"])
    parts.freeze(model, "embedding,output_layer")
    before = [weight.numpy() for weight in model.embedding.weights]
    model.fit(["cat dog", "dog"], verbose=0)
    for weight, expected in zip(model.embedding.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected)
    with pytest.raises(
        ValueError,
        match="--freeze=head: no such layer; allowed: embedding, decoder, ",
    ):
        parts.freeze(model, "embedding,head")
