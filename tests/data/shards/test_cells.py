"""Batches of a prepared matrix: content, order, what is drawn, what is refused.

What is computed of files is compared with the same cells in memory.
"""

import itertools
import random
import shutil

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

pytest.importorskip("apache_beam", reason="the extra beam is missing")

import keras_textgen
from keras_textgen import DualMatrixFactorization, LSTMLanguageModel, Vocabulary
from keras_textgen.data.batches.cells import feedback_batches
from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.matrix import Matrix
from keras_textgen.data.ratings import load_ratings
from keras_textgen.data.shards.cells import (
    PreparedCellBatches,
    _Relevant,
    _Unobserved,
)
from keras_textgen.data.shards.manifest import read_manifest
from keras_textgen.data.shards.matrix import places_between
from keras_textgen.data.shards.order import Share
from keras_textgen.evaluation import matrices
from keras_textgen.evaluation.rating_baselines import choose_biases
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.prepare.corpus import prepare_corpus
from tests.beam import beams_warnings

pytestmark = beams_warnings
NUM_ROWS, NUM_COLUMNS = 40, 25
SMALL = {"row_dim": 3, "col_dim": 3, "row_layers": (), "col_layers": ()}


def write_ratings(path):
    chance = random.Random(5)
    pairs = [
        (row, column)
        for row in range(NUM_ROWS)
        for column in range(NUM_COLUMNS)
    ]
    # One row has all of them.
    chosen = {*chance.sample(pairs, 500), *((0, n) for n in range(NUM_COLUMNS))}
    lines = [
        f"u{row},i{column},{1 + (row * column) % 5}"
        for row, column in sorted(chosen, key=lambda _: chance.random())
    ]
    path.write_text("\n".join(["user,item,rating", *lines]))


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    write_ratings(folder / "a.csv")
    return prepare_corpus(
        folder / "a.csv",
        folder / "out",
        row_column="user",
        valid_share=0.15,
        test_share=0.15,
    )


@pytest.fixture(scope="module")
def memory(matrix):
    """The same splits as arrays."""
    return Matrix.of_splits(
        matrix.name,
        {split: in_memory(getattr(matrix, split)) for split in SPLITS},
        row_names=matrix.row_names,
        column_names=matrix.column_names,
        column_titles=matrix.column_names,
    )


def in_memory(cells):
    return Ratings(*map(np.array, (cells.rows, cells.columns, cells.values)))


def triples(cells):
    return list(
        zip(
            cells.rows.tolist(),
            cells.columns.tolist(),
            cells.values.tolist(),
            strict=True,
        )
    )


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def of_batch(batch):
    parts = (batch[name].numpy() for name in ("row", "column", "value"))
    return triples(Ratings(*parts))


def model_of(matrix, **settings):
    keras.utils.set_random_seed(3)
    return DualMatrixFactorization.from_prepared(
        matrix, **{**SMALL, **settings}
    )


# -- Known cells --------------------------------------------------------------


def test_an_epoch_has_every_cell_once_in_another_order(matrix, small_windows):
    batches = PreparedCellBatches(matrix.train, 16, seed=3)
    steps = batches.steps_per_epoch
    assert steps == -(-len(matrix.train) // 16)
    assert batches.units == (len(matrix.train), "values")
    stream = list(map(of_batch, batches.training_stream().take(2 * steps)))
    stored = triples(matrix.train)
    epochs = [joined(stream[:steps]), joined(stream[steps:])]
    assert sorted(epochs[0]) == sorted(epochs[1]) == stored
    assert len({tuple(stored), *map(tuple, epochs)}) == 3
    # From any step of any epoch on.
    for first in ((0, 5), (1, 2), (0, steps + 2)):
        again = batches.training_stream(*first).take(3)
        begin = first[0] * steps + first[1]
        assert list(map(of_batch, again)) == stream[begin : begin + 3]
    other = PreparedCellBatches(matrix.train, 16, seed=4).training_stream()
    assert list(map(of_batch, other.take(steps))) != stream[:steps]


def test_the_order_of_files_is_that_of_evaluation(matrix):
    batches = PreparedCellBatches(matrix.valid, 16)
    found = joined(map(of_batch, batches.evaluation_dataset()))
    assert found == triples(matrix.valid)
    assert batches.original_order.tolist() == list(range(len(found)))
    as_they_are = PreparedCellBatches(matrix.valid, 16, is_shuffled=False)
    stream = as_they_are.training_stream().take(as_they_are.steps_per_epoch)
    assert joined(map(of_batch, stream)) == found


def test_rows_are_found_by_where_they_start(matrix):
    train = matrix.train
    all_rows = np.arange(NUM_ROWS)
    counts = np.bincount(train.rows, minlength=NUM_ROWS)
    assert np.diff(train.starts).tolist() == counts.tolist()
    assert train.counts(0, NUM_ROWS).tolist() == counts.tolist()
    for row in all_rows:
        expected = in_memory(train).of_row(row)
        assert triples(train.of_row(row)) == triples(expected)
    chosen = np.array([7, 3, 30])
    expected = joined(triples(train.of_row(row)) for row in chosen)
    assert triples(train.of_rows(chosen)) == expected
    assert places_between(np.array([], int), np.array([], int)).tolist() == []


@pytest.mark.parametrize("above", [None, 0, 1, 3.5, 4])
def test_relevant_cells_are_found_by_their_number(matrix, above, monkeypatch):
    monkeypatch.setattr("keras_textgen.data.cells._CHUNK", 64)
    monkeypatch.setattr("keras_textgen.data.shards.cells._BLOCK", 16)
    relevant = _Relevant(matrix.train, above)
    is_relevant = np.array(matrix.train.values) > (
        -np.inf if above is None else above
    )
    places = np.flatnonzero(is_relevant)
    assert len(relevant) == len(places)
    numbers = np.random.default_rng(0).permutation(len(places))
    assert relevant.places(numbers).tolist() == places[numbers].tolist()
    rows = np.array(matrix.train.rows)[places]
    assert relevant.row_counts.tolist() == (
        np.bincount(rows, minlength=NUM_ROWS).tolist()
    )


# -- What is drawn ------------------------------------------------------------


@pytest.mark.parametrize("above", [None, 2.5])
def test_every_unobserved_column_can_be_drawn(matrix, above):
    known = [_Relevant(each, above) for each in (matrix.valid, matrix.train)]
    unobserved = _Unobserved(known, matrix.shape)
    for row in range(NUM_ROWS):
        taken = set()
        for cells in (matrix.train, matrix.valid):
            taken |= {
                column
                for _, column, value in triples(cells.of_row(row))
                if above is None or value > above
            }
        left = [each for each in range(NUM_COLUMNS) if each not in taken]
        assert unobserved.counts[row] == len(left)
        shares = (np.arange(len(left)) + 0.5) / max(1, len(left))
        # Beside other rows, which are in the batch as often as they like.
        rows = tf.constant([row, (row + 1) % NUM_ROWS, row], tf.int32)
        found = unobserved.columns(rows, tf.constant(np.tile(shares, (3, 1))))
        assert found[0].numpy().tolist() == found[2].numpy().tolist() == left


def test_a_row_that_is_known_as_a_whole_has_no_weight(matrix):
    cells = matrix.train
    unobserved = _Unobserved(
        [_Relevant(getattr(matrix, split), None) for split in SPLITS],
        matrix.shape,
    )
    row = matrix.row_names.index("u0")
    assert unobserved.counts[row] == 0
    found = unobserved.columns(
        tf.constant([row]), tf.constant([[0.3]], tf.float64)
    )
    assert found.numpy().tolist() == [[0]]
    assert (unobserved.counts >= 0).all()
    assert len(cells) + len(matrix.valid) + len(matrix.test) == (
        NUM_ROWS * NUM_COLUMNS - unobserved.counts.sum()
    )


@pytest.mark.parametrize("split", ["train", "valid"])
def test_drawn_cells_of_implicit_feedback(matrix, memory, split):
    known = {each[:2] for each in triples(matrix.train)}
    known |= {each[:2] for each in triples(getattr(matrix, split))}
    batches = PreparedCellBatches(
        getattr(matrix, split), 32, feedback="implicit", negatives=3
    )
    beside = feedback_batches(
        "implicit",
        getattr(memory, split),
        matrix.shape,
        32,
        negatives=3,
        observed=memory.train,
    )
    total = 0.0
    for mine, theirs in zip(
        batches.evaluation_dataset(), beside.evaluation_dataset(), strict=True
    ):
        assert mine.keys() == theirs.keys()
        for name in ("row", "value", "weight"):
            np.testing.assert_array_equal(mine[name], theirs[name])
        drawn = of_batch(mine)[len(mine["row"]) // 4 :]
        weights = mine["weight"].numpy()[-len(drawn) :]
        for (row, column, _), weight in zip(drawn, weights, strict=True):
            assert weight == 0 or (row, column) not in known
        total += weights.sum()
    # The weights of an epoch are those of all cells that are not observed.
    rows = np.unique(getattr(memory, split).rows)
    expected = sum(
        NUM_COLUMNS - len({c for r, c in known if r == row}) for row in rows
    )
    assert total == pytest.approx(expected, rel=1e-5)


def test_what_is_drawn_depends_on_seed_epoch_and_step(matrix, small_windows):
    def stream(seed=0, first=(0, 0)):
        batches = PreparedCellBatches(
            matrix.train,
            64,
            seed,
            feedback="ranking",
            negatives=4,
            relevant_above=2.5,
        )
        return [
            (of_batch(batch), batch["drawn"].numpy().tolist())
            for batch in batches.training_stream(*first).take(12)
        ]

    whole = stream()
    assert stream(first=(0, 5))[:7] == whole[5:]
    assert stream(seed=1) != whole
    for cells, drawn in whole:
        assert {value for *_, value in cells} <= {3.0, 4.0, 5.0}
        liked = {c[:2] for c in triples(matrix.train) if c[2] > 2.5}
        for (row, *_), columns in zip(cells, drawn, strict=True):
            assert not {(row, column) for column in columns} & liked


@pytest.mark.parametrize("feedback", ["explicit", "implicit", "ranking"])
def test_parts_of_workers_make_up_the_batch(matrix, small_windows, feedback):
    negatives = 0 if feedback == "explicit" else 2
    batches = PreparedCellBatches(
        matrix.train, 15, feedback=feedback, negatives=negatives
    )
    shares = [Share(0, 1, 3), Share(1, 2, 3)]
    parts = [batches.of_share(each).training_stream(1, 2) for each in shares]
    streams = [iter(each) for each in parts]
    for whole in batches.training_stream(1, 2).take(9):
        pieces = [next(streams[0]), next(streams[1]), next(streams[1])]
        known = len(whole["row"])
        if feedback == "implicit":
            known //= 1 + negatives
        for name, values in whole.items():
            cut = [
                np.split(each[name].numpy(), [-len(each[name]) * 2 // 3])
                if feedback == "implicit"
                else [each[name].numpy(), each[name].numpy()[:0]]
                for each in pieces
            ]
            found = [part for side in zip(*cut, strict=True) for part in side]
            np.testing.assert_array_equal(np.concatenate(found), values)


# -- Models -------------------------------------------------------------------


@pytest.mark.parametrize("feedback", ["explicit", "implicit", "ranking"])
def test_training_is_that_on_the_same_batches(matrix, feedback, small_windows):
    settings = {"feedback": feedback, "negatives": 3, "seed": 5}
    if feedback == "explicit":
        del settings["negatives"]
    mine, theirs = (model_of(matrix, **settings) for _ in range(2))
    batches = mine.batches(matrix.train, 16)
    stream = list(batches.training_stream().take(2 * batches.steps_per_epoch))
    mine.fit(matrix.train, batch_size=16, epochs=2, verbose=0)

    def in_turn():
        yield from stream

    shapes = {
        name: tf.TensorSpec([None, *values.shape[1:]], values.dtype)
        for name, values in stream[0].items()
    }
    dataset = tf.data.Dataset.from_generator(in_turn, output_signature=shapes)
    theirs.fit(dataset, epochs=1, steps_per_epoch=len(stream), verbose=0)
    for weight, other in zip(
        mine.get_weights(), theirs.get_weights(), strict=True
    ):
        np.testing.assert_allclose(weight, other, rtol=1e-6, atol=1e-7)


def test_cells_in_the_same_order_train_the_same(matrix, memory):
    mine, theirs = (model_of(matrix) for _ in range(2))
    given = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
    mine.fit(matrix.train, validation_data=matrix.valid, **given)
    theirs.fit(memory.train, validation_data=memory.valid, **given)
    assert mine.history.history == theirs.history.history
    np.testing.assert_array_equal(
        mine.predict(matrix.test, verbose=0),
        theirs.predict(memory.test, verbose=0),
    )
    assert mine.evaluate(matrix.test, verbose=0) == theirs.evaluate(
        memory.test, verbose=0
    )


def test_baselines_are_those_of_memory(matrix, memory, monkeypatch):
    monkeypatch.setattr("keras_textgen.data.cells._CHUNK", 100)
    mine = choose_biases(matrix.train, matrix.valid, matrix.shape)
    theirs = choose_biases(memory.train, memory.valid, matrix.shape)
    assert mine.strength == theirs.strength
    assert mine.mean == pytest.approx(theirs.mean)
    np.testing.assert_allclose(mine.rows, theirs.rows, atol=1e-6)
    np.testing.assert_allclose(mine.columns, theirs.columns, atol=1e-6)
    for settings in ({}, {"feedback": "ranking", "relevant_above": 2.5}):
        models = [model_of(matrix, **settings) for _ in range(2)]
        models[0].start_at_baseline(matrix.train, matrix.valid)
        models[1].start_at_baseline(memory.train, memory.valid)
        for tower in ("row_tower", "col_tower"):
            biases = [getattr(each, tower).bias.numpy() for each in models]
            np.testing.assert_allclose(*biases, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [{}, {"feedback": "ranking"}, {"feedback": "ranking", "relevant_above": 2}],
)
def test_figures_are_those_of_memory(matrix, memory, monkeypatch, settings):
    monkeypatch.setattr("keras_textgen.data.cells._CHUNK", 100)
    model = model_of(matrix, **settings)
    mine, theirs = evaluate_model(model, matrix), evaluate_model(model, memory)
    assert mine["figures"].keys() == theirs["figures"].keys()
    for name, value in theirs["figures"].items():
        assert mine["figures"][name] == pytest.approx(value, rel=1e-6)
    assert mine["relevant_above"] == theirs["relevant_above"]
    assert mine["rows_to_rank"] == mine["figures"]["rows"]
    assert format_table(mine) == format_table(theirs)


def test_some_rows_of_many_are_ranked(matrix, memory, monkeypatch):
    model = model_of(matrix, feedback="ranking")
    number = evaluate_model(model, matrix)["rows_to_rank"]
    monkeypatch.setattr(matrices, "RANKED", 5)
    found = evaluate_model(model, matrix)
    assert (found["figures"]["rows"], found["rows_to_rank"]) == (5, number)
    told = format_table(found).splitlines()[-1]
    assert told == f"ranked are 5 of {number} rows, at equal distances"
    rows = np.unique(memory.test.rows)[np.arange(5) * number // 5]
    recalls = []
    scores = model.row_encoder() @ model.col_encoder().T
    for row in rows:
        known = [*memory.train.of_row(row).columns]
        known += [*memory.valid.of_row(row).columns]
        left = [each for each in range(NUM_COLUMNS) if each not in known]
        left.sort(key=lambda column, row=row: (-scores[row, column], column))
        wanted = set(memory.test.of_row(row).columns)
        recalls.append(len(wanted & set(left[:10])) / len(wanted))
    assert found["figures"]["recall@10"] == pytest.approx(np.mean(recalls))


def test_a_model_of_the_matrix_knows_its_ids(matrix):
    model = model_of(matrix)
    assert model.row_ids == matrix.row_names
    assert model.fields == ("user", "item", "rating")
    assert model.global_mean == pytest.approx(np.mean(matrix.train.values))
    assert model.seen is None
    pairs = {"user": ["u3", "u7"], "item": ["i2", "i0"]}
    assert model.predict(pairs, verbose=0).shape == (2,)
    best = model.recommend(["u3"], k=4, exclude_seen=False)
    assert best.ids.shape == (1, 4)
    with pytest.raises(ValueError, match="made without `seen`; allowed: False"):
        model.recommend(["u3"])
    holding = model_of(matrix, seen=matrix.train.matrix(matrix.shape))
    best = holding.recommend(["u3"], k=99)
    row = matrix.row_names.index("u3")
    known = {matrix.column_names[c] for c in matrix.train.of_row(row).columns}
    assert set(best.ids[0]) - {""} == set(matrix.column_names) - known


# -- What is refused ----------------------------------------------------------


def test_what_a_model_cannot_do_is_refused(matrix):
    model = model_of(matrix)
    train = matrix.train
    weights = np.ones(len(train))
    with pytest.raises(
        ValueError, match="sample_weight of a prepared matrix; "
    ):
        model.fit(train, sample_weight=weights)
    with pytest.raises(ValueError, match="y beside data that hold their value"):
        model.fit(train, weights)
    with pytest.raises(
        ValueError, match="validation_split of PreparedCells; al"
    ):
        model.fit(train, validation_split=0.1)
    other = DualMatrixFactorization(matrix.shape[0], matrix.shape[1], **SMALL)
    with pytest.raises(ValueError, match="for a model of other ids; allowed: "):
        other.evaluate(train)
    brought = model_of(matrix, row_features=3, row_feature_dim=3, join="add")
    with pytest.raises(
        ValueError, match="to which cells bring row_features; a"
    ):
        brought.fit(train)
    ranking = model_of(matrix, feedback="ranking", relevant_above=9.0)
    with pytest.raises(
        ValueError, match="no value above 9; allowed: 1 or more"
    ):
        ranking.fit(train)
    text = LSTMLanguageModel(Vocabulary(["red", "rose"]), rnn_units=4)
    with pytest.raises(
        ValueError, match="a prepared matrix for LSTMLanguageMod"
    ):
        text.fit(train)
    with pytest.raises(
        ValueError, match="name='prepared'; allowed: open_prepar"
    ):
        load_ratings("prepared", matrix.folder)


def test_texts_are_refused_of_a_model_of_matrices(matrix, tmp_path):
    pytest.importorskip("array_record", reason="the extra beam is missing")
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"a rose number {n}" for n in range(99)))
    texts = prepare_corpus(path, tmp_path / "texts")
    with pytest.raises(
        ValueError, match="a prepared corpus of texts for DualMat"
    ):
        model_of(matrix).fit(texts.train)


def test_values_that_cannot_be_learnt_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"u{n % 9},i{n},{n - 1}" for n in range(120)]
    path.write_text("\n".join(["user,item,rating", *lines]))
    matrix = prepare_corpus(
        path,
        tmp_path / "out",
        row_column="user",
        valid_share=0.2,
        test_share=0.2,
    )
    splits = (matrix.train, matrix.valid, matrix.test)
    wrong = min(splits, key=lambda cells: cells.lowest)
    model = model_of(matrix, feedback="implicit")
    with pytest.raises(
        ValueError, match=r"values from -1 to .* allowed: above 0"
    ):
        model.evaluate(wrong)
    assert model.predict(wrong, verbose=0).shape == (len(wrong),)


def use(folder):
    found = keras_textgen.open_prepared(folder)
    assert found.row_names
    assert len(found.train.values)


def test_a_damaged_file_is_told_of_when_it_is_used(matrix, tmp_path):
    for name in ("train.values.npy", "rows.json", "manifest.json"):
        copy = tmp_path / name.partition(".")[0]
        shutil.copytree(matrix.folder, copy)
        content = bytearray((copy / name).read_bytes())
        content[-3] ^= 1
        (copy / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: (damaged|no manifest)"):
            use(copy)
    manifest = read_manifest(matrix.folder)
    assert manifest.digest == matrix.fingerprint
    (copy / "manifest.json").write_text(manifest.text)
    (copy / "test.rows.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"test\.rows\.npy: 0 bytes; allowed"):
        keras_textgen.open_prepared(copy)


def test_a_matrix_of_the_cells_is_a_sparse_one(matrix, memory):
    found = matrix.train.matrix(matrix.shape)
    assert scipy.sparse.issparse(found)
    assert (found != memory.train.matrix(matrix.shape)).nnz == 0
