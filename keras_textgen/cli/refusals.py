"""What is refused because settings contradict each other or their model.

What one setting may be at all is its parser's to say, and which flag it needs
stands with it in `cli/options/`.
"""

import glob
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from keras_textgen.cli.errors import RunError
from keras_textgen.cli.modes import MODES, STARTING, WITH_DATA, modes_of
from keras_textgen.cli.parsers import STANDARD_INPUT
from keras_textgen.cli.sweeping import check_sweep
from keras_textgen.cli.values import Settings, value_text
from keras_textgen.datasets import DATASETS
from keras_textgen.specs import SPECS

# What --value_column is for a table without values.
NO_VALUES = "none"
# Flags with the path of what a run reads.
_READ = ("data_dir", "word_vectors", "tokenizer_file", "beside")
# And of what a trained model reads.
_APPLIED_TO = ("input", "plus", "minus")
# What a prepared corpus has decided, with what is said where nothing is.
_DECIDED = {
    "tokenizer": "word",
    "vocab_size": None,
    "min_count": 1,
    "subwords": None,
    "tokenizer_file": None,
    "max_length": None,
    "split_seed": 0,
    "stop_words": None,
    "max_share": None,
}
# Flags that take less of some models than of others: names, kinds or traits of
# models, flags, what is allowed.
_RANGES: tuple[
    tuple[tuple[str, ...], tuple[str, ...], Callable[[Any], bool], str], ...
] = (
    (("han",), ("word_keep_rate",), lambda value: value > 0, "above 0"),
    (("mat_vae",), ("spike_probability",), lambda value: value < 1, "below 1"),
    (
        ("topics",),
        ("tokenizer",),
        lambda value: value != "subword",
        "word or character, as topics are lists of words",
    ),
    (
        ("sparse",),
        ("latent_dim",),
        lambda value: value > 1,
        "2 or more, as the sparsity of codes is measured",
    ),
    (
        ("sparse",),
        ("feed_latent",),
        lambda value: value,
        "true, as the decoder's first state is zero",
    ),
)


def check_settings(settings: Settings) -> None:
    """Refuse settings that cannot be used together.

    Args:
      settings: resolved ones.

    Raises:
      RunError: for the first that cannot.

    Example:
    >>> check_settings(Settings(epochs=2, autoencoder_epochs=2))
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: --autoencoder_epochs=2 leaves none of \
--epochs=2 for the model itself
    """
    _check_mode(settings)
    _check_schedule(settings)
    _check_encoder(settings)
    _check_pretraining(settings)
    _check_ranges(settings)
    _check_free_bits(settings)
    _check_sphere(settings)
    _check_feedback(settings)
    _check_heads(settings)
    _check_subwords(settings)
    _check_prepared(settings)
    _check_several(settings)


def check_dataset(values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a corpus that is not of the model's kind, or files in vain.

    Args:
      values: of all settings, by name.
      given: those of the user.

    Raises:
      RunError: if the model does not read the corpus, or the corpus no files.
    """
    name, model = values["dataset"], values["model"]
    allowed = SPECS[model].datasets
    if name not in allowed:
        raise RunError(
            f"--dataset={name} is not for --model={model}; allowed: "
            f"{', '.join(allowed)}"
        )
    if given.get("data_dir") is not None and not DATASETS[name].needs_data_dir:
        others = [each for each in allowed if DATASETS[each].needs_data_dir]
        raise RunError(
            f"--data_dir={given['data_dir']}: --dataset={name} reads no files "
            f"of yours; allowed with --dataset={' or '.join(others)}"
        )


def check_paths(settings: Settings) -> None:
    """Refuse a run without data, and files that are not there.

    Args:
      settings: resolved ones.

    Raises:
      RunError: for the first that is missing.
    """
    _check_files(settings, _APPLIED_TO)
    if settings.mode not in WITH_DATA or settings.runs is not None:
        return
    _check_tracker(settings)
    read = [name for name in _READ if getattr(settings, name) is not None]
    if settings.download or not DATASETS[settings.dataset].needs_data_dir:
        read = [name for name in read if name != "data_dir"]
    elif settings.data_dir is None:
        raise RunError(
            f"--dataset={settings.dataset} needs --data_dir, the file, folder "
            "or archive with its data (docs/data.md says which)"
            f"{_or_download(settings.dataset)}"
        )
    _check_files(settings, read)


def _check_tracker(settings: Settings) -> None:
    """Refuse a tracker that is not installed, where something is trained."""
    name = settings.tracker
    if name == "tensorboard" or settings.mode not in STARTING:
        return
    if find_spec(name) is None:
        raise RunError(
            f"--tracker={name} needs {name}, which is not installed; allowed: "
            f"pip install 'keras-textgen[{name}]', or --tracker=tensorboard"
        )


def _check_files(settings: Settings, names: Iterable[str]) -> None:
    for name in names:
        if getattr(settings, name) is None or _is_there(name, settings):
            continue
        raise RunError(
            f"--{name}={getattr(settings, name)}: no such file or folder"
        )


def check_start(settings: Settings) -> None:
    """Refuse what has no meaning for a run that begins.

    Args:
      settings: resolved ones of a run that is not there yet.

    Raises:
      RunError: if layers would keep random weights.

    Example:
    >>> check_start(Settings(freeze="decoder"))
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: --freeze=decoder without --preset \
would keep random weights; allowed with --preset
    """
    if settings.freeze is None or settings.preset is not None:
        return
    given = "--preset"
    if settings.word_vectors is not None:
        given = "--preset, or --freeze=embedding with --word_vectors"
        if settings.freeze == "embedding":
            return
    raise RunError(
        f"--freeze={settings.freeze} without --preset would keep random "
        f"weights; allowed with {given}"
    )


def _or_download(dataset: str) -> str:
    return ", or --download" if DATASETS[dataset].download else ""


def _is_there(name: str, settings: Settings) -> bool:
    path = getattr(settings, name)
    if os.path.exists(path) or (name == "input" and path == STANDARD_INPUT):
        return True
    views = DATASETS[settings.dataset].views.values()
    is_own = name == "data_dir" and any(view.splits for view in views)
    return is_own and (path == STANDARD_INPUT or bool(glob.glob(path)))


def _check_mode(settings: Settings) -> None:
    mode = settings.mode
    if mode not in modes_of(settings.model):
        raise RunError(
            f"--mode={mode} with --model={settings.model}; allowed: "
            f"{', '.join(modes_of(settings.model))}"
        )
    if MODES[mode].reads and settings.input is None:
        raise RunError(
            f"--mode={mode} needs --input, a file, or - for standard input"
        )
    if (settings.plus is None) != (settings.minus is None):
        given = "plus" if settings.minus is None else "minus"
        raise RunError(
            f"--{given}={getattr(settings, given)} alone; allowed: both --plus "
            "and --minus"
        )
    if settings.strength is not None and settings.plus is None:
        raise RunError(
            f"--strength={settings.strength} without --plus and --minus moves "
            "nothing; allowed with both"
        )


def _check_encoder(settings: Settings) -> None:
    if settings.aggressive_encoder and settings.optimizer != "sgd":
        raise RunError(
            "--aggressive_encoder needs --optimizer=sgd: while only the "
            "encoder is trained, adam would go on moving the decoder, which "
            "has no gradient"
        )


def _check_pretraining(settings: Settings) -> None:
    pretraining = settings.autoencoder_epochs or 0
    if pretraining >= settings.epochs:
        raise RunError(
            f"--autoencoder_epochs={pretraining} leaves none of "
            f"--epochs={settings.epochs} for the model itself"
        )


def _check_ranges(settings: Settings) -> None:
    for models, names, is_allowed, allowed in _RANGES:
        for name in names if settings.spec.is_one_of(models) else ():
            value = getattr(settings, name)
            if value is not None and not is_allowed(value):
                raise RunError(
                    f"--{name}={value_text(settings, name)} with "
                    f"--model={settings.model}; allowed: {allowed}"
                )


def _check_free_bits(settings: Settings) -> None:
    total, each = settings.free_bits, settings.free_bits_per_dimension
    if total and each:
        raise RunError(
            f"--free_bits={total} with --free_bits_per_dimension={each}; "
            "allowed: one of them"
        )


def _check_sphere(settings: Settings) -> None:
    if settings.posterior_family != "vmf":
        return
    if settings.objective == "reference":
        raise RunError(
            "--posterior_family=vmf with --objective=reference, whose noise "
            "is a truncated normal; allowed: --objective=bound"
        )
    if settings.free_bits_per_dimension:
        raise RunError(
            "--posterior_family=vmf with --free_bits_per_dimension="
            f"{settings.free_bits_per_dimension}: its KL is no sum over "
            "dimensions; allowed: --free_bits"
        )
    if settings.latent_dim == 1:
        raise RunError(
            "--posterior_family=vmf with --latent_dim=1; allowed: 2 or more, "
            "on a sphere"
        )


def _check_feedback(settings: Settings) -> None:
    is_explicit = settings.feedback in (None, "explicit")
    if settings.value_column == NO_VALUES and is_explicit:
        raise RunError(
            f"--value_column={NO_VALUES} leaves --feedback=explicit no values "
            "to predict; allowed: --feedback=ranking or implicit"
        )


def _check_heads(settings: Settings) -> None:
    units, heads = settings.transformer_units, settings.transformer_heads
    if units and heads and units % heads:
        raise RunError(
            f"--transformer_units={units} with --transformer_heads={heads}; "
            "allowed: a multiple of the number of heads"
        )


def _check_subwords(settings: Settings) -> None:
    file = settings.tokenizer_file
    for name in ("vocab_size", "subwords"):
        value = getattr(settings, name)
        if file is not None and value is not None:
            raise RunError(
                f"--{name}={value} with --tokenizer_file={file}, which has its "
                "own; allowed: one of them"
            )
    if settings.word_vectors is not None and settings.tokenizer == "subword":
        raise RunError(
            f"--word_vectors={settings.word_vectors} with --tokenizer=subword; "
            "allowed: --tokenizer=word"
        )


def _check_prepared(settings: Settings) -> None:
    """Refuse what was decided when the corpus was prepared."""
    if settings.dataset != "prepared":
        return
    for name, default in _DECIDED.items():
        value = getattr(settings, name)
        if value not in (None, default):
            raise RunError(
                f"--{name}={value} with --dataset=prepared; allowed: as python "
                "-m keras_textgen.prepare was given it"
            )
    if settings.history_features:
        raise RunError(
            "--history_features=true with --dataset=prepared, of which a model "
            "would hold every cell; allowed: false"
        )


def _check_several(settings: Settings) -> None:
    """Refuse what several runs, one after the other, cannot share."""
    if settings.mode != "sweep" and settings.seeds is None:
        return
    asked = "--mode=sweep"
    if settings.seeds is not None:
        asked = f"--seeds={settings.seeds}"
    else:
        check_sweep(settings)
    if settings.data_dir == STANDARD_INPUT:
        raise RunError(
            f"--data_dir={STANDARD_INPUT} with {asked}: standard input can be "
            "read once; allowed: a file or a folder"
        )
    if settings.distribution_strategy == "multi_worker_mirrored":
        raise RunError(
            f"--distribution_strategy=multi_worker_mirrored with {asked}, "
            "which starts a process for each run; allowed: none or mirrored"
        )
    if settings.seeds is not None and not settings.finish:
        raise RunError(
            f"--nofinish with {asked}, whose figures are compared; allowed: "
            "--finish"
        )


def _check_schedule(settings: Settings) -> None:
    if settings.kl_steps and settings.kl_epochs:
        raise RunError(
            f"--kl_steps={settings.kl_steps} contradicts "
            f"--kl_epochs={settings.kl_epochs}; give one of them"
        )
    lengths = ("kl_steps", "kl_epochs")
    required = {
        "sigmoid": (("kl_bias",), ("kl_slope",)),
        "linear": (lengths,),
        "cyclical": (lengths,),
    }
    for names in required.get(settings.kl_schedule, ()):
        if all(getattr(settings, name) is None for name in names):
            raise RunError(
                f"--kl_schedule={settings.kl_schedule} needs "
                f"--{' or --'.join(names)}"
            )
