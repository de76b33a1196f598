"""Which source settles a flag, what is refused and how, and the help."""

import pathlib
import subprocess
import sys

import pytest

from keras_textgen.cli import settings
from keras_textgen.cli.modes import MODES
from keras_textgen.cli.naming import program_name
from keras_textgen.cli.setting import HEADINGS
from keras_textgen.datasets import DATASETS
from keras_textgen.specs import SPECS, names_of

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def recipes(tmp_path):
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "hdgm_sotu.flags").write_text(
        "# A comment.\n\n--epochs=7\n--latent_dim=5\n"
        "--kl_schedule=sigmoid\n--kl_bias=10\n--kl_slope=0.5\n"
    )
    (folder / "vae_ptb.flags").write_text("--epochs=3\n")
    return folder


def parse(recipes, *arguments):
    return settings.parse(["trainer.py", *arguments], recipes)


def test_defaults_without_a_recipe(tmp_path):
    values = parse(tmp_path)
    assert (values.model, values.dataset, values.mode) == (
        "hdgm",
        "sotu",
        "train",
    )
    assert values.epochs == 10
    assert values.latent_dim is None
    assert values.run_dir == str(
        pathlib.Path("saved_models/hdgm_sotu").absolute()
    )


def test_recipe_beats_default_and_command_line_beats_recipe(recipes):
    assert parse(recipes).epochs == 7
    values = parse(recipes, "--epochs=2")
    assert (values.epochs, values.latent_dim) == (2, 5)
    assert parse(recipes, "--latent_dim=default").latent_dim is None


def test_space_form_chooses_the_recipe(recipes, tmp_path):
    values = parse(
        recipes, "--dataset", "ptb", "--model", "vae", f"--data_dir={tmp_path}"
    )
    assert (values.model, values.dataset, values.epochs) == ("vae", "ptb", 3)


def test_model_named_in_the_users_flagfile_chooses_the_recipe(
    recipes, tmp_path
):
    mine = tmp_path / "mine.flags"
    mine.write_text(f"--model=vae\n--dataset=ptb\n--data_dir={tmp_path}\n")
    assert parse(recipes, f"--flagfile={mine}").epochs == 3
    mine.write_text(mine.read_text() + "--epochs=9\n")
    assert parse(recipes, f"--flagfile={mine}").epochs == 9
    assert parse(recipes, f"--flagfile={mine}", "--epochs=4").epochs == 4
    assert parse(recipes, "--epochs=4", f"--flagfile={mine}").epochs == 9


def test_another_schedule_drops_the_recipes_numbers(recipes):
    values = parse(recipes, "--kl_schedule=linear", "--kl_steps=50")
    assert (values.kl_steps, values.kl_bias, values.kl_slope) == (
        50,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("recipe", "given"),
    [("kl_steps", "kl_epochs"), ("kl_epochs", "kl_steps")],
)
def test_the_users_length_of_annealing_replaces_the_recipes(
    recipe, given, recipes
):
    (recipes / "vae_sotu.flags").write_text(
        f"--kl_schedule=linear\n--{recipe}=7\n"
    )
    values = parse(recipes, "--model=vae")
    assert (getattr(values, recipe), getattr(values, given)) == (7, None)
    values = parse(recipes, "--model=vae", f"--{given}=3")
    assert (getattr(values, recipe), getattr(values, given)) == (None, 3)


def test_the_users_free_bits_replace_the_recipes(recipes):
    (recipes / "vae_sotu.flags").write_text("--free_bits_per_dimension=0.1\n")
    values = parse(recipes, "--model=vae", "--free_bits=4")
    assert (values.free_bits, values.free_bits_per_dimension) == (4, None)
    values = parse(recipes, "--model=vae", "--free_bits=0")
    assert (values.free_bits, values.free_bits_per_dimension) == (0, 0.1)


def test_two_lengths_of_annealing_are_refused(tmp_path):
    with pytest.raises(settings.RunError) as error:
        parse(
            tmp_path, "--kl_schedule=linear", "--kl_steps=90", "--kl_epochs=2"
        )
    assert str(error.value) == (
        "--kl_steps=90 contradicts --kl_epochs=2; give one of them"
    )


def test_flagfile_text_round_trip(recipes, tmp_path):
    values = parse(
        recipes, "--noban_unknown", "--top_p=0.5", "--learning_rate=1e-4"
    )
    text = check_round_trip(values, tmp_path)
    assert "--mode=" not in text
    assert "--run_dir=" not in text


def check_round_trip(values, folder):
    """Assert that a file gives settings back; the text of the file."""
    path = folder / "flags.txt"
    path.write_text(settings.flagfile_text(values))
    again = settings.read_flagfile(path)
    for name, setting in settings.SETTINGS.items():
        if setting.role != "call":
            assert getattr(again, name) == getattr(values, name), name
    return path.read_text()


def test_flagfile_of_a_run_overrides_a_recipe_that_changed(recipes, tmp_path):
    values = parse(tmp_path)
    path = tmp_path / "flags.txt"
    path.write_text(settings.flagfile_text(values))
    again = parse(recipes, f"--flagfile={path}")
    assert again == values


def test_a_run_of_before_keeps_its_sentence_rule(recipes, tmp_path):
    run = tmp_path / "run"
    given = "--model=han", f"--run_dir={run}"
    text = settings.flagfile_text(parse(recipes, *given))
    run.mkdir()
    for rule, line in (("sentencex", ""), (None, "--sentence_rule=default\n")):
        old = text.replace("--sentence_rule=default\n", line)
        (run / "flags.txt").write_text(old)
        again = parse(recipes, *given)
        assert again.sentence_rule == rule
        # So that the run goes on: what is there is what is asked for.
        assert settings.read_flagfile(run / "flags.txt").sentence_rule == rule
    asked = parse(recipes, *given, "--sentence_rule=sentencex")
    assert asked.sentence_rule == "sentencex"
    other = settings.flagfile_text(parse(recipes, "--model=sae"))
    (run / "flags.txt").write_text(other)
    again = parse(recipes, "--model=sae", f"--run_dir={run}")
    assert again.sentence_rule is None


def test_other_modes_take_the_flags_of_the_run(recipes, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    trained = parse(recipes, "--epochs=2", "--kl_bias=20")
    (run / "flags.txt").write_text(settings.flagfile_text(trained))
    values = parse(recipes, "--mode=generate", f"--run_dir={run}", "--top_k=3")
    assert (values.epochs, values.kl_bias, values.top_k) == (2, 20.0, 3)


# By mode, what would be ignored there, and the modes that heed it.
IGNORED = [
    ("generate", "--export_version=2", "train or sweep or export"),
    ("evaluate", "--export_version=2", "train or sweep or export"),
    ("generate", "--importance_samples=9", "train or sweep or evaluate or sc"),
    ("export", "--num_samples=9", "train or sweep or evaluate or generate"),
    ("score", "--beam_width=9", "train or sweep or evaluate or reconstruct"),
    ("encode", "--top_p=0.5", "train or sweep or evaluate or report or gener"),
    ("export", "--noban_unknown", "train or sweep or evaluate or report or g"),
    ("report", "--probes", "train or sweep or evaluate,"),
    ("report", "--beside=.", "train or evaluate,"),
    ("sweep", "--beside=.", "train or evaluate,"),
    ("generate", "--data_dir=.", "train or sweep or evaluate or report,"),
]


@pytest.mark.parametrize(("mode", "flag", "modes"), IGNORED)
def test_what_a_mode_does_not_heed_is_refused(
    recipes, tmp_path, mode, flag, modes
):
    run = tmp_path / "run"
    run.mkdir()
    ptb = ["--dataset=ptb", "--model=vae", f"--data_dir={run}"]
    trained = parse(recipes, *ptb)
    (run / "flags.txt").write_text(settings.flagfile_text(trained))
    given = [f"--mode={mode}", f"--run_dir={run}", "--dataset=ptb"]
    given += ["--model=vae", *(["--input=."] if MODES[mode].reads else [])]
    if mode == "sweep":
        given += ["--sweep=epochs=1,2", f"--data_dir={run}"]
    else:
        parse(recipes, *given)
    with pytest.raises(settings.RunError) as error:
        parse(recipes, *given, flag)
    name = flag.partition("=")[0]
    assert str(error.value).startswith(
        f"{name} has a meaning only with --mode={modes}"
    )


@pytest.mark.parametrize("mode", ["evaluate", "export", "report", "generate"])
def test_what_the_run_has_may_be_said_again(recipes, tmp_path, mode):
    run = tmp_path / "run"
    run.mkdir()
    trained = parse(recipes, "--export_version=3", "--importance_samples=7")
    (run / "flags.txt").write_text(settings.flagfile_text(trained))
    flagfile = f"--flagfile={run / 'flags.txt'}"
    values = parse(recipes, f"--mode={mode}", f"--run_dir={run}", flagfile)
    assert (values.export_version, values.importance_samples) == (3, 7)


REFUSED = {
    "--epoch=3": (
        "unknown flag --epoch; did you mean --epochs? "
        "(--helpshort lists all flags)"
    ),
    "--qqq": "unknown flag --qqq (--helpshort lists all flags)",
    "--epochs=abc": "--epochs=abc: must be a whole number of at least 1",
    "--epochs=": "--epochs=: must be a whole number of at least 1",
    "--epochs=0": "--epochs=0: must be a whole number of at least 1",
    "--epochs=1.5": "--epochs=1.5: must be a whole number of at least 1",
    "--epochs": "no value given for --epochs",
    "--seed=-1": "--seed=-1: must be a whole number of at least 0",
    "--seed=99999999999": (
        "--seed=99999999999: must be a whole number of at most 2147483647"
    ),
    "--vocab_size=4": "--vocab_size=4: must be a whole number of at least 5",
    "--rnn_units=-8": "--rnn_units=-8: must be a whole number of at least 1",
    "--mode=test": (f"--mode=test: must be one of {', '.join(MODES)}"),
    "--model=lstm": f"--model=lstm: must be one of {', '.join(SPECS)}",
    "--dataset=wiki": f"--dataset=wiki: must be one of {', '.join(DATASETS)}",
    "--objective=elbo": "--objective=elbo: must be one of reference, bound",
    "--rnn_type=rnn": "--rnn_type=rnn: must be one of block, basic, gru",
    "--distribution_strategy=tpu": (
        "--distribution_strategy=tpu: must be one of none, mirrored, "
        "multi_worker_mirrored"
    ),
    "--learning_rate=0": "--learning_rate=0: must be a number above 0",
    "--learning_rate=nan": "--learning_rate=nan: must be a number above 0",
    "--learning_rate=inf": "--learning_rate=inf: must be a number above 0",
    "--clip_norm=-5": "--clip_norm=-5: must be a number above 0",
    "--word_keep_rate=1.5": (
        "--word_keep_rate=1.5: must be a number of at least 0 and at most 1"
    ),
    "--dropout=1": (
        "--dropout=1: must be a number of at least 0 and at most 0.99"
    ),
    "--num_latent_samples=0": (
        "--num_latent_samples=0: must be a whole number of at least 1"
    ),
    "--free_bits=-1": "--free_bits=-1: must be a number of at least 0",
    "--free_bits_per_dimension=much": (
        "--free_bits_per_dimension=much: must be a number of at least 0"
    ),
    "--bag_of_words_weight=nan": (
        "--bag_of_words_weight=nan: must be a number of at least 0"
    ),
    "--feed_latent=maybe": "--feed_latent=maybe: must be true or false",
    "--optimizer=adagrad": (
        "--optimizer=adagrad: must be one of adam, nadam, sgd"
    ),
    "--early_stopping_patience=-1": (
        "--early_stopping_patience=-1: must be a whole number of at least 0"
    ),
    "--autoencoder_epochs=10": (
        "--autoencoder_epochs=10 leaves none of --epochs=10 for the model "
        "itself"
    ),
    "--aggressive_encoder": (
        "--aggressive_encoder needs --optimizer=sgd: while only the encoder "
        "is trained, adam would go on moving the decoder, which has no "
        "gradient"
    ),
    "--posterior_family=vmf": (
        "--posterior_family has a meaning only with --model="
        f"{' or '.join(names_of('single_latent'))}, not with --model=hdgm"
    ),
    "--vmf_concentration=5": (
        "--vmf_concentration has a meaning only with --posterior_family=vmf, "
        "not with --posterior_family=default"
    ),
    "--top_p=0": "--top_p=0: must be a number above 0 and at most 1",
    "--ban_unknown=maybe": "--ban_unknown=maybe: must be true or false",
    "--data_dir=": "--data_dir=: must be the path of a file or folder",
    "--kl_schedule=linear": (
        "--kl_schedule=linear needs --kl_steps or --kl_epochs"
    ),
    "--kl_schedule=cyclical": (
        "--kl_schedule=cyclical needs --kl_steps or --kl_epochs"
    ),
    "--kl_epochs=0.5": "--kl_epochs=0.5: must be a whole number of at least 1",
    "--kl_epochs=2": (
        "--kl_epochs has a meaning only with --kl_schedule=linear or "
        "cyclical, not with --kl_schedule=constant"
    ),
    "--kl_schedule=sigmoid": "--kl_schedule=sigmoid needs --kl_bias",
    "--kl_ramp=0.5": (
        "--kl_ramp has a meaning only with --kl_schedule=cyclical, "
        "not with --kl_schedule=constant"
    ),
    "--ptb_protocol=stream": (
        "--ptb_protocol has a meaning only with --dataset=ptb, "
        "not with --dataset=sotu"
    ),
    "--dataset=ptb": (
        "--dataset=ptb needs --data_dir, the file, folder or archive with "
        "its data (docs/data.md says which), or --download"
    ),
    "train": (
        "stray argument 'train': every setting is a flag, --name=value "
        "(--helpshort lists them)"
    ),
    "--flagfile=nowhere.flags": (
        "--flagfile: [Errno 2] No such file or directory: 'nowhere.flags'"
    ),
}


@pytest.mark.parametrize("argument", REFUSED)
def test_refusals(argument, tmp_path):
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, argument)
    assert str(error.value) == REFUSED[argument]


def test_flag_of_another_model_is_refused(tmp_path):
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, "--model=vae", "--num_levels=2")
    assert str(error.value) == (
        "--num_levels has a meaning only with --model=hdgm, "
        "not with --model=vae"
    )


LATENT_ONLY = [
    "--latent_dim=4",
    "--num_latent_samples=2",
    "--objective=bound",
    "--rnn_type=gru",
    "--kl_schedule=constant",
    "--kl_max=1",
    "--feed_latent",
    "--free_bits=1",
    "--free_bits_per_dimension=1",
    "--bag_of_words_weight=1",
    "--posterior_family=gaussian",
    "--aggressive_encoder",
    "--autoencoder_epochs=1",
    "--beam_width=3",
]


@pytest.mark.parametrize("argument", LATENT_ONLY)
def test_language_model_refuses_flags_of_latent_variables(argument, tmp_path):
    name = argument.removeprefix("--").split("=")[0]
    with pytest.raises(settings.RunError, match=f"^--{name} has a meaning"):
        parse(tmp_path, "--model=lstm_lm", argument)


@pytest.mark.parametrize("model", ["lstm_vae", "lstm_vae_avg"])
@pytest.mark.parametrize("argument", ["--objective=bound", "--rnn_type=gru"])
def test_lstm_vae_has_one_objective_and_one_cell(model, argument, tmp_path):
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, f"--model={model}", argument)
    name = argument.partition("=")[0]
    assert str(error.value).startswith(
        f"{name} has a meaning only with --model=hdgm or vae"
    )
    assert str(error.value).endswith(f", not with --model={model}")


BOTH = ("--encoder=transformer", "--decoder=transformer")
COMPONENTS = {
    ("vae", *BOTH, "--rnn_units=3"): (
        "--rnn_units has a meaning only with --encoder=recurrent or "
        "--decoder=recurrent, not with --encoder=transformer and "
        "--decoder=transformer"
    ),
    ("lstm_lm", "--decoder=transformer", "--num_layers=2"): (
        "--num_layers has a meaning only with --decoder=recurrent, not with "
        "--decoder=transformer"
    ),
    ("vae", "--decoder=transformer", "--feed_latent"): (
        "--feed_latent has a meaning only with --decoder=recurrent, not with "
        "--decoder=transformer"
    ),
    ("vae", "--transformer_layers=3"): (
        "--transformer_layers has a meaning only with --encoder=transformer or "
        "--decoder=transformer, not with --encoder=recurrent and "
        "--decoder=recurrent"
    ),
    ("hsvae", "--encoder=transformer", "--latent_injection=memory"): (
        "--latent_injection has a meaning only with --decoder=transformer, "
        "not with --decoder=recurrent"
    ),
    ("lstm_lm", "--encoder=transformer"): (
        "--encoder has a meaning only with --model=vae or lstm_vae or "
        "lstm_vae_avg or hsvae or mat_vae or han, not with --model=lstm_lm"
    ),
    ("vae", *BOTH, "--transformer_units=6", "--transformer_heads=4"): (
        "--transformer_units=6 with --transformer_heads=4; allowed: a multiple "
        "of the number of heads"
    ),
}


@pytest.mark.parametrize("case", COMPONENTS)
def test_components_have_the_settings_of_their_kind(case, tmp_path):
    model, *arguments = case
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, f"--model={model}", *arguments)
    assert str(error.value) == COMPONENTS[case]


def test_a_recipe_for_recurrent_layers_serves_transformers(tmp_path):
    recipe = ["--rnn_units=4", "--num_layers=3", "--feed_latent"]
    recipe.append("--embedding_dim=8")
    (tmp_path / "vae_sotu.flags").write_text("\n".join(recipe))
    values = parse(tmp_path, "--model=vae", "--decoder=transformer")
    assert (values.rnn_units, values.num_layers) == (4, 3)
    assert values.feed_latent is None
    values = parse(tmp_path, "--model=vae", *BOTH, "--positions=learned")
    assert (values.rnn_units, values.num_layers) == (None, None)
    assert (values.embedding_dim, values.positions) == (8, "learned")
    # What has no such components has the settings as before.
    assert parse(tmp_path, "--model=han", "--rnn_units=3").rnn_units == 3


RANGES = {
    ("hsvae", "alpha", "0"): "--alpha=0: must be a number above 0",
    ("hsvae", "gamma_beta", "0"): "--gamma_beta=0: must be a number above 0",
    ("sae", "alpha", "0"): "--alpha=0: must be a number above 0",
    ("han", "word_keep_rate", "0"): (
        "--word_keep_rate=0.0 with --model=han; allowed: above 0"
    ),
    ("mat_vae", "spike_probability", "1"): (
        "--spike_probability=1.0 with --model=mat_vae; allowed: below 1"
    ),
    ("mat_vae", "latent_dim", "1"): (
        "--latent_dim=1 with --model=mat_vae; allowed: 2 or more, as the "
        "sparsity of codes is measured"
    ),
    ("hsvae", "feed_latent", "false"): (
        "--feed_latent=false with --model=hsvae; allowed: true, as the "
        "decoder's first state is zero"
    ),
    ("dmf", "hidden_layers", "50:tanh,0:relu"): (
        "--hidden_layers=50:tanh,0:relu: '0:relu'; allowed: units and "
        "activation, such as 50:tanh,20:relu, or none; activations: elu, gelu, "
        "linear, relu, selu, sigmoid, tanh"
    ),
}


@pytest.mark.parametrize("case", RANGES)
def test_what_a_model_would_refuse_is_refused_at_once(case, tmp_path):
    model, name, value = case
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, f"--model={model}", f"--{name}={value}")
    assert str(error.value) == RANGES[case]


def test_what_some_models_refuse_others_take(tmp_path):
    assert parse(tmp_path, "--model=mat_vae", "--alpha=0").mmd_weight == 0
    assert parse(tmp_path, "--model=vae", "--latent_dim=1").latent_dim == 1


def test_the_program_is_called_as_the_user_called_it():
    names = {
        "/home/ann/clone/trainer.py": "trainer.py",
        "/usr/bin/keras-textgen": "keras-textgen",
        "/lib/keras_textgen/__main__.py": "python -m keras_textgen",
    }
    for called, name in names.items():
        assert program_name(called) == name
        usage = settings.help_text(program_name(called))
        assert usage.startswith(f"usage: {name} [--flag=value ...]\n")


@pytest.mark.parametrize(
    ("model", "dataset", "allowed"),
    [
        ("hsvae", "20news", "sotu, ptb, yahoo, yahoo_short, dbpedia, imdb"),
        ("han", "ptb", "sotu, imdb, prepared, text, 20news"),
        ("dmf", "text", "sotu, prepared, ml100k, movielens, ratings"),
    ],
)
def test_a_model_has_its_kind_of_data(model, dataset, allowed, tmp_path):
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, f"--model={model}", f"--dataset={dataset}")
    assert str(error.value).startswith(
        f"--dataset={dataset} is not for --model={model}; allowed: {allowed}"
    )


def test_files_for_a_corpus_that_reads_none_are_refused(recipes):
    with pytest.raises(settings.RunError) as error:
        parse(recipes, "--data_dir=lines.txt")
    assert str(error.value).startswith(
        f"--data_dir={pathlib.Path('lines.txt').absolute()}: --dataset=sotu "
        "reads no files of yours; allowed with --dataset=ptb or "
    )
    assert str(error.value).endswith(" or text")


@pytest.mark.parametrize(
    "given",
    [
        ["--model=lstm_lm", "--inputless"],
        ["--model=lstm_vae", "--inputless"],
        ["--model=hsvae", "--iter=3", "--alpha=4"],
        ["--model=han", "--label=president", "--max_words=30"],
        ["--model=sae", "--nostop_words", "--num_topics=5"],
        ["--model=dmf", "--hidden_layers=50:tanh,20:relu", "--nouse_biases"],
    ],
)
def test_run_file_of_every_model_gives_its_settings_back(given, tmp_path):
    check_round_trip(parse(tmp_path, *given), tmp_path)


def test_switch_without_a_value_leaves_the_models_default(recipes):
    assert parse(recipes).feed_latent is None
    assert parse(recipes, "--feed_latent").feed_latent is True
    assert parse(recipes, "--nofeed_latent").feed_latent is False
    values = parse(recipes, "--feed_latent", "--feed_latent=default")
    assert values.feed_latent is None


def test_iter_is_the_seed(tmp_path):
    assert parse(tmp_path, "--iter=3").seed == 3
    assert parse(tmp_path, "--iter=3", "--seed=3").seed == 3
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, "--iter=3", "--seed=4")
    assert str(error.value) == (
        "--seed=4 contradicts --iter=3, which is the same as --seed; give "
        "one of them"
    )


def test_inputless_is_a_keep_rate_of_zero(tmp_path):
    (tmp_path / "vae_sotu.flags").write_text("--word_keep_rate=0.75\n")
    values = parse(tmp_path, "--model=vae", "--inputless")
    assert values.word_keep_rate == 0
    both = ["--inputless", "--word_keep_rate=0"]
    assert parse(tmp_path, *both).word_keep_rate == 0
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, "--inputless", "--word_keep_rate=0.5")
    assert str(error.value) == (
        "--word_keep_rate=0.5 contradicts --inputless, which is "
        "--word_keep_rate=0"
    )


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ("--dataset=ptb", "data_dir"),
        ("--model=han", "word_vectors"),
        ("--model=vae", "beside"),
    ],
)
def test_missing_inputs_are_refused(tmp_path, other, name):
    missing = tmp_path / "missing"
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, other, f"--{name}={missing}")
    assert str(error.value) == f"--{name}={missing}: no such file or folder"


def test_bad_line_of_a_flagfile_is_refused(tmp_path):
    mine = tmp_path / "mine.flags"
    mine.write_text("--epochs 5\n")
    with pytest.raises(settings.RunError, match="write --name=value"):
        parse(tmp_path, f"--flagfile={mine}")
    mine.write_bytes(b"--epochs=\xff\n")
    with pytest.raises(settings.RunError, match="not UTF-8"):
        parse(tmp_path, f"--flagfile={mine}")


def test_bad_recipe_is_named(tmp_path):
    (tmp_path / "hdgm_sotu.flags").write_text("--epochs=many\n")
    with pytest.raises(settings.RunError, match=r"hdgm_sotu\.flags: --epochs"):
        parse(tmp_path)


def test_mode_without_a_run_is_refused(tmp_path):
    with pytest.raises(settings.RunError, match="there is no run"):
        parse(tmp_path, "--mode=evaluate", f"--run_dir={tmp_path}")


def test_every_shipped_recipe_parses(tmp_path):
    paths = sorted((ROOT / "flags").glob("*.flags"))
    assert len(paths) >= 6
    for path in paths:
        model = max(
            (name for name in SPECS if path.stem.startswith(name)),
            key=len,
        )
        dataset = path.stem.removeprefix(f"{model}_")
        needed = DATASETS[dataset].needs_data_dir
        values = parse(
            ROOT / "flags",
            f"--model={model}",
            f"--dataset={dataset}",
            *[f"--data_dir={tmp_path}"] * needed,
        )
        # What has no meaning beside the rest is dropped, but not from files.
        for line in path.read_text().splitlines():
            if line.startswith("--"):
                name = line[2:].split("=")[0]
                assert getattr(values, name) is not None, (path, line)


@pytest.mark.parametrize("model", names_of("text"))
def test_recipes_for_a_text_of_ones_own(model, tmp_path):
    values = parse(
        ROOT / "flags",
        f"--model={model}",
        "--dataset=text",
        f"--data_dir={tmp_path}",
    )
    # Of unknown size, so that nothing is said in steps, and rare words are
    # cut off by how often they occur.
    assert (values.kl_steps, values.min_count) == (None, 2)
    assert values.early_stopping_patience > 1
    assert values.lr_halve_on_plateau
    assert values.dropout > 0
    assert values.epochs >= 30
    if model in ("hdgm", "vae"):
        assert values.objective == "bound"
        assert values.feed_latent
    if model in ("hsvae", "mat_vae", "lstm_lm"):
        return
    # Annealed, long before early stopping may act on the full weight.
    assert (values.kl_schedule, values.kl_max) == ("linear", 1.0)
    assert values.kl_epochs < values.epochs / 5
    dimensions = values.latent_dim * (values.num_levels or 1)
    assert dimensions * values.free_bits_per_dimension > 2


def test_recipes_of_the_papers():
    values = parse(
        ROOT / "flags", "--dataset=ptb", "--model=hdgm", f"--data_dir={ROOT}"
    )
    assert (values.batch_size, values.window, values.epochs) == (20, 20, 100)
    assert (values.embedding_dim, values.rnn_units) == (128, 200)
    assert (values.latent_dim, values.num_layers) == (16, 2)
    assert values.attention_units == 50
    assert values.lr_halve_from_epoch == 5
    assert values.kl_slope == pytest.approx(1 / 2600)
    values = parse(
        ROOT / "flags", "--dataset=imdb", "--model=vae", f"--data_dir={ROOT}"
    )
    assert (values.window, values.lr_halve_from_epoch) == (15, 4)
    assert values.kl_slope == pytest.approx(1 / 1800)


@pytest.mark.parametrize("model", ["lstm_lm", "lstm_vae", "lstm_vae_avg"])
def test_recipes_of_the_lstm_vae_paper(model):
    values = parse(
        ROOT / "flags",
        f"--model={model}",
        "--dataset=ptb",
        f"--data_dir={ROOT}",
    )
    assert values.ptb_protocol == "sentences"
    assert (values.embedding_dim, values.rnn_units) == (100, 400)
    assert (values.batch_size, values.dropout, values.epochs) == (32, 0.5, 30)
    assert (values.optimizer, values.learning_rate) == ("sgd", 1.0)
    assert (values.clip_norm, values.vocab_size) == (5.0, None)
    assert values.lr_halve_on_plateau
    assert values.early_stopping_patience == 3
    if model == "lstm_lm":
        return
    # 42,068 sentences in batches of 32, over 10 epochs.
    assert values.kl_steps == 10 * -(-42_068 // 32)
    samples = {"lstm_vae": None, "lstm_vae_avg": 5}
    assert values.num_latent_samples == samples[model]
    assert values.latent_dim == 32


def test_help_lists_every_flag_under_a_heading():
    text = settings.help_text("trainer.py")
    for name in settings.SETTINGS:
        assert f"--{name}=" in text or f"--[no]{name}" in text
    for heading in HEADINGS.values():
        assert f"\n{heading}:\n" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("argument", ["--helpshort", "--epochs=abc"])
def test_help_and_refusals_do_not_import_tensorflow(argument):
    code = (
        "import sys, trainer\n"
        "status = trainer.main(['trainer.py', *sys.argv[1:]])\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, argument],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if argument == "--helpshort":
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == settings.help_text("trainer.py")
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "trainer.py: error: --epochs=abc: "
            "must be a whole number of at least 1\n"
        )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--dataset=ratings", "--value_field=none"],
            "--value_column=none leaves --feedback=explicit no values to",
        ),
        (
            ["--dataset=ratings", "--feedback=implicit", "--start_at_baseline"],
            "--start_at_baseline has a meaning only with --feedback=explicit o",
        ),
        (
            ["--dataset=ml100k", "--duplicates=sum"],
            "--duplicates has a meaning only with --dataset=ratings or matrix",
        ),
        (["--dataset=ratings", "--duplicates=max"], "must be one of first, la"),
        (
            ["--dataset=ratings", "--negatives=3"],
            "only with --feedback=implici",
        ),
    ],
)
def test_flags_of_ratings(tmp_path, flags, message):
    arguments = ["--model=dmf", f"--data_dir={tmp_path}", *flags]
    with pytest.raises(settings.RunError, match=message):
        parse(ROOT / "flags", *arguments)


def test_recipes_of_ones_own_matrix(tmp_path):
    arguments = ["--model=dmf", f"--data_dir={tmp_path}"]
    for dataset in ("ratings", "matrix"):
        values = parse(ROOT / "flags", f"--dataset={dataset}", *arguments)
        assert values.feedback == "explicit"
        assert values.start_at_baseline
        assert values.early_stopping_patience > 0
        assert values.l2 > 0
        values = parse(
            ROOT / "flags",
            f"--dataset={dataset}",
            "--feedback=implicit",
            *arguments,
        )
        assert values.start_at_baseline is None
