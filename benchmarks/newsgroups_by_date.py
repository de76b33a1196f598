"""Judges settings of HAN on newsgroup posts that are later than training.

20 Newsgroups is split by date, and a validation part at random does not show
what that costs. Of the training posts of each group, in the order of their
article numbers, the last 15 % are written apart as the test set of a corpus of
the same form, and the trainer runs on it. The test posts are not read.

    python benchmarks/newsgroups_by_date.py --data_dir=20news-bydate --runs=RUNS
    python benchmarks/newsgroups_by_date.py ... recipe

`--data_dir` is the folder with `20news-bydate-train`.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("20news-bydate-train", "20news-bydate-test")
HELD_OUT = 0.15
DROPPING = ["--own_word_vectors", "--word_keep_rate=0.5", "--dropout=0.5"]
SETTINGS = {
    "recipe": [],
    "own_vectors": DROPPING,
    "slow_embedding": [*DROPPING, "--learning_rate_of=embedding=0.1"],
}


def write_later_posts(data_dir: pathlib.Path, folder: pathlib.Path) -> None:
    """Write the corpus whose test set are the last training posts."""
    for group in sorted((data_dir / PARTS[0]).iterdir()):
        posts = sorted(group.iterdir(), key=lambda path: int(path.name))
        first = int(len(posts) * (1 - HELD_OUT))
        for part, chosen in zip(
            PARTS, (posts[:first], posts[first:]), strict=True
        ):
            (folder / part / group.name).mkdir(parents=True, exist_ok=True)
            for post in chosen:
                shutil.copy(post, folder / part / group.name)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="*", default=list(SETTINGS))
    parser.add_argument("--data_dir", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=pathlib.Path, required=True)
    options = parser.parse_args()
    corpus = (options.runs / "later_posts").resolve()
    if not corpus.is_dir():
        write_later_posts(options.data_dir, corpus)
    for name in options.settings:
        command = [
            sys.executable,
            ROOT / "trainer.py",
            "--model=han",
            "--dataset=20news",
            f"--data_dir={corpus}",
            f"--run_dir={(options.runs / name).resolve()}",
            "--epochs=7",
            *SETTINGS[name],
        ]
        print(f"\n{name}: {' '.join(SETTINGS[name])}", flush=True)
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
