"""A run of this folder: what it left, and tables that any run can have.

A run is a folder with what it wrote and printed: `command.txt` (the command,
the commit it ran from, then remarks), `flags.txt`, `metrics.csv`, `log.txt` (of
all sittings, one after the other) and, where it wrote them, `probes.csv`,
`topics.csv` and `results.csv`.
"""

import csv
import dataclasses
import pathlib
import re
from collections.abc import Callable, Iterable, Sequence

from keras_textgen.cli.table import ALIASES

FOLDER = pathlib.Path(__file__).parent
NOT_FINISHED = "(not finished)"
NONE = ""
SHORT_COMMIT = 7  # digits
_NOT_TIMED = "Not timed: "
# Lines on how far an evaluation is, which once stood among its figures.
_PROGRESS = re.compile(
    r"^\S.*: (?:about [\d.]+ |[\d,]+ of [\d,]+ done, ).*\n", re.MULTILINE
)
# The commit of the classifiers' runs that are from before accuracy decided.
JUDGED_BY_LOSS = "8bf0eb7"
# Those of runs whose softmax gave padding and the start token a probability.
UNMASKED = ("09ae358", "629da31", "8bf0eb7", "9e3c76e", "b5445ed")

# Column of metrics.csv -> heading, and how many decimals.
COLUMNS = {
    "epoch": ("epoch", 0),
    "kl_weight": ("KL weight in training (mean)", 3),
    "nll": ("training nll", 2),
    "val_nll": ("nll", 2),
    "val_kl": ("KL", 2),
    "val_elbo": ("-(nll + KL)", 2),
    "val_active_units": ("active units", 0),
    "val_mutual_information": ("mutual information", 2),
}
# Without latent variables, these are 0, 1, or another column once more.
OF_LATENTS = ("kl_weight", "val_kl", "val_elbo")


@dataclasses.dataclass
class Run:
    """What a run left behind.

    Attributes:
        name: of its folder.
        command: as it was typed.
        commit: it ran from.
        flags: all resolved flags, as text.
        epochs: the rows of metrics.csv.
        corpus: name that the log gives the corpus, such as "yahoo_reduced".
        probes: the rows of probes.csv; none if the codes were not classified.
        topics: the text of topics.csv; empty if there is none.
        printed: the table of test figures as printed; None if there is none.
        figures: its lines by name.
        time: how long it took, as text, or why it was not timed.
    """

    name: str
    command: str
    commit: str
    flags: dict[str, str]
    epochs: list[dict[str, float]]
    corpus: str
    probes: list[dict[str, str]]
    topics: str
    printed: str | None
    figures: dict[str, str]
    time: str

    def number(self, name: str) -> float | None:
        """The number that a line of the table of figures begins with."""
        found = re.match(r"-?(inf|nan|[\d.,]+)", self.figures.get(name, ""))
        return float(found[0].replace(",", "")) if found else None


def read_run(folder: pathlib.Path) -> Run:
    """Read a run's folder."""
    command, commit, *remarks = (
        (folder / "command.txt").read_text("utf-8").splitlines()
    )
    log = (folder / "log.txt").read_text("utf-8")
    flags = read_flags((folder / "flags.txt").read_text("utf-8"))
    corpus = re.search(r"^\w+ on (\w+): ", log, re.MULTILINE)
    printed = _printed(log)
    return Run(
        name=folder.name,
        command=command,
        commit=commit,
        flags=flags,
        epochs=_read_epochs(folder / "metrics.csv"),
        corpus=corpus[1] if corpus else flags["dataset"],
        probes=list(csv.DictReader(_lines(folder / "probes.csv"))),
        topics="".join(_lines(folder / "topics.csv")),
        printed=printed,
        figures=_figures(printed or ""),
        time=_time(log, remarks),
    )


def read_flags(text: str) -> dict[str, str]:
    """The flags of a flags.txt by the names of today, as text."""
    written = dict(re.findall(r"^--(\w+)=(.*)$", text, re.MULTILINE))
    flags = {name: written[name] for name in written if name not in ALIASES}
    for name in written.keys() & ALIASES.keys():
        today = ALIASES[name][written["model"]]
        flags.setdefault(today, written[name])
    return flags


def _read_epochs(path: pathlib.Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def _lines(path: pathlib.Path) -> list[str]:
    """The lines of a file that not every run writes."""
    if not path.is_file():
        return []
    return path.read_text("utf-8").splitlines(keepends=True)


def _printed(log: str) -> str | None:
    """The test figures that the run printed last."""
    _, found, end = log.rpartition("\nTest set, ")
    figures, _, _ = end.partition("\n\n")
    figures = _PROGRESS.sub("", figures)
    return f"Test set, {figures}".rstrip() if found else None


def _figures(printed: str) -> dict[str, str]:
    """The lines of a table by their names."""
    return dict(re.findall(r"^  (\S.*?) {2,}(\S.*)$", printed, re.MULTILINE))


def _time(log: str, remarks: Iterable[str]) -> str:
    """Minutes of all sittings, as far as the log has them.

    A sitting that was stopped prints how long its epochs took, but not how
    long itself. A remark "Not timed: ..." says why the minutes mean nothing.
    """
    for remark in remarks:
        if remark.startswith(_NOT_TIMED):
            return f"({remark.lower()})"
    whole = sum(map(float, re.findall(r"^Took ([\d.]+) min", log, re.M)))
    epochs = sum(map(float, re.findall(r"^\d+/\d+ - (\d+)s ", log, re.M))) / 60
    sittings = len(re.findall(r"^Going on after step ", log, re.M))
    if sittings or whole < epochs:
        return f"over {max(whole, epochs):.0f} min"
    return f"{whole:.1f} min"


def tables(
    figures: Callable[[Sequence[Run]], str], runs: Sequence[Run]
) -> list[str]:
    """A table of the runs' figures, and one of how they were made."""
    if not runs:
        return ["There are no such runs.\n"]
    headings = ["run", "command", "seed", "epochs", "time", "commit"]
    rows = [
        [
            link(run),
            f"`{run.command}`",
            run.flags["seed"],
            epochs_done(run),
            run.time,
            run.commit[:SHORT_COMMIT],
        ]
        for run in runs
    ]
    return [figures(runs), table(headings, rows)]


def epochs_done(run: Run) -> str:
    """How many are done, and which was the best."""
    rows = after_pretraining(run)
    done = f"{len(run.epochs)} of {run.flags['epochs']}"
    if not rows:
        return done
    best = min(rows, key=lambda row: judged_by(run, row))
    return f"{done}, the best {best['epoch']:.0f}"


def judged_by(run: Run, row: dict[str, float]) -> float:
    """What the best epoch has the lowest of."""
    by_loss = run.commit.startswith(JUDGED_BY_LOSS)
    if "val_accuracy" in row and not by_loss:
        return -row["val_accuracy"]
    return row["val_loss"]


def after_pretraining(run: Run) -> list[dict[str, float]]:
    """The epochs that train the bound, not an autoencoder."""
    pretraining = int(run.flags.get("autoencoder_epochs", "0"))
    return [row for row in run.epochs if row["epoch"] > pretraining]


def epoch_table(run: Run) -> str:
    """The epochs of a run, and those of its figures that mean something."""
    is_latent = run.flags["model"] != "lstm_lm"
    columns = {
        name: column
        for name, column in COLUMNS.items()
        if any(name in row for row in run.epochs)
        and (is_latent or name not in OF_LATENTS)
    }
    rows = [
        [
            f"{row[name]:.{decimals}f}" if name in row else NONE
            for name, (_, decimals) in columns.items()
        ]
        for row in run.epochs
    ]
    return table([heading for heading, _ in columns.values()], rows)


def grouped(
    runs: Iterable[Run], key: Callable[[Run], str]
) -> dict[str, list[Run]]:
    """The runs by what they have in common, in the order they come in."""
    groups = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def by_corpus(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs by the corpus they were made on."""
    return grouped(runs, lambda run: run.corpus)


def link(run: Run) -> str:
    """A link to the folder of a run, from the page."""
    return f"[{run.name}](results/{run.name})"


def softmax_note(runs: Iterable[Run]) -> str:
    """Which text models' runs are from before the softmax was masked."""
    groups = grouped(runs, lambda run: run.commit[:SHORT_COMMIT])
    after = sorted(set(groups).difference(UNMASKED))
    lines = [
        f"- before the change, {commit}: {', '.join(map(link, groups[commit]))}"
        for commit in UNMASKED
        if commit in groups
    ]
    if after:
        lines.append(f"- after it: all others, of {', '.join(after)}")
    return "\n".join(["Of the text models' runs below are\n", *lines, ""])


def decimals(number: float | None) -> str:
    """Two of them; nothing for no number."""
    return NONE if number is None else f"{number:z.2f}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; columns of numbers are set to the right."""
    rows = list(rows)
    rules = [
        "---:" if _is_numeric(row[column] for row in rows) else "---"
        for column in range(len(headings))
    ]
    lines = [headings, rules, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_numeric(cells: Iterable[str]) -> bool:
    return all(re.match(r"-?\d|over |$|\(not", cell) for cell in cells)
