"""What the program can do: the values of `--mode`."""

import types
from collections.abc import Mapping
from typing import NamedTuple

from keras_textgen.specs import SPECS, ModelSpec


class Mode(NamedTuple):
    """Something to do.

    Attributes:
      help: what it is, for `--helpshort`.
      takes: the models that can do it, by names, kinds or traits of
        `keras_textgen.specs`; none for all.
      reads: what it calls the columns of `--input`; none where it reads none.
    """

    help: str
    takes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    def is_for(self, spec: ModelSpec) -> bool:
        """Whether a model can do it."""
        return not self.takes or spec.is_one_of(self.takes)


MODES: Mapping[str, Mode] = types.MappingProxyType(
    {
        "train": Mode("starts, or goes on where the run in the folder stopped"),
        "sweep": Mode("trains with the values of --sweep, and compares"),
        "evaluate": Mode("the figures of the test set"),
        "export": Mode("the SavedModel"),
        "report": Mode("report.html, a page on the run"),
        "generate": Mode("new texts", ("text",)),
        "encode": Mode(
            "the code of each text", ("latent_text", "topics"), ("text",)
        ),
        "score": Mode(
            "the log-likelihood of each text, or the value of each cell of a "
            "matrix",
            ("text", "matrices"),
            ("text",),
        ),
        "reconstruct": Mode(
            "each text from its code alone", ("latent_text",), ("text",)
        ),
        "interpolate": Mode(
            "texts between two", ("latent_text",), ("start", "end")
        ),
        "classify": Mode("the class of each text", ("documents",), ("text",)),
        "topics": Mode("the topic of each text", ("topics",), ("text",)),
        "recommend": Mode("columns for each row", ("matrices",), ("row",)),
    }
)
# What begins a run; all others need one that is trained.
STARTING = ("train", "sweep")
# What ends with the figures of the test set, or keeps how they are asked for.
JUDGING = (*STARTING, "evaluate")
# What reads the data of the run.
WITH_DATA = (*JUDGING, "report")
# Of a model that is trained already; those that read what it is applied to.
READING = tuple(name for name, mode in MODES.items() if mode.reads)
APPLYING = ("generate", *READING)


def modes_of(model: str) -> tuple[str, ...]:
    """What can be done with a model.

    Args:
      model: its name.

    Returns:
      Values of `--mode`.

    Example:
    >>> modes_of("han")
    ('train', 'sweep', 'evaluate', 'export', 'report', 'classify')
    """
    spec = SPECS[model]
    return tuple(name for name, mode in MODES.items() if mode.is_for(spec))


def help_of_modes() -> str:
    """A line on all."""
    listed = "; ".join(f"{name}: {mode.help}" for name, mode in MODES.items())
    return f"{listed}. All but train and sweep need a run that is trained."
