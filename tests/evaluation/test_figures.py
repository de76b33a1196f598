"""Figures for programs: they are those of the reports, with what they are."""

import json
import math

import numpy as np
import pytest

from keras_textgen.evaluation.classification import classification_report
from keras_textgen.evaluation.figures import (
    Figure,
    figures_from_json,
    figures_json,
    likelihood_figures,
    probe_figures,
    quality_figures,
    report_figures,
    spread,
)
from keras_textgen.evaluation.probes import ProbeRow
from keras_textgen.evaluation.sample_quality import SampleQuality
from keras_textgen.evaluation.topics import TopicScores

NAN = float("nan")


def by_name(figures):
    found = {(each.name, each.split): each for each in figures}
    assert len(found) == len(figures)
    return found


@pytest.mark.parametrize(
    ("kind", "elbo", "perplexity"),
    [
        ("exact", None, None),
        ("lower bound", "lower", "upper"),
        ("reconstruction", None, None),
    ],
)
def test_what_is_a_bound_depends_on_the_model(kind, elbo, perplexity):
    report = {"model": "M", "likelihood_kind": kind, "unit": "subword"}
    report |= {"sequences": 3, "predicted_tokens": 9, "nll": 8.5}
    report |= {"elbo_nats_per_word": 2.0, "elbo_bits_per_byte": 1.0}
    report |= {"elbo": -9.0}
    if kind != "reconstruction":
        report["perplexity"] = 20.0
    found = by_name(report_figures(report))
    assert {name for name, _ in found} == report.keys() - {
        "model",
        "likelihood_kind",
        "unit",
    }
    assert found["elbo", "test"].bound == elbo
    for name in ("elbo_nats_per_word", "elbo_bits_per_byte"):
        assert found[name, "test"].bound == (elbo and "upper")
    if "perplexity" in report:
        assert found["perplexity", "test"].bound == perplexity
        assert found["perplexity", "test"].unit == "per subword"
    assert found["predicted_tokens", "test"].unit == "subwords"
    assert found["nll", "test"] == Figure("nll", 8.5, "nats per sequence")


def test_bounds_of_averaged_states_are_bounds_whatever_the_model():
    report = {"likelihood_kind": "reconstruction", "unit": "word"}
    names = ("all_kl_bound", "single_latent_bound", "importance_weighted_bound")
    report |= dict.fromkeys(names, -80.0)
    report |= {"all_kl_perplexity": 99.0, "single_latent_perplexity": 98.0}
    found = by_name(likelihood_figures(report, "valid"))
    assert {found[name, "valid"].bound for name in names} == {"lower"}
    assert found["all_kl_perplexity", "valid"].bound == "upper"
    assert found["single_latent_perplexity", "valid"].bound == "upper"


def test_figures_of_a_classifier():
    labels = np.array([0, 0, 1, 1])
    systems = {"HAN": np.array([0, 0, 0, 1]), "bag of words": labels}
    report = classification_report(systems, labels, ["ham", "spam"])
    found = by_name(report_figures(report))
    assert found["documents", "test"].value == 4
    assert found["accuracy", "test"] == Figure("accuracy", 0.75, "share")
    assert found["bag of words: accuracy", "test"].value == 1
    assert found["class ham: precision", "test"].value == pytest.approx(2 / 3)
    assert found["class spam: recall", "test"].value == 0.5
    assert found["class ham: documents", "test"].value == 2


def test_figures_of_topics():
    rows = [
        TopicScores(method, split, 0, 5, 0.4, 0.6, v, npmi, 0.5)
        for method, npmi in (("SAE", 0.1), ("LDA", 0.2))
        for split, v in (("train", 0.5), ("test", 0.45))
    ]
    report = {"scores": rows, "systems": {"codes": {"accuracy": 0.25}}}
    report["bound"] = {"likelihood_kind": "lower bound", "perplexity": 900.0}
    found = by_name(report_figures(report))
    assert found["v_measure", "train"].value == 0.5
    assert found["v_measure", "test"].value == 0.45
    assert found["LDA: npmi", "train"].value == 0.2
    assert ("npmi", "test") not in found
    assert found["classifier of codes: accuracy", "test"].value == 0.25
    assert found["perplexity", "test"].bound == "upper"

    unlabeled = [TopicScores("SAE", "train", 0, 5, None, None, None, 0.1, 0.5)]
    assert [each.name for each in report_figures({"scores": unlabeled})] == [
        "npmi",
        "diversity",
    ]


def test_figures_of_matrices():
    figures = {"rmse": 0.9, "biases mae": 0.8, "rows": 7, "recall@10": 0.5}
    figures["popularity ndcg@50"] = 0.25
    found = by_name(report_figures({"figures": figures}))
    assert {name: each.value for (name, _), each in found.items()} == figures
    units = {name: each.unit for (name, _), each in found.items()}
    assert units == {
        "rmse": "as the values",
        "biases mae": "as the values",
        "rows": "rows",
        "recall@10": "share",
        "popularity ndcg@50": "share",
    }


def test_figures_of_samples_and_probes():
    rows = [
        SampleQuality("copies", 0.5, NAN),
        SampleQuality("self-BLEU", NAN, 0.25),
        SampleQuality("reconstruction BLEU", 0.75, NAN),
    ]
    assert [(f.name, f.value, f.split) for f in quality_figures(rows)] == [
        ("copies", 0.5, "samples"),
        ("real text: self-BLEU", 0.25, "train"),
        ("reconstruction BLEU", 0.75, "test"),
    ]
    rows = [
        ProbeRow("majority class", 0, None, None, 0.125, None),
        ProbeRow("vae: mean", 8, 1.0, 0.5, 0.25, 0.375),
    ]
    assert [(f.name, f.value) for f in probe_figures(rows)] == [
        ("probe of majority class: linear_accuracy", 0.125),
        ("probe of vae: mean: linear_accuracy", 0.25),
        ("probe of vae: mean: hidden_layer_accuracy", 0.375),
    ]


def test_json_is_read_by_any_program_and_gives_the_same_figures():
    figures = [
        Figure("elbo", -80.12345678901234, "nats", "valid", "lower"),
        Figure('class "a\nb": f1', NAN),
        Figure("perplexity", math.inf, "per word", "test", "upper"),
    ]
    text = figures_json(figures)

    def refuse(constant):
        raise AssertionError(constant)

    rows = json.loads(text, parse_constant=refuse)
    assert [row["value"] for row in rows] == [figures[0].value, None, None]
    again = figures_from_json(text)
    assert again[0] == figures[0]
    assert again[1]._replace(value=0) == figures[1]._replace(value=0)
    assert math.isnan(again[1].value)
    assert math.isnan(again[2].value)
    assert figures_from_json(figures_json([])) == []


def test_spread_over_runs():
    values = [2.0, 4.0, 9.0]
    runs = {
        f"seed_{n}": [Figure("nll", value, "nats"), Figure("nll", 1, split="a")]
        for n, value in enumerate(values)
    }
    runs["seed_1"].append(Figure("kl", 3.0))
    runs["seed_2"].append(Figure("kl", NAN))
    nll, other, kl = spread(runs)
    assert nll.figure == Figure("nll", 5.0, "nats")
    assert nll.deviation == pytest.approx(np.std(values, ddof=1))
    assert list(nll.values.values()) == values
    assert other.deviation == 0
    assert kl.figure.value == 3
    assert math.isnan(kl.deviation)
    assert math.isnan(kl.values["seed_0"])
    assert spread({}) == []
