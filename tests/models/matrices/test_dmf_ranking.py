"""Ranking feedback: the loss, its gradient, what is drawn, what is learnt."""

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.batches.cells import RankingBatches
from keras_textgen.data.cells import Ratings, ratings_of
from keras_textgen.models.loading import load_model
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.objectives.sampled_softmax import sampled_softmax_losses
from tests.models.tiny_matrices import with_sines

SHAPE = 4, 6
# The last row has every column, of which two are not liked.
CELLS = ratings_of(
    [0, 0, 1, 2, 2, *[3] * 6],
    [1, 4, 0, 5, 2, *range(6)],
    [5, 1, 4, 4, -2, 4, 5, 1, 2, 5, 5],
)


def make(**settings):
    """Biased factorization with weights that are set."""
    model = DualMatrixFactorization.from_matrix(
        CELLS.matrix(SHAPE),
        **{
            "feedback": "ranking",
            "row_dim": 2,
            "col_dim": 2,
            "row_layers": (),
            "col_layers": (),
            **settings,
        },
    )
    return with_sines(model)


def scores_of(model):
    return (model.row_encoder() @ model.col_encoder().T).astype(float)


def full_losses(scores, cells):
    """Of each cell among the columns that its row does not have."""
    known = cells.matrix(SHAPE).toarray() != 0
    losses = []
    for row, column in zip(cells.rows, cells.columns, strict=True):
        among = [column, *np.flatnonzero(~known[row])]
        exponentials = np.exp(scores[row, among])
        losses.append(-np.log(exponentials[0] / exponentials.sum()))
    return losses


# -- The loss ------------------------------------------------------------------


def test_loss_by_brute_force():
    generator = np.random.default_rng(0)
    relevant, drawn = generator.normal(size=5), generator.normal(size=[5, 3])
    counts = np.array([7.0, 3.0, 1.0, 90.0, 0.0])
    expected = [
        -np.log(
            np.exp(one)
            / (np.exp(one) + sum(np.exp(other) for other in others) * count / 3)
        )
        for one, others, count in zip(relevant, drawn, counts, strict=True)
    ]
    found = sampled_softmax_losses(
        *(tf.constant(each, tf.float32) for each in (relevant, drawn, counts))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert float(found[-1]) == 0


def test_gradient_by_differences():
    generator = np.random.default_rng(1)
    inputs = [generator.normal(size=2), generator.normal(size=[2, 4])]
    # The second cell has nothing behind which it could be.
    counts = tf.constant([9.0, 0.0])

    def total(relevant, drawn):
        drawn = np.concatenate([drawn + np.log(9 / 4), relevant[:, None]], 1)
        return np.log(np.exp(drawn[0]).sum()) - relevant[0]

    tensors = [tf.constant(each, tf.float32) for each in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        loss = tf.reduce_sum(sampled_softmax_losses(*tensors, counts))
    found = tape.gradient(loss, tensors)
    for place, array in enumerate(inputs):
        for index in np.ndindex(array.shape):
            moved = []
            for step in (-1e-5, 1e-5):
                changed = [each.copy() for each in inputs]
                changed[place][index] += step
                moved.append(total(*changed))
            expected = (moved[1] - moved[0]) / 2e-5
            assert float(found[place][index]) == pytest.approx(
                expected, abs=1e-4
            )


def test_drawn_columns_stand_for_all():
    model = make(negatives=4000, seed=2)
    found = model.evaluate(CELLS, verbose=0, return_dict=True)
    assert list(found) == ["loss"]
    expected = np.mean(full_losses(scores_of(model), CELLS))
    assert found["loss"] == pytest.approx(expected, rel=0.02)


def test_penalties_in_training_alone():
    model = make(negatives=2, l2=0.1, bias_l2=0.2)
    (batch,) = model.batches(CELLS, 99).evaluation_dataset()
    losses = [
        model.step_outputs(batch, training=training)["losses"].numpy()
        for training in (True, False)
    ]
    expected = 0.0
    for tower, ids in (
        (model.row_tower, CELLS.rows),
        (model.col_tower, CELLS.columns),
    ):
        expected += 0.1 * np.sum(tower.embedding.numpy()[ids] ** 2, axis=1)
        expected += 0.2 * tower.bias.numpy()[ids] ** 2
    np.testing.assert_allclose(losses[0] - losses[1], expected, rtol=1e-4)


# -- What is drawn -------------------------------------------------------------


def test_batches_are_a_function_of_seed_epoch_and_step():
    batches = RankingBatches(CELLS, SHAPE, 4, seed=3, negatives=5)
    assert batches.steps_per_epoch == 3
    whole = list(batches.training_stream().take(6))
    again = list(batches.training_stream(1, 1).take(2))
    for one, other in zip(whole[4:], again, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    cells = sorted(
        (int(row), int(column))
        for batch in whole[:3]
        for row, column in zip(batch["row"], batch["column"], strict=True)
    )
    assert cells == sorted(zip(CELLS.rows, CELLS.columns, strict=True))


def test_nothing_relevant_is_drawn_and_all_else_is():
    """Not even where a row has every column: nothing searches in vain."""
    known = CELLS.matrix(SHAPE).toarray() != 0
    for above in (None, 3.0):
        model = make(negatives=300, relevant_above=above)
        values = CELLS.matrix(SHAPE).toarray()
        relevant = known if above is None else values > above
        (batch,) = model.batches(CELLS, 99).evaluation_dataset()
        assert len(batch["row"]) == np.count_nonzero(relevant)
        for row, drawn, count in zip(
            batch["row"].numpy(),
            batch["drawn"].numpy(),
            batch["unobserved"].numpy(),
            strict=True,
        ):
            others = set(np.flatnonzero(~relevant[row]))
            assert count == len(others)
            assert set(drawn) == (others or {0})


def test_validation_cells_never_draw_those_of_training():
    valid = ratings_of([0, 1], [0, 3], [5, 5])
    model = make(negatives=300)
    (batch,) = model.batches(valid, 99).evaluation_dataset()
    for row, drawn in zip(batch["row"].numpy(), batch["drawn"], strict=True):
        known = set(CELLS.columns[CELLS.rows == row])
        known |= set(valid.columns[valid.rows == row])
        assert set(drawn.numpy()) == set(range(6)) - known


# -- Training ------------------------------------------------------------------


def test_held_out_columns_of_two_tastes():
    """Even rows have even columns; each leaves one out, which comes first."""
    rows, columns = np.nonzero(np.indices((12, 12)).sum(axis=0) % 2 == 0)
    held_out = (rows + columns) // 2 % 6 == rows // 2
    cells = Ratings(rows, columns, np.ones(len(rows)))
    keras.utils.set_random_seed(0)
    model = DualMatrixFactorization.from_matrix(
        cells[~held_out].matrix((12, 12)),
        feedback="ranking",
        negatives=8,
        row_dim=3,
        col_dim=3,
        row_layers=(),
        col_layers=(),
    )
    model.compile(keras.optimizers.Nadam(0.05))
    model.fit(cells[~held_out], batch_size=30, epochs=40, verbose=0)
    best = model.recommend(k=1).columns[:, 0]
    assert len(rows[held_out]) == 12
    assert best[rows[held_out]].tolist() == columns[held_out].tolist()


def test_start_at_popularity():
    model = make()
    model.col_tower.embedding.assign(np.zeros([6, 2]))
    model.start_at_baseline(CELLS, CELLS)
    shares = np.exp(model.col_tower.bias.numpy())
    counts = np.bincount(CELLS.columns, minlength=6) + 1
    np.testing.assert_allclose(
        shares / shares.sum(), counts / counts.sum(), rtol=1e-5
    )


def test_start_at_biases():
    generator = np.random.default_rng(0)
    rows, columns = generator.permutation(24), np.arange(24) % 6
    effects = generator.normal(size=4), generator.normal(size=6)
    cells = ratings_of(
        rows % 4, columns, 3 + effects[0][rows % 4] + effects[1][columns]
    )
    model = make(feedback="explicit", duplicates="first")
    model.start_at_baseline(cells, cells)
    zeros = np.zeros([4, 2])
    model.row_tower.embedding.assign(zeros)
    # Almost no regularization, as there is no noise.
    errors = model.predict(cells, verbose=0) - cells.values
    assert np.sqrt(np.mean(errors**2)) < 0.15 * np.std(cells.values)
    again = load_model_of(model)
    assert again.global_mean == model.global_mean
    for other in (make(feedback="implicit"), make(use_biases=False)):
        with pytest.raises(ValueError, match=r"allowed: explicit or ranking"):
            other.start_at_baseline(cells, cells)


def load_model_of(model):
    return type(model).from_config(model.get_config())


def test_saved_model_is_the_same(tmp_path):
    model = make(relevant_above=3.0, duplicates="mean", negatives=3)
    model.fit(CELLS, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert (again.feedback, again.relevant_above) == ("ranking", 3.0)
    assert (again.duplicates, again.negatives) == ("mean", 3)
    np.testing.assert_array_equal(again.row_encoder(), model.row_encoder())
    np.testing.assert_array_equal(
        again.recommend(k=3).columns, model.recommend(k=3).columns
    )
    assert model.evaluate(CELLS, verbose=0) == pytest.approx(
        again.evaluate(CELLS, verbose=0)
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value_range": (1, 5)}, r"value_range=\(1, 5\) with feedback='rank"),
        (
            {"feedback": "explicit", "relevant_above": 3},
            "relevant_above=3 with feedback=",
        ),
        ({"duplicates": "any"}, "duplicates='any'; allowed: f"),
        ({"negatives": 0}, "negatives=0"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        make(**settings)
    assert "\n" not in str(caught.value)


def test_nothing_relevant():
    model = make(relevant_above=9.0)
    with pytest.raises(ValueError, match="no value above 9; allowed: 1 or"):
        model.fit(CELLS, epochs=1, verbose=0)


# -- Pairs given again, and ids, of every feedback -----------------------------

FIELDS = ("user", "film", "stars")
TABLE = {
    "user": [7, 9, 7, 7],
    "film": ["a", "b", "b", "a"],
    "stars": [1.0, 2.0, 3.0, 4.0],
}


def coo(table):
    places = [0, 1, 0, 0], [0, 1, 1, 0]
    return scipy.sparse.coo_array((table["stars"], places), (2, 2))


@pytest.mark.parametrize("feedback", ["explicit", "implicit", "ranking"])
@pytest.mark.parametrize(
    ("duplicates", "value"),
    [("first", 1.0), ("last", 4.0), ("mean", 2.5), ("sum", 5.0)],
)
def test_merged_from_python(feedback, duplicates, value):
    settings = {"feedback": feedback, "duplicates": duplicates}
    of_table = DualMatrixFactorization.from_table(TABLE, FIELDS, **settings)
    of_matrix = DualMatrixFactorization.from_matrix(coo(TABLE), **settings)
    by_number = Ratings(*coo(TABLE).coords, np.array(TABLE["stars"]))
    for model, data in (
        (of_table, TABLE),
        (of_matrix, coo(TABLE)),
        (of_matrix, by_number),
    ):
        cells = model.batches(data).cells
        assert cells.rows.tolist() == [0, 1, 0]
        assert cells.columns.tolist() == [0, 1, 1]
        assert cells.values.tolist() == [value, 2, 3]
        assert model._seen_cells().values.tolist() == [value, 3, 2]
        if feedback == "explicit":
            assert model.global_mean == pytest.approx((value + 5) / 3)


def test_refused_from_python():
    pair = "row 0, column 0 is given again; allowed: every pair once, or dupli"
    for make_model in (
        lambda: DualMatrixFactorization.from_table(TABLE, FIELDS),
        lambda: DualMatrixFactorization.from_matrix(coo(TABLE)),
    ):
        with pytest.raises(ValueError, match=pair):
            make_model()
    once = {name: values[:3] for name, values in TABLE.items()}
    model = DualMatrixFactorization.from_table(once, FIELDS)
    for call in (model.fit, model.evaluate):
        for data in (TABLE, coo(TABLE)):
            with pytest.raises(ValueError, match=pair):
                call(data, verbose=0)
        with pytest.raises(ValueError, match=pair):
            model.fit(once, validation_data=TABLE, verbose=0)
    # Asked for twice, answered twice.
    assert len(model.predict(TABLE, verbose=0)) == 4


def test_missing_values_of_a_matrix():
    """A dense table with NaN for what is not known stores every NaN."""
    dense = np.array([[1.0, np.nan], [np.nan, 2.0]])
    for settings in ({}, {"feedback": "ranking"}):
        with pytest.raises(
            ValueError, match="value nan in row 0, column 1; allowed: finite"
        ):
            DualMatrixFactorization.from_matrix(
                scipy.sparse.coo_array(dense), **settings
            )


def test_a_config_from_before_ranking():
    config = make(feedback="implicit", negatives=4).get_config()
    for name in ("relevant_above", "duplicates"):
        del config[name]
    model = DualMatrixFactorization.from_config(config)
    assert (model.negatives, model.duplicates) == (4, None)
    assert type(model.batches(scipy.sparse.eye_array(4, 6))).__name__ == (
        "PairBatches"
    )


def test_ids_of_every_type():
    once = {name: values[:3] for name, values in TABLE.items()}
    model = DualMatrixFactorization.from_table(once, FIELDS)
    assert (model.row_ids, model.col_ids) == (("7", "9"), ("a", "b"))
    expected = model.predict(once, verbose=0)
    for user in ([7.0, 9.0, 7.0], ["7", b"9", 7], np.float32([7, 9, 7])):
        for film in (TABLE["film"][:3], [b"a", "b", b"b"]):
            data = {"user": user, "film": film, "stars": once["stars"]}
            found = model.predict(data, verbose=0)
            np.testing.assert_array_equal(found, expected)
            model.evaluate(data, verbose=0)
    best = model.recommend(["9"], k=2, exclude_seen=False)
    for rows in ([b"9"], [1], [1.0], np.float32([1]), np.array(["9"])):
        again = model.recommend(rows, k=2, exclude_seen=False)
        assert again.ids.tolist() == best.ids.tolist()


def test_a_number_that_is_the_id_of_another_row_is_said():
    # Of five users: the numbers 1 and 2 are ids of others, 3 is its own id's.
    users = ["2", "7", "1", "3", "9"]
    model = DualMatrixFactorization(users, 4, row_layers=(), col_layers=())
    given = {"k": 2, "exclude_seen": False}
    said = "row 2 is read as a number, that of the id '1'; as an id it is '2'"
    with pytest.warns(UserWarning, match=said) as caught:
        best = model.recommend([3, 4, 2], **given)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="row 1 is read as a number, that of"):
        model.row_encoder([1.0])
    # As strings, or where no other row is meant, there is no doubt.
    again = model.recommend(["3", "9", "1"], **given)
    np.testing.assert_array_equal(best.columns, again.columns)
    model.recommend([0, 3, 4], **given)
    model.recommend(**given)
    users[-1] = "ann"
    model = DualMatrixFactorization(users, 4, row_layers=(), col_layers=())
    model.recommend([1, 2], **given)


@pytest.mark.parametrize("missing", [None, float("nan"), "", np.float32("nan")])
def test_missing_ids(missing):
    once = {name: values[:3] for name, values in TABLE.items()}
    model = DualMatrixFactorization.from_table(once, FIELDS)
    for field in FIELDS[:2]:
        data = once | {field: [*once[field][:2], missing]}
        with pytest.raises(ValueError, match=f"{field} of place 2 is missing"):
            model.fit(data, verbose=0)
        with pytest.raises(ValueError, match=f"{field} of place 2 is missing"):
            model.predict(data, verbose=0)
        with pytest.raises(ValueError, match=f"{field} of place 2 is missing"):
            DualMatrixFactorization.from_table(data, FIELDS)
    for rows in (["7", missing], [0, missing]):
        with pytest.raises(ValueError, match="row of place 1 is missing"):
            model.recommend(rows)
    with pytest.raises(ValueError, match="stars of place 0 is "):
        model.fit(once | {"stars": [missing, 1, 2]}, verbose=0)
