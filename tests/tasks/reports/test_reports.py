"""The report of a run of each kind, and of several runs."""

import json
import re

import pytest

import trainer
from keras_textgen.cli.settings import flagfile_text, parse
from keras_textgen.evaluation.figures import figures_from_json
from keras_textgen.pages import charts

LINES = [
    f"{subject} {verb} the {thing} {number} ."
    for number, (subject, verb, thing) in enumerate(
        (s, v, t)
        for s in ("we", "they", "all men", "our people")
        for v in ("see", "know", "keep")
        for t in ("sea", "law", "rose", "land", "peace")
    )
]
SIZES = {
    "vae": ["--embedding_dim=4", "--rnn_units=4", "--latent_dim=3"],
    "hsvae": ["--embedding_dim=4", "--rnn_units=4", "--latent_dim=3"],
    "lstm_lm": ["--embedding_dim=4", "--rnn_units=4"],
    "han": ["--embedding_dim=4", "--rnn_units=4", "--attention_units=4"],
    "sae": ["--latent_dim=4", "--num_topics=2"],
    "prodlda": ["--num_topics=2"],
    "dmf": ["--embedding_dim=4"],
}
PANELS = {
    "vae": ["Dimensions of the code", "Map of the codes",
            "One dimension at a time", "Interpolations", "Reconstructions",
            "Samples", "By position", "By length", "The worst texts"],
    "lstm_lm": ["Samples", "By position", "By length", "The worst texts"],
    "han": ["What is taken for what", "How sure it is", "What it attends to",
            "Documents"],
    "sae": ["Words of the topics", "Topics that are alike",
            "Map of the documents", "The most typical documents"],
    "dmf": ["Errors by what is known", "Recommendations", "Neighbours"],
}  # fmt: skip

# A figure of each, and how it is printed.
PRINTED = {
    "vae": ("elbo", "bound                {:.3f} nats per sequence"),
    "lstm_lm": ("perplexity", "perplexity per word  {:.2f}"),
    "han": ("accuracy", "  {:.4f}  "),
    "sae": ("v_measure", "    {:.3f}  "),
    "dmf": ("rmse", "RMSE         {:.4f}, global mean"),
}


def write_data(model, folder):
    path = folder / "data.txt"
    if model == "dmf":
        path = folder / "ratings.csv"
        cells = [(u, i) for u in range(12) for i in range(9) if (u + i) % 4]
        rows = [f"u{u},i{i},{1 + (u * i) % 5}" for u, i in cells]
        path.write_text("user,item,rating\n" + "\n".join(rows) + "\n")
        return ["--dataset=ratings", f"--data_dir={path}"]
    lines = LINES
    if model in ("hsvae", "mat_vae", "han", "sae", "prodlda"):
        lines = [f"{'ab'[n % 2]}\t{line}" for n, line in enumerate(LINES)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return ["--dataset=text", f"--data_dir={path}"]


def run(model, folder, *more):
    given = [
        f"--model={model}",
        *write_data(model, folder.parent),
        f"--run_dir={folder}",
        "--epochs=1",
        *SIZES.get(model, SIZES["vae"]),
        *more,
    ]
    if model not in ("han", "sae", "prodlda", "dmf"):
        given.append("--importance_samples=0")
    return trainer.main(["trainer.py", *given])


@pytest.mark.parametrize("model", ["lstm_lm", "vae", "han", "sae"])
def test_a_run_of_a_network_ends_with_a_report(model, tmp_path, capsys):
    check_report(model, tmp_path, capsys)


@pytest.mark.parametrize("model", ["dmf"])
def test_a_run_ends_with_a_report(model, tmp_path, capsys):
    check_report(model, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    ["hdgm", "lstm_vae", "lstm_vae_avg", "hsvae", "mat_vae", "prodlda"],
)
def test_the_other_models_end_with_a_report(model, tmp_path, capsys):
    assert run(model, tmp_path / "run") == 0
    assert "  report.html" in capsys.readouterr().out
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    titles = re.findall("<section id=.*>\n<h2>(.*?)</h2>", page)
    assert set(titles) >= set(PANELS["sae" if model == "prodlda" else "vae"])


def check_report(model, tmp_path, capsys):
    folder = tmp_path / "run"
    assert run(model, folder) == 0
    printed = capsys.readouterr().out
    assert "  report.html" in printed
    page = (folder / "report.html").read_text("utf-8")
    titles = re.findall("<section id=.*>\n<h2>(.*?)</h2>", page)
    assert titles == ["The run", "Training", "Test set", *PANELS[model]]
    # What is printed of the test set is kept, and shown, as it was.
    results = (folder / "results.txt").read_text("utf-8")
    assert results.startswith("Test set, with the weights of the best epoch:")
    assert results in printed
    assert "Not evaluated yet" not in page
    check_figures(model, folder, results)
    times = (folder / "times.csv").read_text().splitlines()
    assert times[0].startswith("epoch,seconds,training_seconds,")
    assert re.search(r"1 epoch took .* a second\.</p>", page)
    assert '<td>train</td><td class="number">' in page

    (folder / "report.html").unlink()
    data = write_data(model, tmp_path)
    arguments = ["--mode=report", f"--run_dir={folder}", *data]
    assert trainer.main(["trainer.py", *arguments]) == 0
    assert (folder / "report.html").read_text("utf-8") == page


def check_figures(model, folder, results):
    """What programs read is what was printed, and what the epoch had."""
    text = (folder / "figures.json").read_text("utf-8")
    figures = {
        (each.name, each.split): each for each in figures_from_json(text)
    }
    name, line = PRINTED[model]
    assert line.format(figures[name, "test"].value) in results
    header, *_, last = (folder / "metrics.csv").read_text().splitlines()
    for column, value in zip(header.split(","), last.split(","), strict=True):
        if column.startswith("val_"):
            found = figures[column.removeprefix("val_"), "valid"]
            assert found.value == float(value)
    assert figures["epochs", "train"].value == 1
    assert figures["kept epoch", "train"].value == 1


def test_several_runs_on_one_page(tmp_path, capsys):
    for name, rate in (("a", 0.001), ("b", 0.01)):
        assert run("lstm_lm", tmp_path / name, f"--learning_rate={rate}") == 0
    output = tmp_path / "both.html"
    runs = f"--runs={tmp_path / 'a'},{tmp_path / 'b'}"
    arguments = ["--mode=report", runs, f"--output={output}"]
    assert trainer.main(["trainer.py", *arguments]) == 0
    page = output.read_text("utf-8")
    assert "<td>--learning_rate</td><td>0.001</td><td>0.01</td>" in page
    assert page.count("<td>--") == 1
    assert '"a, training"' in page
    assert '"b, validation"' in page
    value = json.loads((tmp_path / "b" / "figures.json").read_text())[2]
    assert value["name"] == "loss"
    assert f'<td class="number">{value["value"]:,.4g}</td>' in page
    assert "standard deviation" not in page
    capsys.readouterr()
    arguments[1] = f"--runs={tmp_path / 'a'},{tmp_path / 'a'}"
    assert trainer.main(["trainer.py", *arguments]) == 2
    assert "one of them twice" in capsys.readouterr().err
    arguments[1] = f"--runs={tmp_path / 'a'},{tmp_path / 'c'}"
    assert trainer.main(["trainer.py", *arguments]) == 2
    assert f"{tmp_path / 'c'}: there is no run" in capsys.readouterr().err


def sweep_folder(tmp_path, *names):
    """The flags of runs without data, as a sweep leaves them."""
    there = tmp_path / "there.txt"
    there.write_text("a rose\n" * 20)
    for number, name in enumerate(names):
        given = ["--dataset=text", "--model=vae", f"--data_dir={there}"]
        given.append(f"--seed={number}")
        settings = parse(["trainer.py", *given], tmp_path)
        (tmp_path / "sweep" / name).mkdir(parents=True)
        flags = tmp_path / "sweep" / name / "flags.txt"
        flags.write_text(flagfile_text(settings))
    there.unlink()
    return tmp_path / "sweep"


def test_a_folder_of_runs_is_all_of_them(tmp_path, capsys, monkeypatch):
    names = ("trial_10", "trial_2", "trial_0")
    folder = sweep_folder(tmp_path, *names)
    monkeypatch.chdir(tmp_path)
    compare = ["trainer.py", "--mode=report"]
    assert trainer.main([*compare, f"--runs={folder}"]) == 0
    told = "Written to comparison.html, in the current folder.\n"
    assert capsys.readouterr().out == told
    page = (tmp_path / "comparison.html").read_text("utf-8")
    assert "<td>--seed</td><td>2</td><td>1</td><td>0</td>" in page
    one = folder / "trial_2"
    runs = f"--runs={one},{folder / 'trial_10'}"
    assert trainer.main([*compare, runs, "--output=two.html"]) == 0
    assert capsys.readouterr().out == "Written to two.html.\n"
    page = (tmp_path / "two.html").read_text("utf-8")
    assert "<td>--seed</td><td>1</td><td>0</td>" in page
    assert trainer.main([*compare, f"--runs={one},{folder}"]) == 2
    assert "one of them twice" in capsys.readouterr().err


def test_a_test_set_of_one_text(tmp_path, capsys):
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(LINES[:10]) + "\n", "utf-8")
    arguments = ["--model=vae", "--dataset=text", f"--data_dir={path}"]
    more = ["--epochs=1", "--importance_samples=0", *SIZES["vae"]]
    run = ["trainer.py", *arguments, *more, f"--run_dir={tmp_path / 'run'}"]
    assert trainer.main(run) == 0
    assert capsys.readouterr().out.count("\n  again ") == 1
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert page.count("<section ") == 3 + len(PANELS["vae"])


def test_charts_of_nothing():
    for chart in (
        charts.line_chart([], "epoch", "loss"),
        charts.bar_chart([], "words", "perplexity"),
        charts.scatter([], "label", ["text"]),
        charts.heatmap([], "taken for", "class", "documents"),
        charts.small_bars([], "topic", "word", "share"),
    ):
        assert list(chart["datasets"].values()) == [[]]


def test_several_runs_are_no_single_one(capsys):
    arguments = ["--mode=report", "--runs=a,b", "--run_dir=c"]
    assert trainer.main(["trainer.py", *arguments]) == 2
    error = capsys.readouterr().err
    assert "--runs=a,b contradicts --run_dir=" in error
    arguments[2] = "--importance_samples=3"
    assert trainer.main(["trainer.py", *arguments]) == 2
    assert "--importance_samples=3 with --runs=a,b, which are compared as" in (
        capsys.readouterr().err
    )
