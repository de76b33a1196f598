"""What a trained model is applied to, and where the results go."""

import dataclasses
from typing import Any

from keras_textgen.cli.modes import APPLYING, READING
from keras_textgen.cli.setting import integer, number, path, text

# Shared by the flags that move codes before they are decoded.
_MOVES: dict[str, Any] = {
    "role": "call",
    "takes": ("latent_text",),
    "modes": ("reconstruct",),
}


@dataclasses.dataclass(frozen=True)
class ApplicationOptions:
    """Input, output, and what the modes of a trained model can be told."""

    input: str | None = path(
        "application",
        "What the model is applied to: a file with a text a line, a table "
        "(.csv, .tsv, .jsonl, .parquet, .arrow), each also as .gz or .zst; or "
        "- for standard input.",
        role="call",
        modes=READING,
    )
    input_columns: str | None = text(
        "application",
        "Columns of a table that is --input, separated by commas. Default: "
        "those that the run was trained on, or text; start,end for "
        "--mode=interpolate.",
        role="call",
        modes=READING,
    )
    output: str | None = path(
        "application",
        "Where the results are written: .jsonl, .csv, .tsv or .parquet, with "
        "the input beside them; any other name, a line of text each. Default: "
        "-, standard output. With --mode=report, the page; default: "
        "report.html of the run, or with --runs comparison.html in the "
        "current folder.",
        role="call",
        modes=(*APPLYING, "report"),
    )
    runs: str | None = text(
        "application",
        "Folders of runs, separated by commas, that one page compares; a "
        "folder of runs, such as a sweep's, stands for all of them.",
        role="call",
        modes=("report",),
    )
    prefix: str | None = text(
        "application",
        "How every generated text begins.",
        role="call",
        takes=("text",),
        modes=("generate",),
    )
    condition_on: str | None = text(
        "application",
        "A text that generated ones are to be like: their codes are drawn from "
        "its posterior.",
        role="call",
        takes=("latent_text",),
        modes=("generate",),
    )
    interpolation_steps: int | None = integer(
        "application",
        "Texts of an interpolation, both ends included.",
        low=2,
        default=5,
        role="call",
        takes=("latent_text",),
        modes=("interpolate",),
    )
    plus: str | None = path(
        "application",
        "File of texts that have something which those of --minus lack: "
        "the difference of their mean codes is added to each code.",
        **_MOVES,
    )
    minus: str | None = path(
        "application",
        "File of texts that lack what those of --plus have.",
        **_MOVES,
    )
    strength: float | None = number(
        "application",
        "How often the difference is added. Default: 1.",
        **_MOVES,
    )
    recommendations: int | None = integer(
        "application",
        "Columns that are recommended to each row.",
        default=10,
        role="call",
        takes=("matrices",),
        modes=("recommend",),
    )
