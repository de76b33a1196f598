"""Help of one model: what it takes, and nothing else."""

import re

import pytest

from keras_textgen.cli import settings
from keras_textgen.cli.table import models_taking
from keras_textgen.specs import SPECS


def flags_of(text):
    return set(re.findall(r"^  --(?:\[no\])?(\w+)(?:=|$)", text, re.M))


@pytest.mark.parametrize("model", SPECS)
def test_help_shows_what_a_model_takes(model):
    text = settings.help_text("trainer.py", model)
    expected = {n for n in settings.SETTINGS if model in models_taking(n)}
    others = {"flagfile", "helpshort", "version"}
    assert flags_of(text) - others == expected
    assert f"\n  --model={model}\n" in text
    assert f"\n  --dataset={'|'.join(SPECS[model].datasets)}\n" in text
    assert "Only with --model" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_help_of_sae_in_detail():
    shown = flags_of(settings.help_text("trainer.py", "sae"))
    assert {"num_topics", "l2", "label", "latent_dim", "epochs"} <= shown
    assert not shown & {"window", "fold", "kl_max", "rnn_units", "top_k"}


@pytest.mark.parametrize(
    ("given", "model"),
    [
        (["--helpshort"], None),
        (["--helpshort", "--model=sae"], "sae"),
        (["--model", "dmf", "-h"], "dmf"),
        (["--model=vae", "--help", "--model=han", "--epohcs=3"], "han"),
        (["--help", "--model"], None),
    ],
)
def test_help_is_of_the_model_that_is_named(given, model):
    with pytest.raises(settings.HelpRequested) as asked:
        settings.parse(["trainer.py", *given], "no_recipes")
    assert asked.value.model == model


def test_help_of_an_unknown_model_is_refused():
    with pytest.raises(settings.RunError, match="model=lda: must be one"):
        settings.parse(["trainer.py", "--help", "--model=lda"], "no_recipes")
