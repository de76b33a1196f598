"""A run of matrix factorization: data, model, figures, recommendations."""

import csv
import re

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.cli.parsers import hidden_layers
from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.corpus import DataError
from keras_textgen.evaluation.ranking import ranking_quality
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.tasks.matrices import MatrixTask

DEFAULTS = {
    "model": "dmf",
    "dataset": "matrix",
    "fold": None,
    "row_column": None,
    "column_column": None,
    "value_column": None,
    "duplicates": None,
    "start_at_baseline": None,
    "split_seed": 0,
    "seed": 0,
    "batch_size": 50,
    "embedding_dim": 3,
    "feature_dim": 3,
    "side_features": None,
    "history_features": True,
    "join": "add",
    "hidden_layers": "3:tanh,2:linear",
    "multi_level": True,
    "use_biases": None,
    "feedback": "explicit",
    "confidence": None,
    "negatives": None,
    "l2": 0.5,
    "bias_l2": None,
    "kernel_l2": 0.25,
}
MATRIX = scipy.sparse.csr_array(
    (np.arange(20 * 12) % 7 * (np.arange(20 * 12) % 3 > 0)).reshape(20, 12)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    scipy.sparse.save_npz(folder / "matrix.npz", MATRIX)
    features = scipy.sparse.csr_array(np.eye(12)[:, :2])
    scipy.sparse.save_npz(folder / "column_features.npz", features)
    return folder


def task_of(folder, **settings):
    settings = {"data_dir": folder, **DEFAULTS, **settings}
    return MatrixTask(Settings(**settings))


@pytest.fixture(scope="module")
def task(folder):
    return task_of(folder)


@pytest.fixture(scope="module")
def model(task):
    return task.make_model()


def cells_of(dataset, count):
    return {
        (int(row), int(column)): float(value)
        for batch in dataset.take(count)
        for row, column, value in zip(
            batch["row"], batch["column"], batch["value"], strict=True
        )
    }


def test_every_flag_reaches_the_constructor(model):
    assert isinstance(model, DualMatrixFactorization)
    assert (model.row_dim, model.col_feature_dim) == (3, 3)
    assert model.row_layers == model.col_layers == ((3, "tanh"), (2, "linear"))
    assert model.multi_level
    assert (model.l2, model.bias_l2, model.kernel_l2) == (0.5, 0.0, 0.25)
    # The history of 12 columns; of 20 rows, and 2 features.
    assert model.row_features.num_columns == 12
    assert model.col_features.num_columns == 22


def test_batches_and_what_the_model_knows(task, model):
    training = task.training_batches()
    train = cells_of(training.training_stream(), training.steps_per_epoch)
    valid = cells_of(task.evaluation_data("valid"), 99)
    assert not train.keys() & valid.keys()
    for (row, column), value in {**train, **valid}.items():
        assert MATRIX[row, column] == value
    assert len(train) == MATRIX.nnz - 2 * (MATRIX.nnz // 10)
    assert model.global_mean == pytest.approx(np.mean(list(train.values())))
    known = np.argwhere(model._seen_cells().matrix(MATRIX.shape).toarray())
    assert set(map(tuple, known.tolist())) == set(train)


def test_drawn_cells_for_implicit_feedback(folder):
    task = task_of(folder, feedback="implicit", negatives=3)
    train = task.training_batches()
    known = cells_of(train.training_stream(), train.steps_per_epoch)
    known = {cell for cell, value in known.items() if value}
    valid = cells_of(task.evaluation_data("valid"), 99)
    drawn = {cell for cell, value in valid.items() if not value}
    assert drawn
    assert not drawn & known
    model = task.make_model()
    assert (model.feedback, model.negatives) == ("implicit", 3)
    assert model.global_mean == 0


def test_fingerprint_and_fit(task, folder, model, tmp_path):
    assert task_of(folder).fingerprint() == task.fingerprint()
    assert task_of(folder, split_seed=1).fingerprint() != task.fingerprint()
    assert task.fits(model)
    scipy.sparse.save_npz(tmp_path / "matrix.npz", MATRIX[:, :11])
    assert not task_of(tmp_path).fits(model)


def test_results(task, model, tmp_path, capsys):
    assert list(task.print_results(model, tmp_path)) == ["results.csv"]
    with (tmp_path / "results.csv").open() as lines:
        written = {
            line["figure"]: float(line["value"])
            for line in csv.DictReader(lines)
        }
    test = task.corpus.test
    errors = model.predict(test, verbose=0) - test.values
    assert written["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    scores = model.row_encoder() @ model.col_encoder().T
    relevant = test[test.values > model.global_mean].matrix(MATRIX.shape)
    known = MATRIX - test.matrix(MATRIX.shape)
    known.eliminate_zeros()
    expected = ranking_quality(
        lambda rows: scores[rows], relevant, known, (10, 50)
    )
    for name, value in expected.items():
        assert written[name] == pytest.approx(value)
    shown = capsys.readouterr().out
    biases = f"{written['biases rmse']:.4f}"
    assert f"RMSE         {written['rmse']:.4f}, global mean " in shown
    assert f", biases {biases}\n" in shown
    assert "published" not in shown
    assert "  13: " in shown


def test_nothing_to_recommend(task, model, tmp_path, monkeypatch, capsys):
    test = task.corpus.test
    monkeypatch.setattr(task.corpus, "test", test[test.values < 2])
    task.print_results(model, tmp_path)
    shown = capsys.readouterr().out
    assert "RMSE" in shown
    assert "NDCG" not in shown


def test_test_cell_in_training(task, model, tmp_path, monkeypatch):
    monkeypatch.setattr(task.corpus, "test", task.corpus.train)
    with pytest.raises(RunError, match=r"matrix.*: a relevant cell is seen"):
        task.print_results(model, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dataset": "ratings", "fold": None},
            "no table in it; allowed: .parquet",
        ),
        ({"hidden_layers": "tanh"}, "'tanh'; allowed: units and activation"),
        ({"hidden_layers": "3:tan"}, "'3:tan'; allowed: .*; activations: elu"),
        ({"join": "stack"}, "join='stack'; allowed: conc"),
    ],
)
def test_bad_settings(folder, settings, message):
    with pytest.raises(ValueError, match=message):
        task_of(folder, **settings).make_model()


def test_counts_below_zero(tmp_path):
    scipy.sparse.save_npz(tmp_path / "matrix.npz", -MATRIX)
    with pytest.raises(
        DataError,
        match=r"matrix\.npz: value -\d in row \d+, column \d+; allowed with --",
    ):
        task_of(tmp_path, feedback="implicit", negatives=1)


def test_the_model_knows_the_columns_of_the_table(tmp_path):
    lines = [
        "who,what,stars",
        *(f"u{i % 3},f{i % 7},{i % 5}" for i in range(21)),
    ]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines))
    settings = {
        "dataset": "ratings",
        "row_column": "who",
        "column_column": "what",
        "history_features": False,
        "hidden_layers": "none",
    }
    rated = task_of(path, **settings, value_column="stars").make_model()
    own = {"who": ["u2", "u0"], "what": ["f6", "f1"], "stars": [3, 4]}
    numbers = {
        "row": [rated.row_ids.index(each) for each in own["who"]],
        "column": [rated.col_ids.index(each) for each in own["what"]],
    }
    expected = rated({name: tf.constant(n) for name, n in numbers.items()})
    np.testing.assert_allclose(rated.predict(own, verbose=0), expected)
    assert np.isfinite(rated.evaluate(own, verbose=0)).all()
    ranked = task_of(
        path, **settings, value_column="none", feedback="ranking"
    ).make_model()
    assert ranked.fields == ("who", "what", "value")
    del own["stars"]
    assert ranked.predict(own, verbose=0).shape == (2,)


def test_fields_of_a_table(tmp_path):
    lines = ["user,film", *(f"ann,{number}" for number in range(20))]
    path = tmp_path / "films.csv"
    path.write_text("\n".join(lines))
    table = {"dataset": "ratings", "data_dir": path, "column_column": "film"}
    table |= {"feedback": "implicit", "negatives": 1}
    corpus = task_of(path, **table, value_column="none").corpus
    assert corpus.row_names == ("ann",)
    assert corpus.train.values.tolist() == [1] * 16
    with pytest.raises(ValueError, match="no column 'rating'; there are user"):
        task_of(path, **table)


def test_hidden_layers():
    assert hidden_layers("none") == []
    assert hidden_layers("8:relu,4:tanh") == [(8, "relu"), (4, "tanh")]


# -- Ranking, baselines, pairs given again -------------------------------------


def write_ratings(path, lines):
    path.write_text("\n".join(["user,item,rating", *lines]), "utf-8")
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Ratings of 1 to 5 in three of four cells of 15 rows and 12 columns."""
    path = tmp_path_factory.mktemp("table") / "r.csv"
    lines = [
        f"u{row},i{column},{(row * column + column) % 5 + 1}"
        for row in range(15)
        for column in range(12)
        if (row + column) % 4
    ]
    return write_ratings(path, lines)


def ranking_of(table, **settings):
    return task_of(
        table,
        **{
            "dataset": "ratings",
            "feedback": "ranking",
            # Explicit feedback draws none.
            "negatives": None if "feedback" in settings else 5,
            "history_features": False,
            "hidden_layers": "none",
            **settings,
        },
    )


def test_ranking_of_ratings(table, tmp_path, capsys):
    task = ranking_of(table)
    model = task.make_model()
    train, test = task.corpus.train, task.corpus.test
    mean = train.values.mean()
    assert model.relevant_above == pytest.approx(mean)
    assert model.global_mean == 0
    batches = task.training_batches()
    liked = train[train.values > mean]
    liked = set(zip(liked.rows.tolist(), liked.columns.tolist(), strict=True))
    found = list(
        zip(
            batches.cells.rows.tolist(),
            batches.cells.columns.tolist(),
            strict=True,
        )
    )
    assert set(found) == liked
    for batch in task.evaluation_data("valid"):
        for row, drawn in zip(
            batch["row"].numpy(), batch["drawn"], strict=True
        ):
            assert not {(row, each) for each in drawn.numpy()} & liked
    task.print_results(model, tmp_path)
    with (tmp_path / "results.csv").open() as lines:
        written = {
            line["figure"]: float(line["value"])
            for line in csv.DictReader(lines)
        }
    assert "rmse" not in written
    # By brute force: the columns of each row by score, but known ones.
    scores = model.row_encoder() @ model.col_encoder().T
    known = np.zeros(task.corpus.shape, bool)
    for cells in (train, task.corpus.valid):
        known[cells.rows, cells.columns] = True
    popularity = known.sum(axis=0)
    for name, ranks in (
        ("", scores),
        ("popularity ", np.tile(popularity, (15, 1))),
    ):
        recalls = []
        for row in range(15):
            in_test = test.rows == row
            relevant = set(test.columns[in_test & (test.values > mean)])
            order = sorted(
                np.flatnonzero(~known[row]),
                key=lambda column, row=row, ranks=ranks: (
                    -ranks[row, column],
                    column,
                ),
            )
            if relevant:
                recalls.append(len(relevant & set(order[:10])) / len(relevant))
        assert written["rows"] == len(recalls)
        assert written[f"{name}recall@10"] == pytest.approx(np.mean(recalls))
    shown = capsys.readouterr().out
    assert (
        f"relevant are values above {mean:.4g}, the mean of training" in shown
    )
    assert "ranked by popularity" in shown


def test_baselines_are_printed_beside_errors(table, tmp_path, capsys):
    task = ranking_of(table, feedback="explicit", start_at_baseline=True)
    model = task.make_model()
    test = task.corpus.test
    # The factors are small at the start: the model is the baseline.
    task.print_results(model, tmp_path)
    shown = capsys.readouterr().out
    rmse, mean, biases = (
        float(part.split()[-1])
        for part in re.search("RMSE.*", shown)[0]
        .replace("global mean", "")
        .split(",")
    )
    assert rmse == pytest.approx(biases, abs=0.02)
    expected = np.std(test.values - task.corpus.train.values.mean())
    assert mean == pytest.approx(
        np.hypot(
            expected, test.values.mean() - task.corpus.train.values.mean()
        ),
        abs=1e-4,
    )


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"feedback": "explicit"}, "--feedback=ranking trains which columns"),
        ({}, "--start_at_baseline begins at popularity"),
        ({"start_at_baseline": True}, "a larger --l2 holds the factors"),
    ],
)
def test_a_ranking_below_popularity_says_what_helps(
    tmp_path, capsys, settings, remedy
):
    # The first columns are known of nearly all rows, the last of few.
    draw = np.random.default_rng(0)
    path = write_ratings(
        tmp_path / "popular.csv",
        [
            f"u{row},i{column},{draw.integers(1, 6)}"
            for row in range(60)
            for column in range(30)
            if draw.random() < (30 - column) / 32
        ],
    )
    task = ranking_of(path, **settings)
    model = task.make_model()
    corpus = task.corpus
    columns = np.concatenate([corpus.train.columns, corpus.valid.columns])
    # Equal ones come in the order of the columns.
    known = np.bincount(columns) - np.arange(30) / 100
    lines = []
    for sign in (-1, 1):
        model.col_tower.bias.assign(sign * 1000.0 * known)
        task.print_results(model, tmp_path)
        shown = capsys.readouterr().out
        lines.append(re.findall(r"  (.*): below popularity's; (.*)\.\n", shown))
    ((names, said),) = lines[0]
    assert {"Recall@10", "NDCG@10"} <= set(names.split(", "))
    assert said.startswith(remedy)
    # The order of popularity itself is not below it.
    assert lines[1] == []


def test_ratings_without_values(tmp_path):
    lines = [f"u{i % 5},i{i},1" for i in range(40)]
    path = write_ratings(tmp_path / "r.csv", lines)
    with pytest.raises(
        RunError, match=r"every training value is 1, which leaves --feedback=ex"
    ):
        ranking_of(path, feedback="explicit")
    task = ranking_of(path)
    assert task.make_model().relevant_above is None
    assert len(task.training_batches().cells) == len(task.corpus.train)


def test_pairs_given_again(tmp_path):
    lines = [f"u{i % 5},i{i},{i % 3}" for i in range(40)]
    path = write_ratings(tmp_path / "r.csv", [*lines, lines[0], lines[7]])
    with pytest.raises(ValueError, match=r"r\.csv:42: u0, i0 .* are there alr"):
        ranking_of(path)
    corpus = ranking_of(path, duplicates="mean").corpus
    parts = (corpus.train, corpus.valid, corpus.test)
    assert sum(map(len, parts)) == 40


def test_start_at_baseline_needs_biases(table):
    task = ranking_of(table, start_at_baseline=True, use_biases=False)
    with pytest.raises(ValueError, match="use_biases=False; allowed: explicit"):
        task.make_model()
