"""Models under scikit-learn's own functions, with lists of strings."""

import numpy as np
import pytest
import sklearn.base
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

import keras_textgen
from keras_textgen.estimators import TextClassifier, TextTransformer

TEXTS = [f"{word} {end}" for end in "abcd" for word in ("good", "bad", "fine")]
LABELS = ["yes", "no", "yes"] * 4
SETTINGS = {"embedding_dim": 4, "rnn_units": 3, "attention_units": 3, "seed": 1}


def make_han(texts, labels):
    vocabulary = keras_textgen.Vocabulary.from_texts(texts)
    model = keras_textgen.HierarchicalAttentionNetwork(
        vocabulary, len(set(labels)), **SETTINGS
    )
    model.compile("adam", run_eagerly=True)
    return model


def make_sae(texts, labels):
    vocabulary = keras_textgen.Vocabulary.from_texts(texts)
    model = keras_textgen.SoftmaxAutoencoder(vocabulary, latent_dim=3, seed=1)
    model.compile("adam", run_eagerly=True)
    return model


def classifier():
    return TextClassifier(make_han, {"epochs": 2})


def test_a_classifier_is_the_model_that_it_fits():
    estimator = classifier().fit(TEXTS, LABELS)
    model = make_han(TEXTS, LABELS)
    numbers = [int(label == "yes") for label in LABELS]
    model.fit(TEXTS, numbers, epochs=2, verbose=0)
    assert estimator.classes_.tolist() == ["no", "yes"]
    expected = model.predict(TEXTS, verbose=0)
    np.testing.assert_array_equal(estimator.predict_proba(TEXTS), expected)
    named = [["no", "yes"][i] for i in expected.argmax(axis=1)]
    assert estimator.predict(TEXTS).tolist() == named
    share = np.mean(np.array(named) == LABELS)
    assert estimator.score(TEXTS, LABELS) == pytest.approx(share)


def test_cross_validation_fits_each_part_anew():
    """Of a pipeline that ends with it, on labels that are any numbers."""
    labels = np.array([7 if label == "yes" else -1 for label in LABELS])
    folds = StratifiedKFold(2)
    pipeline = Pipeline([("same", "passthrough"), ("han", classifier())])
    found = cross_val_score(
        pipeline, TEXTS, labels, cv=folds, error_score="raise"
    )
    expected = []
    for train, test in folds.split(TEXTS, labels):
        one = classifier().fit([TEXTS[i] for i in train], labels[train])
        predicted = one.predict([TEXTS[i] for i in test])
        assert set(predicted) <= {7, -1}
        expected.append(accuracy_score(labels[test], predicted))
    np.testing.assert_allclose(found, expected)


def test_a_transformer_begins_a_pipeline():
    pipeline = make_pipeline(
        TextTransformer(make_sae), KMeans(2, n_init=1, random_state=0)
    )
    clusters = pipeline.fit_predict(TEXTS)
    model = make_sae(TEXTS, None)
    model.fit(TEXTS, verbose=0)
    codes = pipeline[0].transform(TEXTS)
    np.testing.assert_allclose(codes, model.encode(TEXTS), rtol=1e-5)
    alone = KMeans(2, n_init=1, random_state=0).fit_predict(codes)
    assert clusters.tolist() == alone.tolist()


def test_codes_are_judged_by_cross_validation():
    pipeline = make_pipeline(TextTransformer(make_sae), LogisticRegression())
    scores = cross_val_score(pipeline, TEXTS, LABELS, cv=2, error_score="raise")
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


def test_estimators_are_cloned_without_their_model():
    estimator = classifier()
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    estimator.model_ = "a model"
    check_is_fitted(estimator)
    again = sklearn.base.clone(estimator)
    assert again.make is make_han
    assert again.fit_arguments == {"epochs": 2}
    assert not hasattr(again, "model_")
