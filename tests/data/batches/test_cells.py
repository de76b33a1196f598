"""PairBatches: what is in a batch, and which cells are drawn."""

import itertools

import numpy as np
import pytest

from keras_textgen.data.batches.cells import PairBatches
from keras_textgen.data.cells import Ratings

SHAPE = 5, 9


def make_cells():
    """25 cells; the first row is known as a whole, the last one not at all."""
    generator = np.random.default_rng(0)
    cells = {(0, j) for j in range(9)}
    cells |= {
        (int(i) % 3 + 1, int(i) // 3) for i in generator.permutation(27)[:16]
    }
    rows, columns = np.array(sorted(cells)).T
    return Ratings(rows, columns, 1 + np.arange(len(rows)))


CELLS = make_cells()


def taken(dataset, count):
    return [
        {name: each.numpy() for name, each in batch.items()}
        for batch in dataset.take(count)
    ]


def cells_of(batches):
    return [
        cell
        for batch in batches
        for cell in zip(
            batch["row"], batch["column"], batch["value"], strict=True
        )
    ]


def assert_equal(found, expected):
    for one, other in itertools.zip_longest(found, expected):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.fixture(scope="module")
def drawing():
    return PairBatches(CELLS, SHAPE, 4, seed=3, negatives=3)


@pytest.mark.parametrize("batch_size", [1, 8, 25, 99])
def test_every_cell_once_an_epoch(batch_size):
    batches = PairBatches(CELLS, SHAPE, batch_size, seed=1)
    steps = batches.steps_per_epoch
    two = taken(batches.training_stream(), 2 * steps)
    expected = list(zip(CELLS.rows, CELLS.columns, CELLS.values, strict=True))
    epochs = [cells_of(two[:steps]), cells_of(two[steps:])]
    assert [sorted(each) for each in epochs] == [expected] * 2
    assert epochs[0] != epochs[1]
    assert cells_of(taken(batches.evaluation_dataset(), 99)) == expected
    for batch in two:
        np.testing.assert_array_equal(batch["weight"], 1)


def test_stream_goes_on_from_any_step(drawing):
    steps = drawing.steps_per_epoch
    whole = taken(drawing.training_stream(), 3 * steps)
    assert_equal(
        taken(drawing.training_stream(1, 2), steps), whole[steps + 2 :][:steps]
    )
    assert_equal(
        taken(drawing.training_stream(0, 2 * steps), steps), whole[2 * steps :]
    )
    other = PairBatches(CELLS, SHAPE, 4, seed=4, negatives=3)
    assert cells_of(taken(other.training_stream(), 1)) != cells_of(whole[:1])


def test_drawn_cells_are_not_observed(drawing):
    known = set(zip(CELLS.rows, CELLS.columns, strict=True))
    number = 40 * drawing.steps_per_epoch
    batches = taken(drawing.training_stream(), number)
    drawn = {}
    for batch in batches:
        size = len(batch["row"]) // 4
        np.testing.assert_array_equal(
            batch["row"][size:], np.repeat(batch["row"][:size], 3)
        )
        assert not batch["value"][size:].any()
        np.testing.assert_array_equal(batch["weight"][:size], 1)
        for i in range(size, len(batch["row"])):
            row, column = batch["row"][i], batch["column"][i]
            if row == 0:  # there is nothing to draw
                assert batch["weight"][i] == 0
                continue
            assert (row, column) not in known
            drawn.setdefault((row, column), []).append(batch["weight"][i])
    # All of them, each about as often as the others of its row.
    unknown = {(i, j) for i in (1, 2, 3) for j in range(9)} - known
    assert drawn.keys() == unknown
    for row in (1, 2, 3):
        observed = np.count_nonzero(CELLS.rows == row)
        counts = [len(drawn[cell]) for cell in drawn if cell[0] == row]
        expected = 40 * 3 * observed / len(counts)
        assert np.all(np.abs(np.array(counts) - expected) < 5 * expected**0.5)
        # The weights of an epoch sum to the number of cells not observed.
        weights = sum(sum(drawn[cell]) for cell in drawn if cell[0] == row)
        np.testing.assert_allclose(weights / 40, 9 - observed, rtol=1e-5)


def test_evaluation_draws_the_same_and_spares_what_is_observed(drawing):
    first, last = CELLS[:-6], CELLS[-6:]
    batches = PairBatches(last, SHAPE, 4, negatives=5, observed=first)
    twice = [taken(batches.evaluation_dataset(), 9) for _ in range(2)]
    assert_equal(*twice)
    known = set(zip(CELLS.rows, CELLS.columns, strict=True))
    drawn = {(i, j) for i, j, value in cells_of(twice[0]) if not value}
    assert drawn
    assert not drawn & known


@pytest.mark.parametrize(
    ("cells", "arguments", "message"),
    [
        (([], [], []), {}, "no cells; allowed: 1 or more"),
        (([5], [0], [1]), {}, "row 5; allowed: 0 to 4"),
        (([0], [-1], [1]), {}, "column -1; allowed: 0 to 8"),
        (([0], [9], [1]), {}, "column 9; allowed: 0 to 8"),
        (
            ([2], [1], [np.nan]),
            {},
            "value nan in row 2, column 1; allowed: fin",
        ),
        (([2], [1], [0]), {"negatives": 1}, "value 0 in row 2, column 1 with"),
        (
            ([2], [1], [1]),
            {"negatives": -1},
            "negatives=-1; allowed: whole numbers, 0",
        ),
        (
            ([2], [1], [1]),
            {"batch_size": 0},
            "batch_size=0; allowed: whole numbers, 1",
        ),
    ],
)
def test_bad_cells(cells, arguments, message):
    cells = Ratings(*(np.array(each, float) for each in cells))
    cells.rows, cells.columns = (
        cells.rows.astype(int),
        cells.columns.astype(int),
    )
    with pytest.raises(ValueError, match=message) as caught:
        PairBatches(cells, SHAPE, **{"batch_size": 2, **arguments})
    assert "\n" not in str(caught.value)


def test_negative_step(drawing):
    with pytest.raises(ValueError, match="first_step=-1; allowed: whole"):
        drawing.training_stream(first_step=-1)
