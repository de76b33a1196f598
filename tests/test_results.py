"""The page of results: what it takes from a run's folder, and where it goes."""

import importlib
import pathlib

import numpy as np
import pytest

from keras_textgen.cli import settings
from keras_textgen.evaluation.report import format_table

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def summarize():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "results")
        yield importlib.import_module("summarize")


COUNTS = {"sequences": 2, "predicted_tokens": 3}
EXACT = COUNTS | {
    "model": "LSTMLanguageModel",
    "likelihood_kind": "exact",
    "nll": 100.704,
    "log_likelihood": -100.704,
    "perplexity": 99.01,
}
LATENT = COUNTS | {
    "model": "LSTMVAE",
    "nll": 98.0,
    "kl": 4.25,
    "elbo": -102.25,
    "active_units": 3,
    "latent_size": 32,
    "mutual_information": 2.5,
}
BOUND = LATENT | {"likelihood_kind": "lower bound", "perplexity": 106.25}
AVERAGED = LATENT | {
    "likelihood_kind": "reconstruction",
    "num_latents": 5,
    "all_kl_bound": -119.25,
    "all_kl_perplexity": 1234.5,
    "single_latent_bound": -103.5,
    "single_latent_perplexity": 112.75,
    "importance_samples": 500,
    "importance_weighted_bound": -101.125,
}


def write_run(folder, name, *flags, figures=None, corpus="ptb", more_log=""):
    """The folder of a run of three epochs, of which the second is the best."""
    run = folder / name
    run.mkdir()
    argv = ["trainer.py", "--dataset=ptb", f"--data_dir={folder}", *flags]
    resolved = settings.parse(argv, ROOT / "flags")
    (run / "flags.txt").write_text(settings.flagfile_text(resolved))
    (run / "command.txt").write_text(
        f"python {' '.join(argv)}\n0123456789abcdef\n"
    )
    (run / "metrics.csv").write_text(
        "epoch,val_nll,val_kl,val_elbo,val_loss\n"
        "1,110,1,-111,111\n2,99,1,-100,100\n3,99.5,2,-101.5,101.5\n"
    )
    log = [f"{resolved.model} on {corpus}: 10 parameters\n{more_log}"]
    if figures is not None:
        lines = format_table(figures).splitlines()
        log.append("Test set, with the weights of the best epoch:")
        log.append("".join(f"  {line}\n" for line in lines))
        log.append("Took 61.5 minutes.\n")
    (run / "log.txt").write_text("\n".join(log))
    return run


PUBLISHED = {
    "source": "Kruengkrai 2019",
    "title": "Better Exploiting Latent Variables in Text Modeling (ACL)",
    "dataset": "ptb",
    "model": "LSTM-LM",
    "setting": "standard",
    "number": "exact",
    "nats": "100.8",
    "nats_sd": "0.2",
    "kl": "",
    "kl_sd": "",
    "perplexity": "99.4",
    "perplexity_sd": "0.7",
    "perplexity_note": "",
}
AVERAGED_PUBLISHED = PUBLISHED | {
    "model": "LSTM-VAE-AVG L=5",
    "number": "one KL charged: not a bound",
    "nats": "97.3",
}


def cells(text, *first):
    """Cells of the table's lines that begin with these cells."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return [
        line[len(first) :]
        for line in lines
        if tuple(line[: len(first)]) == first
    ]


def page(summarize, folder, published=()):
    runs = [summarize.read_run(path) for path in sorted(folder.iterdir())]
    return summarize.page(runs, list(published))


PROBES = """\
representation,dimensions,nonzero,hoyer,linear_accuracy,\
hidden_layer_accuracy,converged
majority class,0,,,0.1,,True
bag of words,900,0.01,0.95,0.5,0.55,True
hsvae: masked mean,32,0.25,0.625,0.375,0.4375,True
hsvae: sample,32,0,nan,0.1,0.1,True
beside: mean,32,1,0.2,0.3,0.3,True
"""


def test_subwords_have_a_table_of_their_own(summarize, tmp_path):
    """Beside texts with unknown words, they would look worse than they are."""
    flags = ["--model=lstm_lm", "--ptb_protocol=sentences"]
    words = EXACT | {"unit": "word", "unknown_share": 0.031}
    pieces = EXACT | {"unit": "subword", "unknown_share": 0.0, "nll": 90.0}
    pieces["log_likelihood"], pieces["perplexity"] = -90.0, 45.25
    write_run(tmp_path, "words", *flags, figures=words)
    write_run(tmp_path, "pieces", *flags, "--tokenizer=subword", figures=pieces)
    text = page(summarize, tmp_path, [PUBLISHED])
    compared = cells(text, "standard", "LSTM-LM")
    measured = "**measured**: [words](results/words)"
    assert compared[1] == [measured, "exact", "100.70", "", "99.01"]
    assert len(compared) == 2
    _, _, own = text.partition("## Subwords\n")
    own, _, every = own.partition("## All runs")
    assert "[pieces](results/pieces)" in own
    assert "[words](results/words)" not in own
    assert "exact, of the text with 3.1 % unknown" in every
    assert "45.25" in every


def test_sparse_codes(summarize, tmp_path):
    flags = ["--model=hsvae", "--latent_dim=32", "--alpha=4", "--beta=1"]
    run = write_run(tmp_path, "hs", *flags, figures=BOUND, corpus="dbpedia")
    (run / "probes.csv").write_text(PROBES)
    with (run / "metrics.csv").open("a") as file:
        file.write("4,98,1,-99,99,0.6543,0.25\n")
    metrics = (run / "metrics.csv").read_text()
    names = "val_hoyer_sample_normalized,val_hoyer_slab_mean_normalized"
    (run / "metrics.csv").write_text(
        metrics.replace("val_loss\n", f"val_loss,{names}\n")
    )
    text = page(summarize, tmp_path)
    source = "[hs](results/hs)"
    ((*what, prior, sample, slab_mean, gated_mean, mean),) = cells(
        text, source, "dbpedia", "32"
    )
    assert what == ["Beta(4, 1)"]
    # E[gamma] is 0.8, for which samples with D = 32 are known to have 0.663.
    assert float(prior) == pytest.approx(0.663, abs=0.02)
    assert (sample, slab_mean, gated_mean, mean) == ("0.654", "0.250", "", "")
    assert cells(text, "dbpedia", "", "majority class") == [
        ["0", "", "", "0.100", ""]
    ]
    # The codes of a run that was set beside it stand in its own lines.
    assert cells(text, "dbpedia", source) == [
        ["hsvae: masked mean", "32", "0.250", "0.625", "0.375", "0.438"],
        ["hsvae: sample", "32", "0.000", "", "0.100", "0.100"],
    ]
    figure = tmp_path / "sparsity.png"
    summarize.sparse_codes.plot_probes([summarize.read_run(run)], figure)
    assert figure.read_bytes().startswith(b"\x89PNG")


def write_other_run(folder, name, flags, corpus, printed):
    """The folder of a run of a model without a likelihood."""
    run = folder / name
    run.mkdir()
    argv = ["trainer.py", *flags, f"--data_dir={folder}", "--seed=3"]
    resolved = settings.parse(argv, ROOT / "flags")
    (run / "flags.txt").write_text(settings.flagfile_text(resolved))
    (run / "command.txt").write_text("python trainer.py\n0123456789abcdef\n")
    (run / "metrics.csv").write_text("epoch,val_loss\n1,3\n2,2\n")
    (run / "log.txt").write_text(
        f"{resolved.model} on {corpus}: 10 parameters\n\n"
        f"Test set, with the weights of the best epoch:\n{printed}\n\n"
        "Took 2.5 minutes.\n"
    )
    return run


def test_documents(summarize, tmp_path):
    flags = ["--model=han", "--dataset=imdb", "--label=rating"]
    printed = (
        "  system                                    accuracy  macro-F1\n"
        "  han                                         0.4321    0.3456\n"
        "  bag of words, logistic regression (C=10)    0.4000    0.3000"
    )
    write_other_run(tmp_path, "ratings", flags, "imdb", printed)
    text = page(summarize, tmp_path)
    link = "[ratings](results/ratings)"
    assert cells(text, link, "imdb", "rating") == [
        ["han", "0.4321", "0.3456"],
        ["bag of words, logistic regression (C=10)", "0.4000", "0.3000"],
    ]
    assert cells(text, link)[-1][1:] == ["3", *ORIGIN]
    assert "### ratings" not in text


ORIGIN = ["2 of 10, the best 2", "2.5 min", "0123456"]
TOPICS = """\
method,split,seed,topics,homogeneity,completeness,v_measure,npmi,diversity
LSA,test,{seed},20,0.5,0.5,{v_measure},0.25,1.0
"""


def test_topics_over_seeds(summarize, tmp_path):
    flags = ["--model=sae", "--dataset=20news"]
    for seed, v_measure in enumerate([0.42, 0.46]):
        run = write_other_run(tmp_path, f"t{seed}", flags, "20news", "  x")
        table = TOPICS.format(seed=seed, v_measure=v_measure)
        (run / "topics.csv").write_text(table)
    text = page(summarize, tmp_path)
    assert "`20news`, 2 seeds:" in text
    assert "0.440 ± 0.028" in text


def test_means_of_folds(summarize, tmp_path):
    flags = ["--model=dmf", "--dataset=ml100k"]
    for fold, rmse in ((1, 0.95), (2, 0.9)):
        printed = (
            f"  RMSE       {rmse:.4f}\n  MAE        0.7000\n"
            "  Recall@10  0.0500, ranked by popularity 0.0400\n"
            "  NDCG@10    0.1000, ranked by popularity 0.0800\n"
            "  RMSE published, mean of five folds: biases alone 0.944, "
            "SVD++ 0.919"
        )
        name = f"small_fold{fold}"
        write_other_run(tmp_path, name, flags, "ml100k", printed)
    text = page(summarize, tmp_path)
    (figures, _) = cells(text, "[small_fold2](results/small_fold2)")
    rankings = ["0.0500", "0.0400", "0.1000", "0.0800"]
    assert figures == ["ml100k", "0.9000", "0.7000", *rankings]
    means = ["mean of 2 folds", "0.9250", "0.7000", *rankings]
    assert cells(text, "**small**") == [means]
    for name, rmse in (("biases alone", "0.944"), ("SVD++", "0.919")):
        row = ["mean of 5 folds", rmse, "", "", "", "", ""]
        assert cells(text, f"{name}, published") == [row]


def test_exact_likelihood_is_beside_the_paper(summarize, tmp_path):
    write_run(tmp_path, "lm", "--model=lstm_lm", "--seed=7", figures=EXACT)
    text = page(summarize, tmp_path, [AVERAGED_PUBLISHED, PUBLISHED])
    assert cells(text, "standard", "LSTM-LM") == [
        ["Kruengkrai 2019", "exact", "100.8 ± 0.2", "", "99.4 ± 0.7"],
        ["**measured**: [lm](results/lm)", "exact", "100.70", "", "99.01"],
    ]
    ((command, *rest),) = cells(text, "[lm](results/lm)")
    assert command.startswith("`python trainer.py --dataset=ptb ")
    assert rest == ["7", "3 of 30, the best 2", "61.5 min", "0123456"]
    assert "- Kruengkrai 2019: Better Exploiting" in text


def test_each_number_of_averaged_states_is_named(summarize, tmp_path):
    write_run(tmp_path, "avg", "--model=lstm_vae_avg", figures=AVERAGED)
    text = page(summarize, tmp_path, [PUBLISHED, AVERAGED_PUBLISHED])
    source = "**measured**: [avg](results/avg)"
    group = ("standard", "LSTM-VAE-AVG L=5")
    assert cells(text, *group, source) == [
        ["one KL charged: not a bound", "102.25", "4.25", ""],
        ["bound, every KL charged", "119.25", "4.25", "1234.50"],
        ["bound, one latent decoded", "103.50", "", "112.75"],
        ["importance weighted, 500 samples", "101.12", "", ""],
    ]
    assert cells(text, *group)[0][0] == "Kruengkrai 2019"


@pytest.mark.parametrize(
    ("flags", "group"),
    [
        (["--model=lstm_vae"], ("standard", "LSTM-VAE")),
        (["--model=lstm_vae", "--inputless"], ("inputless", "LSTM-VAE")),
        (
            ["--model=lstm_vae", "--num_latent_samples=10"],
            ("standard", "LSTM-VAE L=10"),
        ),
        (
            ["--model=lstm_vae", "--posterior_family=vmf"],
            ("standard", "LSTM-vMF-VAE"),
        ),
        (
            ["--model=vae", "--ptb_protocol=sentences"],
            ("standard", "LSTM-VAE"),
        ),
    ],
)
def test_group_among_the_published(summarize, tmp_path, flags, group):
    write_run(tmp_path, "run", *flags, figures=BOUND)
    text = page(summarize, tmp_path, [PUBLISHED])
    assert cells(text, *group) == [
        [
            "**measured**: [run](results/run)",
            "bound",
            "102.25",
            "4.25",
            "106.25",
        ]
    ]


@pytest.mark.parametrize(
    ("flags", "corpus"),
    [
        (["--model=hdgm", "--ptb_protocol=sentences"], "ptb"),
        (["--model=vae", "--ptb_protocol=stream"], "ptb"),
        (["--model=lstm_vae", "--vocab_size=500"], "ptb"),
        (["--model=lstm_vae", "--dataset=yahoo"], "yahoo_reduced"),
    ],
)
def test_other_protocols_are_not_set_beside(summarize, tmp_path, flags, corpus):
    figures = BOUND | {
        "importance_samples": 50,
        "importance_weighted_bound": -101.125,
    }
    write_run(tmp_path, "run", *flags, figures=figures, corpus=corpus)
    text = page(summarize, tmp_path, [PUBLISHED])
    assert "Kruengkrai" not in text
    figures, _ = cells(text, "[run](results/run)")
    assert figures[0].startswith(corpus)
    assert figures[1:] == [
        "lower bound",
        "98.00",
        "4.25",
        "-102.25",
        "106.25",
        "-101.12 (50 samples)",
        "3 of 32",
        "2.50",
    ]


def test_remedies_have_a_table_of_their_own(summarize, tmp_path):
    flags = ["--model=lstm_vae", "--epochs=5", "--kl_steps=2630"]
    write_run(tmp_path, "lstm_vae_ptb_plain", *flags, figures=BOUND)
    flags.append("--free_bits=4")
    write_run(tmp_path, "lstm_vae_ptb_free_bits", *flags, figures=BOUND)
    text = page(summarize, tmp_path, [PUBLISHED])
    epochs = "3 of 5, the best 2"
    expected = ["98.00", "4.25", "-102.25", "3 of 32", "2.50"]
    (plain,) = cells(text, "[plain](results/lstm_vae_ptb_plain)")
    assert plain == ["`--kl_steps=2630` `--epochs=5`", epochs, *expected]
    (bits,) = cells(text, "[free bits](results/lstm_vae_ptb_free_bits)")
    assert bits == ["`--free_bits=4.0`", epochs, *expected]
    assert "Kruengkrai" not in text


def test_unfinished_runs_say_so(summarize, tmp_path):
    write_run(tmp_path, "run", "--model=lstm_vae")
    write_run(tmp_path, "lstm_vae_ptb_plain", "--model=lstm_vae")
    write_run(tmp_path, "stream", "--model=hdgm")
    text = page(summarize, tmp_path, [PUBLISHED])
    assert cells(text, "standard", "LSTM-VAE") == [
        ["**measured**: [run](results/run)", "(not finished)", "", "", ""]
    ]
    remedy = cells(text, "[plain](results/lstm_vae_ptb_plain)")[0]
    assert remedy[2:] == ["(not finished)", "", "", "", ""]
    assert cells(text, "[stream](results/stream)")[0][1] == "(not finished)"
    assert text.count("```text\n(not finished)\n```") == 3


def test_last_of_several_evaluations_counts(summarize, tmp_path):
    run = write_run(tmp_path, "lm", "--model=lstm_lm", figures=EXACT)
    later = EXACT | {"nll": 99.0, "log_likelihood": -99.0}
    again = write_run(tmp_path, "again", "--model=lstm_lm", figures=later)
    with (run / "log.txt").open("a") as log:
        log.write((again / "log.txt").read_text())
    found = summarize.read_run(run)
    assert found.number("nll") == 99.0
    assert found.time == "123.0 min"


def test_a_run_beside_other_work_is_not_timed(summarize, tmp_path):
    run = write_run(tmp_path, "lm", "--model=lstm_lm", figures=EXACT)
    with (run / "command.txt").open("a") as file:
        file.write("A remark.\nNot timed: one thread, beside other work\n")
    text = page(summarize, tmp_path)
    ((_, *rest),) = cells(text, "[lm](results/lm)")[-1:]
    time = "(not timed: one thread, beside other work)"
    assert rest[-2:] == [time, "0123456"]
    assert "61.5 min" not in text


def test_lines_on_progress_are_no_figures(summarize, tmp_path):
    run = write_run(tmp_path, "lm", "--model=lstm_lm", figures=EXACT)
    expected = summarize.read_run(run).printed
    log = (run / "log.txt").read_text()
    lines = (
        "bound: about 5.8 min (--none).\nbound: 1,000 of 2,000 done, 9 s left."
    )
    (run / "log.txt").write_text(log.replace("epoch:\n", f"epoch:\n{lines}\n"))
    assert summarize.read_run(run).printed == expected


def test_runs_are_told_by_their_softmax(summarize, tmp_path):
    for name, commit in (("new", "0123456789"), ("old", "8bf0eb7123")):
        run = write_run(tmp_path, name, "--model=lstm_lm", figures=EXACT)
        command = (run / "command.txt").read_text().splitlines()[0]
        (run / "command.txt").write_text(f"{command}\n{commit}\n")
    text = page(summarize, tmp_path)
    assert "- before the change, 8bf0eb7: [old](results/old)\n" in text
    assert "- after it: all others, of 0123456\n" in text


def test_time_of_several_sittings_is_a_lower_limit(summarize, tmp_path):
    run = write_run(
        tmp_path,
        "run",
        "--model=lstm_lm",
        figures=EXACT,
        more_log="5/5 - 7200s - 1s/step - loss: 2.0\n"
        "Stopped by SIGTERM, and saved. The same command goes on.\n"
        "Going on after step 3 of epoch 2.\n",
    )
    assert summarize.read_run(run).time == "over 120 min"


def test_figures_of_pretraining_are_not_the_best(summarize, tmp_path):
    run = write_run(
        tmp_path, "run", "--model=lstm_vae", "--autoencoder_epochs=2"
    )
    text = page(summarize, tmp_path, [])
    assert "| 3 of 30, the best 3 |" in text
    assert summarize.read_run(run).printed is None


def test_columns_without_meaning_are_left_out(summarize, tmp_path):
    write_run(tmp_path, "lm", "--model=lstm_lm", figures=EXACT)
    text = page(summarize, tmp_path, [])
    assert "| epoch | nll |\n" in text
    assert cells(text, "2") == [["99.00"]]
    write_run(tmp_path, "vae", "--model=lstm_vae", figures=BOUND)
    text = page(summarize, tmp_path, [])
    assert "| epoch | nll | KL | -(nll + KL) |\n" in text
    assert cells(text, "2") == [["99.00"], ["99.00", "1.00", "-100.00"]]


def test_published_numbers_fit_each_other(summarize):
    _, published = summarize.read_all()
    assert {row["dataset"] for row in published} == {"ptb", "yahoo"}
    assert {row["setting"] for row in published} == {"standard", "inputless"}
    assert all(row["title"] and float(row["nats"]) > 0 for row in published)
    checked = [
        row
        for row in published
        if row["dataset"] == "ptb" and row["perplexity_sd"]
    ]
    assert len(checked) == 12
    for row in checked:
        # 82,430 tokens of 3,761 sentences are predicted.
        perplexity = np.exp(float(row["nats"]) * 3761 / 82430)
        assert float(row["perplexity"]) == pytest.approx(perplexity, rel=0.005)


def test_page_is_what_the_logs_give(summarize):
    runs, published = summarize.read_all()
    written = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert written == summarize.page(runs, published)
