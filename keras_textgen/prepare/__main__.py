"""`python -m keras_textgen.prepare`: files become shards to train on."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence

from keras_textgen.checks import counted
from keras_textgen.cli.naming import INTERRUPTS, say_interrupted, say_refused
from keras_textgen.prepare.settings import (
    DUPLICATES,
    SENTENCE_RULES,
    TOKENIZERS,
    WORDS,
    PrepareSettings,
    settings_of,
)

PROGRAM = "python -m keras_textgen.prepare"


def main(argv: Sequence[str]) -> int:
    """Prepare a corpus.

    Args:
        argv: Arguments, without the program's name.

    Returns:
        Exit status: 2 for what cannot be prepared, which is said in one line.
    """
    given, beam_options = parser().parse_known_args(argv)
    settings = vars(given)
    try:
        asked = settings_of(
            given.input,
            {k: v for k, v in settings.items() if k not in ("input", "output")},
        )
        # It imports NumPy, which takes longer than the help.
        from keras_textgen.prepare.records import check_input

        check_input(asked)
        # Imported only when the command line is known to be good.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from keras_textgen.prepare.corpus import prepare_corpus

        corpus = prepare_corpus(beam_options=beam_options, **settings)
    except (OSError, ValueError) as error:
        return say_refused(PROGRAM, error, given.output)
    except INTERRUPTS as error:
        return say_interrupted(PROGRAM, error)
    print(
        f"Finished in {given.output}: {corpus.summary}, "
        f"{counted(corpus.manifest.bad, 'record')} left out. "
        f"--dataset=prepared --data_dir={given.output} trains on it."
    )
    return 0


def parser() -> argparse.ArgumentParser:
    """What the program takes, beside the options of Beam.

    Example:
        >>> parser().parse_args(["--input=a", "--output=b"]).max_bad
        0
    """
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Prepare a corpus that is larger than memory, by Apache "
        "Beam; docs/big_data.md has examples. All other flags, such as "
        "--runner, are Beam's.",
        allow_abbrev=False,
    )
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(PrepareSettings)
    }

    def add(name: str, kind: type, text: str) -> None:
        parser.add_argument(
            f"--{name}", type=kind, default=defaults.get(name), help=text
        )

    parser.add_argument(
        "--input",
        required=True,
        help="a file, a folder or a pattern: texts, a line each, tables, or a "
        "label, a tab and a text a line",
    )
    parser.add_argument("--output", required=True, help="the folder to be made")
    add("text_column", str, "of tables; default: text, or a name like it")
    add(
        "label_column",
        str,
        "of tables; label, of lines with tabs; default: no labels",
    )
    add("row_column", str, "of tables of cells, with ids of rows")
    add("column_column", str, "the same, with ids of columns")
    add("value_column", str, "the same, with values; none makes each a 1")
    parser.add_argument(
        "--duplicates",
        choices=DUPLICATES,
        help="what becomes of a cell that is given again; default: refused",
    )
    parser.add_argument("--tokenizer", choices=TOKENIZERS, default="word")
    parser.add_argument(
        "--words",
        choices=WORDS,
        default="all",
        help="of the vocabulary; topical: without stop words, numbers and "
        "punctuation, for topic models",
    )
    parser.add_argument(
        "--sentence_rule",
        choices=SENTENCE_RULES,
        help="cut documents into sentences, for HAN; default: no sentences",
    )
    add(
        "vocab_size", int, "the most frequent words only, special ones included"
    )
    add("min_count", int, "words that occur less often are unknown")
    add("max_length", int, "texts of more words are left out")
    add(
        "valid_share", float, "of texts or cells, for validation; default: 0.05"
    )
    add("test_share", float, "of texts or cells, for the test; default: 0.05")
    add("split_seed", int, "of the split by a hash of the text, or of the ids")
    add("max_bad", int, "records that may be set aside; default: none")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
