"""From settings to schedule, model and optimizer."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.cli import settings
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.encoders import TransformerEncoder
from keras_textgen.layers.transformer_decoder import TransformerDecoder
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.specs import names_of
from keras_textgen.tasks import text as text_task
from keras_textgen.tasks.base import make_optimizer

ROOT = pathlib.Path(__file__).parents[2]
SIZES = ["--embedding_dim=3", "--rnn_units=4", "--latent_dim=2"]


def parse(tmp_path, *arguments):
    return settings.parse(["trainer.py", *arguments], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kl_max=0.5"], [0.5, 0.5, 0.5]),
        (
            ["--kl_schedule=linear", "--kl_steps=40", "--kl_start=10"],
            [0.0, 0.5, 1.0],
        ),
        (
            ["--kl_schedule=sigmoid", "--kl_bias=60", "--kl_slope=0.1"],
            1 / (1 + np.exp([3.0, 0.0, -3.0])),
        ),
        (
            ["--kl_schedule=cyclical", "--kl_steps=120", "--kl_max=2"],
            [0.0, 1.0, 2.0],
        ),
        (
            ["--kl_schedule=cyclical", "--kl_steps=120", "--kl_ramp=0.25"],
            [0.0, 1.0, 1.0],
        ),
        (["--kl_schedule=linear", "--kl_epochs=3"], [0.0, 0.5, 1.0]),
        (["--kl_schedule=cyclical", "--kl_epochs=6"], [0.0, 0.5, 1.0]),
    ],
)
def test_kl_schedule(tmp_path, arguments, expected):
    schedule = text_task.kl_schedule(
        parse(tmp_path, *arguments), steps_per_epoch=20
    )
    weights = schedule(tf.constant([0, 30, 60]))
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_every_model_flag_reaches_the_constructor(tmp_path):
    given = {
        "embedding_dim": 3,
        "rnn_type": "gru",
        "rnn_units": 4,
        "num_layers": 1,
        "latent_dim": 2,
        "objective": "bound",
        "word_keep_rate": 0.5,
        "num_levels": 3,
        "deterministic_layers": 1,
        "attention_units": 6,
        "generated_length": 7,
    }
    values = parse(
        tmp_path,
        *(f"--{name}={value}" for name, value in given.items()),
        "--seed=5",
        "--learning_rate=0.25",
        "--clip_norm=2",
    )
    model = text_task.make_text_model(values, Vocabulary(["a", "b"]), 1)
    assert isinstance(model, HDGM)
    config = model.get_config()
    expected = {**given, "max_length": 7, "seed": 5}
    del expected["generated_length"]
    assert {name: config[name] for name in expected} == expected
    optimizer = make_optimizer(values)
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.global_clipnorm == 2


def test_every_flag_of_the_lstm_vae_reaches_the_constructor(tmp_path):
    given = {
        "embedding_dim": 3,
        "rnn_units": 4,
        "latent_dim": 2,
        "dropout": 0.25,
        "num_latent_samples": 3,
        "feed_latent": False,
        "free_bits": 2.0,
        "bag_of_words_weight": 0.5,
        "word_keep_rate": 0.0,
        "aggressive_encoder": True,
    }
    values = parse(
        tmp_path,
        "--model=lstm_vae_avg",
        "--optimizer=sgd",
        "--learning_rate=0.25",
        "--inputless",
        *(f"--{name}={value}" for name, value in given.items()),
    )
    model = text_task.make_text_model(values, Vocabulary(["a", "b"]), 1)
    assert type(model) is LSTMVAEAVG
    config = model.get_config()
    expected = {**given, "num_samples": 3}
    del expected["num_latent_samples"]
    assert {name: config[name] for name in expected} == expected
    optimizer = make_optimizer(values)
    assert type(optimizer) is keras.optimizers.SGD
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.global_clipnorm == 5
    assert optimizer.momentum == 0


def test_sphere_of_a_sentence_vae(tmp_path):
    values = parse(
        tmp_path,
        *SIZES,
        "--model=vae",
        "--objective=bound",
        "--posterior_family=vmf",
        "--vmf_concentration=7",
        "--free_bits_per_dimension=0",
    )
    config = text_task.make_text_model(
        values, Vocabulary(["a"]), 1
    ).get_config()
    assert (config["posterior_family"], config["concentration"]) == ("vmf", 7)


def test_language_model_has_no_latent_arguments(tmp_path):
    values = parse(
        tmp_path,
        "--model=lstm_lm",
        "--embedding_dim=3",
        "--rnn_units=4",
        "--dropout=0.25",
    )
    model = text_task.make_text_model(values, Vocabulary(["a", "b"]), 1)
    assert isinstance(model, LSTMLanguageModel)
    assert model.get_config()["dropout"] == 0.25


def test_flags_left_out_leave_the_models_defaults(tmp_path):
    model = text_task.make_text_model(
        parse(tmp_path, *SIZES), Vocabulary(["a"]), 1
    )
    defaults = HDGM(
        Vocabulary(["a"]), embedding_dim=3, rnn_units=4, latent_dim=2
    )
    for name in ("num_layers", "attention_units", "objective", "rnn_type"):
        assert getattr(model, name) == getattr(defaults, name)


def test_flags_of_the_hsvae_reach_the_constructor(tmp_path):
    given = {
        "z_reg_weight": 0.25,
        "gamma_reg_weight": 0.5,
        "temperature": 0.75,
        "alpha": 3.0,
        "beta": 2.0,
    }
    flags = [f"--{name}={value}" for name, value in given.items()]
    values = parse(tmp_path, "--model=hsvae", "--iter=7", *SIZES, *flags)
    model = text_task.make_text_model(values, Vocabulary(["a", "b"]), 1)
    assert isinstance(model, HSVAE)
    config = model.get_config()
    assert {name: config[name] for name in given} == given
    assert config["seed"] == 7
    assert config["starts_with_end"]


TRANSFORMER = [
    "--transformer_layers=3",
    "--transformer_heads=2",
    "--positions=learned",
]


def test_flags_of_transformers_reach_them(tmp_path):
    values = parse(
        tmp_path,
        "--model=vae",
        "--embedding_dim=8",
        "--encoder=transformer",
        "--decoder=transformer",
        "--transformer_units=4",
        "--latent_injection=embedding",
        *TRANSFORMER,
    )
    model = text_task.make_text_model(values, Vocabulary(["a", "b"]), 1)
    sizes = {
        "units": 4,
        "num_layers": 3,
        "num_heads": 2,
        "positions": "learned",
    }
    assert isinstance(model.encoder, TransformerEncoder)
    assert isinstance(model.decoder, TransformerDecoder)
    assert model.encoder.get_config().items() >= sizes.items()
    sizes["latent_injection"] = "embedding"
    assert model.decoder.get_config().items() >= sizes.items()


def test_a_transformer_is_as_wide_as_the_embedding(tmp_path):
    values = parse(
        tmp_path,
        "--model=lstm_lm",
        "--decoder=transformer",
        "--embedding_dim=8",
        "--tied_embeddings",
        *TRANSFORMER,
    )
    model = text_task.make_text_model(values, Vocabulary(["a", "b"]), 1)
    assert model.decoder.units == 8
    assert model.tied_embeddings


def test_share_of_unknown_words_is_said_with_what_helps(tmp_path, capsys):
    path = tmp_path / "texts.txt"
    # Without spaces, every line is a word of its own.
    lines = [f"这是第{number}句" for number in range(40)]
    path.write_text("\n".join(lines), "utf-8")
    flags = ["--model=lstm_lm", "--dataset=text", f"--data_dir={path}"]
    text_task.TextTask(parse(tmp_path, *flags))
    shares, hint = capsys.readouterr().out.splitlines()
    assert shares == (
        "Unknown words: 0.0 % of train, 100.0 % of valid, 100.0 % of test."
    )
    assert "--tokenizer=character for a script without spaces" in hint
    task = text_task.TextTask(parse(tmp_path, *flags, "--tokenizer=character"))
    (shares,) = capsys.readouterr().out.splitlines()
    assert shares.startswith("Unknown characters: 0.0 % of train, ")
    vocabulary = task.corpus.vocabulary
    assert vocabulary.get_vocabulary()[4:7] == ["句", "是", "第"]
    text = vocabulary.to_text(task.corpus.train[:1]).numpy()[0].decode()
    assert text in lines


def test_headings_and_rubbish_are_said(tmp_path, capsys):
    path = tmp_path / "texts.tsv"
    lines = ["label\ttext", *["a\tone two", "b\ttwo"] * 10]
    path.write_text("\n".join(lines), "utf-8")
    flags = ["--model=lstm_lm", "--dataset=text", f"--data_dir={path}"]
    text_task.TextTask(parse(tmp_path, *flags))
    out = capsys.readouterr().out
    assert f"{path}:1: names the columns ('label'); left out.\n" in out


def test_tokenizer_is_not_for_matrices(tmp_path):
    flags = ["--model=dmf", "--dataset=sotu", "--tokenizer=character"]
    with pytest.raises(
        settings.RunError, match="--tokenizer has a meaning onl"
    ):
        parse(tmp_path, *flags)


@pytest.mark.parametrize("model", names_of("text"))
def test_the_recipe_for_a_text_of_ones_own_makes_its_model(tmp_path, model):
    values = settings.parse(
        [
            "trainer.py",
            f"--model={model}",
            "--dataset=text",
            f"--data_dir={tmp_path}",
            "--embedding_dim=3",
            "--rnn_units=4",
        ],
        ROOT / "flags",
    )
    made = text_task.make_text_model(values, Vocabulary(["a", "b"]), 30)
    exact_or_not = {"lstm_lm": "exact", "lstm_vae_avg": "reconstruction"}
    assert made.likelihood_kind == exact_or_not.get(model, "lower bound")
    if model in ("hdgm", "vae", "lstm_vae", "lstm_vae_avg"):
        # Two epochs of annealing.
        np.testing.assert_allclose(
            made.kl_schedule(tf.constant([0, 30, 60, 90])), [0, 0.5, 1, 1]
        )


class Parrot:
    """Says each of its lines in turn."""

    def __init__(self, lines):
        self.lines = lines

    def generate(self, count, **settings):
        assert settings["temperature"] == 0.5
        return [self.lines[row % len(self.lines)] for row in range(count)]


def test_samples_are_set_beside_the_training_text(tmp_path, capsys):
    # Bigrams: (a b), (b c), (c d), (d e); (b d), (d b), (b a), of 2 * 8.
    lines = ["a b c d e", "a b d b a"]
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_text("\n".join(lines * 2) + "\n")
    values = parse(
        tmp_path,
        "--dataset=text",
        "--objective=bound",
        f"--data_dir={tmp_path}",
        "--sampling_temperature=0.5",
    )
    task = text_task.TextTask(values)
    capsys.readouterr()
    # Bigrams: (e d), (d c); (a b), (b c), (c d), (d e), of 2 * 6.
    files = task._print_quality(Parrot(["e d c", "a b c d e"]), tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["", "Quality of 4 samples beside training sequences:"]
    assert lines[3] == "  copies                  0.5000         -"
    assert lines[5] == "  distinct-2              0.5000    0.4375"
    (name,) = files
    rows = (tmp_path / name).read_text().splitlines()
    assert rows[:2] == ["measure,model,real", "copies,0.5,"]
    assert rows[3] == "distinct-2,0.5,0.4375"


def test_the_unknown_word_is_in_no_pair(tmp_path, capsys):
    # x and y occur once. Known pairs: (a b), (b c); (a b); (b c), (c c).
    lines = ["a b c", "a b x b c c", "y a"]
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_text("\n".join(lines) + "\n")
    values = parse(
        tmp_path,
        "--dataset=text",
        "--objective=bound",
        "--min_count=2",
        f"--data_dir={tmp_path}",
        "--sampling_temperature=0.5",
    )
    task = text_task.TextTask(values)
    capsys.readouterr()
    # (a a), (a a); a copy has its unknown words where the text has them.
    task._print_quality(Parrot(["a a a", "<unk> a", "b"]), tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "  copies                  0.3333         -"
    assert lines[5] == "  distinct-2              0.5000    0.6000"


def own_text(folder, *flags):
    (folder / "lines.txt").write_text("a b c\n" * 20)
    return parse(
        folder,
        *SIZES,
        "--dataset=text",
        "--objective=bound",
        f"--data_dir={folder}",
        "--sampling_temperature=0.5",
        *flags,
    )


def test_texts_without_words_and_pairs_are_visible(tmp_path, capsys):
    values = own_text(tmp_path)
    task = text_task.TextTask(values)
    capsys.readouterr()
    parrot = Parrot(["", " ", "a"])
    task.print_generated(values, parrot)
    task._print_quality(parrot, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:5] == ["  1  (empty)", "  2  (empty)", "  3  a"]
    # Of 16 training sequences (a b), (b c).
    assert "  distinct-2                   -    0.0625" in lines
    parrot.reconstruct = lambda tokens, **_: [""] * len(tokens)
    text_task._print_reconstructions(values, task.corpus, parrot)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:4] == ["  text   a b c", "  again  (empty)"]


@pytest.mark.parametrize(
    ("flags", "reached"),
    [
        (["--kl_schedule=linear", "--kl_steps=20", "--kl_max=2"], "0.6"),
        (["--kl_schedule=linear", "--kl_steps=6"], None),
        (["--kl_schedule=sigmoid", "--kl_bias=12", "--kl_slope=1"], "0.5"),
        (["--kl_schedule=sigmoid", "--kl_bias=2", "--kl_slope=9"], None),
        (["--kl_schedule=cyclical", "--kl_steps=20"], None),
        (["--kl_max=0.5"], None),
    ],
)
def test_a_kl_weight_that_is_still_rising_is_said(tmp_path, flags, reached):
    # 16 texts, 3 epochs of 2 steps.
    values = own_text(tmp_path, "--epochs=3", "--batch_size=8", *flags)
    task = text_task.TextTask(values)
    hints = task._hints(task.make_model(), {"active_units": 2})
    said = [hint.split(":")[0] for hint in hints]
    if reached is None:
        assert said == []
    else:
        last = "2" if "--kl_max=2" in flags else "1"
        end = f"The run ended at a KL weight of {reached}, on its way to {last}"
        assert said == [end]


@pytest.mark.parametrize("active", [0, 1, 2])
def test_a_code_that_is_hardly_used_is_said(tmp_path, active):
    task = text_task.TextTask(own_text(tmp_path))
    hints = task._hints(task.make_model(), {"active_units": active})
    assert len(hints) == (active < 2)
    assert not hints or "--free_bits, --feed_latent" in hints[0]
    values = parse(
        tmp_path,
        "--model=lstm_lm",
        "--dataset=text",
        f"--data_dir={tmp_path}",
        "--embedding_dim=3",
    )
    task = text_task.TextTask(values)
    assert task._hints(task.make_model(), {}) == []


def test_lines_on_progress_are_not_in_the_table(tmp_path, capsys, monkeypatch):
    values = own_text(tmp_path, "--importance_samples=2", "--num_samples=1")
    task = text_task.TextTask(values)
    capsys.readouterr()

    def evaluate(model, batches, samples, *, watch, kept_bounds):
        print("importance-weighted bound, 2 samples: about 3 min.")
        return {
            "model": "HDGM",
            "likelihood_kind": "lower bound",
            "sequences": 2,
            "predicted_tokens": 8,
            "nll": 3.0,
            "kl": 1.0,
            "elbo": -4.0,
            "active_units": 2,
            "latent_size": 4,
            "mutual_information": 0.5,
        }

    monkeypatch.setattr(text_task, "evaluate_model", evaluate)
    task.print_results(task.build_model(), tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("importance-weighted bound, 2 samples: about")
    assert lines[2] == "Test set, with the weights of the best epoch:"
    assert lines[3].split() == ["model", "HDGM"]


def test_a_limit_of_the_recipe_is_told_from_ones_own(tmp_path):
    values = settings.parse(["trainer.py"], ROOT / "flags")
    said = text_task._left_out_text(values, "test", 1200, 2400)
    assert said == (
        "Left out of the test set to save time: 1,200 of 2,400 sequences, "
        "those of more than 25 words; --max_length=default keeps them."
    )
    values = dataclasses.replace(values, max_length=12)
    said = text_task._left_out_text(values, "test", 1200, 2400)
    assert said.endswith("2,400 sequences, longer than --max_length=12 words.")
    assert "time" not in said


def test_a_vocabulary_of_no_word_names_file_and_flag(tmp_path):
    message = (
        r"^--dataset=text --data_dir=.*: no word occurs --min_count=99 times "
        "or more; allowed: "
    )
    with pytest.raises(settings.RunError, match=message) as error:
        text_task.TextTask(own_text(tmp_path, "--min_count=99"))
    assert str(tmp_path) in str(error.value)


def test_a_model_without_a_prior_has_reconstructions_alone(tmp_path, capsys):
    (tmp_path / "lines.txt").write_text("a b c\n" * 20)
    values = parse(
        tmp_path,
        *SIZES,
        "--dataset=text",
        "--objective=reference",
        f"--data_dir={tmp_path}",
    )
    task = text_task.TextTask(values)
    capsys.readouterr()
    model = task.make_model()
    model.reconstruct = lambda tokens, **_: ["a b c"] * int(tokens.nrows())
    task._print_quality(model, tmp_path)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Quality of 2 reconstructed test sequences:",
        "                           model      real",
        "  reconstruction BLEU     0.0000         -",
        "  exact reconstructions   1.0000         -",
    ]
