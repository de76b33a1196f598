"""Times the steps of every model beside those of another commit.

A training step and an evaluation step of each model, as `fit` and `evaluate`
make them: with the batches of the package, and with what a step costs in
Python. The data are random, of the sizes of a usual text:

    python benchmarks/steps.py --against=COMMIT
    python benchmarks/steps.py --against=COMMIT hdgm dmf

Each side has a process of its own for each model, which makes a round of steps
when it is asked to, so that rounds of both take turns, first the one and then
the other: a shared machine's speed wanders. A process may be slower than its
like by some percent, from beginning to end, hence several pairs of them
(--pairs). Every round has the same batches. The time of a batch is its least of
all rounds, and that of a step the mean over the batches. The peak of memory is
that of the whole process, TensorFlow included. The exit status is 1 if a ratio
is above the limit; a machine that is busy with something else can do that too,
so measure such a model again.

Models are made and trained by the package's public names alone, as the modules
of the two commits may be others.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from processes import (
    Side,
    least_milliseconds,
    peak_gigabytes,
    started,
    step_seconds,
    take_turns,
)

# Not here: a process begins with the peak of memory of the one that starts it.
if TYPE_CHECKING:
    import keras
    import numpy as np
    import scipy.sparse

ROOT = pathlib.Path(__file__).resolve().parents[1]
KINDS = ("fit", "evaluate")
# Of a round: the seconds of its steps, by kind, and the peak of memory so far.
Answer = tuple[dict[str, list[float]], float]
WARM_UPS = 2

WORDS = 6_000
BATCH, BATCHES, LENGTHS = 64, 8, (5, 25)
SIZES = {"embedding_dim": 128, "rnn_units": 200, "latent_dim": 32}
# Public name, and the settings beside the sizes.
TEXT_MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "hdgm": ("HDGM", {"objective": "bound", "num_layers": 2}),
    "vae": ("SentenceVAE", {"objective": "bound", "num_layers": 2}),
    "lstm_lm": ("LSTMLanguageModel", {"dropout": 0.5}),
    "lstm_vae": ("LSTMVAE", {"dropout": 0.5}),
    "lstm_vae_avg": (
        "LSTMVAEAVG",
        {"num_samples": 5, "dropout": 0.5},
    ),
    "hsvae": ("HSVAE", {}),
    "mat_vae": ("MATVAE", {}),
}
# Of HAN: documents a batch, batches, sentences a document, words a sentence.
DOCUMENTS, DOCUMENT_BATCHES, SENTENCES, SENTENCE = 32, 8, (5, 15), (10, 20)
CLASSES = 20
# Of SAE: documents a batch, batches, vocabulary, words a document.
BAGS, BAG_BATCHES, BAG_WORDS, BAG_DRAWS = 64, 80, 5_000, 150
# Of DMF: cells a batch, batches, shape of the matrix, features of each side.
CELLS, CELL_BATCHES, MATRIX, FEATURES = 1_024, 80, (950, 1_700), 40


class Case(NamedTuple):
    """A model with its data.

    Attributes:
        model: It is compiled.
        data: Arguments of its `fit` and its `evaluate`.
    """

    model: "keras.Model"
    data: dict[str, Any]


class Measured(NamedTuple):
    """What a process has measured of a model.

    Attributes:
        milliseconds: Of a step, by kind.
        peak: Of memory, in GB.
    """

    milliseconds: dict[str, float]
    peak: float


# -- The process of one side ---------------------------------------------------


def serve(name: str) -> None:
    """Make a round for each line that comes, and print what it took.

    Args:
        name: Of the model.

    Raises:
        RuntimeError: If the package is another tree's.
    """
    import keras_textgen

    found, tree = keras_textgen.__file__, os.environ["PYTHONPATH"]
    if not pathlib.Path(found).is_relative_to(tree):
        raise RuntimeError(f"{found} was imported; allowed: {tree}")
    case = make_case(name)
    for _ in range(WARM_UPS):
        round_seconds(case)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps([round_seconds(case), peak_gigabytes()]), flush=True)


def round_seconds(case: Case) -> dict[str, list[float]]:
    """Seconds of each step but the first, which sets up, by kind."""
    return {
        kind: step_seconds(getattr(case.model, kind), case.data)
        for kind in KINDS
    }


# -- The models and their data -------------------------------------------------


def make_case(name: str) -> Case:
    """The model of this name and its data."""
    import numpy as np

    generator = np.random.default_rng(0)
    if name in TEXT_MODELS:
        return text_case(name, generator)
    return OTHER_CASES[name](generator)


def text_case(name: str, generator: "np.random.Generator") -> Case:
    """A model of texts."""
    import keras_textgen

    public_name, settings = TEXT_MODELS[name]
    sizes = dict(SIZES)
    if name == "lstm_lm":
        del sizes["latent_dim"]
    if not hasattr(keras_textgen, public_name):
        # Earlier commits have LSTM-VAE-AVG as an argument.
        public_name = "LSTMVAE"
        settings = {**settings, "averaging": "hidden_states"}
    model = getattr(keras_textgen, public_name)(
        make_vocabulary(WORDS), **sizes, **settings
    )
    compile_with_adam(model)
    texts = make_texts(generator, BATCH * BATCHES, LENGTHS)
    return Case(model, {"x": texts, "batch_size": BATCH})


def han_case(generator: "np.random.Generator") -> Case:
    """HAN: documents, as lists of sentences, and their classes."""
    import keras_textgen

    classes = [f"class {index}" for index in range(CLASSES)]
    model = keras_textgen.HierarchicalAttentionNetwork(
        make_vocabulary(WORDS), classes, word_keep_rate=0.8, dropout=0.3
    )
    compile_with_adam(model)
    number = DOCUMENTS * DOCUMENT_BATCHES
    documents = [
        make_texts(generator, count, SENTENCE)
        for count in generator.integers(*SENTENCES, number, endpoint=True)
    ]
    labels = generator.integers(CLASSES, size=number)
    return Case(model, {"x": documents, "y": labels, "batch_size": DOCUMENTS})


def sae_case(generator: "np.random.Generator") -> Case:
    """SAE: a sparse matrix of counts."""
    import numpy as np

    import keras_textgen

    model = keras_textgen.SoftmaxAutoencoder(num_words=BAG_WORDS)
    model.compile("nadam")
    number = BAGS * BAG_BATCHES
    rows = np.repeat(np.arange(number), BAG_DRAWS)
    columns = draw_words(generator, BAG_WORDS, number * BAG_DRAWS)
    counts = sparse_sums(rows, columns, (number, BAG_WORDS))
    return Case(model, {"x": counts, "batch_size": BAGS})


def dmf_case(generator: "np.random.Generator") -> Case:
    """DMF: ratings of 1 to 5 in some cells, and features of both sides."""
    import numpy as np
    import scipy.sparse

    import keras_textgen

    cells = generator.choice(
        np.prod(MATRIX), CELLS * CELL_BATCHES, replace=False
    )
    ratings = generator.integers(1, 5, len(cells), endpoint=True)
    matrix = scipy.sparse.csr_array(
        (ratings.astype(np.float32), np.unravel_index(cells, MATRIX)), MATRIX
    )
    row_features, col_features = (
        scipy.sparse.csr_array(generator.random((size, FEATURES)) < 0.1)
        for size in MATRIX
    )
    model = keras_textgen.DualMatrixFactorization.from_matrix(
        matrix,
        row_features=row_features.astype(np.float32),
        col_features=col_features.astype(np.float32),
        join="add",
        row_layers=[(50, "tanh")],
        col_layers=[(50, "tanh")],
        multi_level=True,
        l2=0.1,
        bias_l2=0.02,
        kernel_l2=0.003,
    )
    return Case(model, {"x": matrix, "batch_size": CELLS})


OTHER_CASES: dict[str, Callable[["np.random.Generator"], Case]] = {
    "han": han_case,
    "sae": sae_case,
    "dmf": dmf_case,
}
MODELS = (*TEXT_MODELS, *OTHER_CASES)


def make_vocabulary(size: int) -> "keras.Layer":
    """A vocabulary of `size` ids, four of them of no word."""
    import keras_textgen

    return keras_textgen.Vocabulary([f"w{index}" for index in range(size - 4)])


def compile_with_adam(model: "keras.Model") -> None:
    """Compile a model as the recipes do, with Keras's own Adam."""
    import keras

    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0))


def make_texts(
    generator: "np.random.Generator", number: int, lengths: tuple[int, int]
) -> list[str]:
    """Texts of random words, their lengths in a range that has both ends."""
    counts = generator.integers(*lengths, number, endpoint=True)
    words = iter(draw_words(generator, WORDS - 4, counts.sum()))
    return [
        " ".join(f"w{word}" for word in itertools.islice(words, count))
        for count in counts
    ]


def draw_words(
    generator: "np.random.Generator", words: int, number: int
) -> "np.ndarray":
    """Numbers of words, about as frequent as words are in text (Zipf)."""
    import numpy as np

    shares = 1 / np.arange(1, words + 1)
    return generator.choice(words, number, p=shares / shares.sum())


def sparse_sums(
    rows: "np.ndarray", columns: "np.ndarray", shape: tuple[int, int]
) -> "scipy.sparse.csr_array":
    """How often each cell was drawn, float32."""
    import numpy as np
    import scipy.sparse

    ones = np.ones(len(rows), np.float32)
    return scipy.sparse.csr_array((ones, (rows, columns)), shape)


# -- Both sides ----------------------------------------------------------------


def check_out(commit: str, folder: str) -> None:
    """Write the files of a commit into a folder."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    if archive.returncode:
        # Git has said why.
        raise SystemExit(archive.returncode)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


@contextlib.contextmanager
def started_side(name: str, tree: str) -> Iterator[Side]:
    """A process for a model of a tree; it ends with the context."""
    command = [sys.executable, __file__, f"--serve={name}"]
    with started(command, {"PYTHONPATH": tree}) as side:
        yield side


def compare(
    name: str, trees: tuple[str, str], rounds: int, pairs: int
) -> list[Measured]:
    """Measure a model of two trees.

    Args:
        name: Of the model.
        trees: Folders that hold the package.
        rounds: How many a process makes.
        pairs: Of processes, one after the other.

    Returns:
        What was measured, tree by tree.
    """
    answers: tuple[list[Answer], list[Answer]] = ([], [])
    for _ in range(pairs):
        for index, found in enumerate(pair_of_rounds(name, trees, rounds)):
            answers[index].extend(found)
    return [summary(each) for each in answers]


def pair_of_rounds(
    name: str, trees: tuple[str, str], rounds: int
) -> list[list[Answer]]:
    """The rounds of a process of each tree, which take turns."""
    with (
        started_side(name, trees[0]) as first,
        started_side(name, trees[1]) as second,
    ):
        for side in (first, second):
            side.line()
        return take_turns((first, second), rounds)


def summary(answers: list[Answer]) -> Measured:
    """What all rounds of a process say."""
    times = {
        kind: least_milliseconds([seconds[kind] for seconds, _ in answers])
        for kind in KINDS
    }
    return Measured(times, max(peak for _, peak in answers))


def ratio_of(kind: str, sides: list[Measured]) -> float:
    """How many times as long a step takes now."""
    before, now = (side.milliseconds[kind] for side in sides)
    return now / before


def row_of(name: str, sides: list[Measured]) -> str:
    """A line of the table."""
    cells = [name]
    for kind in KINDS:
        cells += [f"{side.milliseconds[kind]:.2f}" for side in sides]
        cells.append(f"{ratio_of(kind, sides):.3f}")
    cells += [f"{side.peak:.2f}" for side in sides]
    return f"| {' | '.join(cells)} |"


def print_head() -> None:
    """Print the first lines of the table."""
    names = ["model"]
    for kind in KINDS:
        names += [f"{kind}, ms a step before", "now", "ratio"]
    names += ["peak GB before", "now"]
    print(f"| {' | '.join(names)} |")
    print(f"|---|{'---:|' * (len(names) - 1)}", flush=True)


def print_table(
    names: list[str],
    trees: tuple[str, str],
    rounds: int,
    pairs: int,
    limit: float,
) -> list[str]:
    """Print the row of each model.

    Returns:
        What has a ratio above the limit.
    """
    slower = []
    print_head()
    for name in names:
        sides = compare(name, trees, rounds, pairs)
        print(row_of(name, sides), flush=True)
        ratios = {kind: ratio_of(kind, sides) for kind in KINDS}
        slower += [
            f"{name} {kind} {ratio:.3f}"
            for kind, ratio in ratios.items()
            if ratio > limit
        ]
    return slower


def parsed_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--against", help="commit to compare with")
    what.add_argument("--serve", choices=MODELS, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=1.03, help="of ratios")
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="all if none"
    )
    options = parser.parse_args()
    unknown = set(options.models).difference(MODELS)
    if unknown:
        parser.error(f"{', '.join(unknown)}; allowed: {', '.join(MODELS)}")
    for name in ("rounds", "pairs"):
        if getattr(options, name) < 1:
            parser.error(
                f"--{name}={getattr(options, name)}; allowed: 1 or more"
            )
    return options


def main() -> int:
    """Print the table and which ratios are above the limit.

    Returns:
        Exit status: 1 if there are such.
    """
    options = parsed_options()
    if options.serve:
        serve(options.serve)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        check_out(options.against, folder)
        slower = print_table(
            options.models or list(MODELS),
            (folder, str(ROOT)),
            options.rounds,
            options.pairs,
            options.limit,
        )
    print(f"\nAbove {options.limit}: {', '.join(slower) or 'none'}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
