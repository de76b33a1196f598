"""Runs of the trainer on files of `own_files`, for the two benchmarks."""

import pathlib
import subprocess
import sys

import own_files


def run(model: str, corpus: str, runs: pathlib.Path, seed: int = 0) -> str:
    """What a run of the default recipe printed; one that is done stays.

    Args:
        model: "han" or "sae".
        corpus: A function of `own_files`.
        runs: Folder of files, runs and logs.
        seed: Of the run.
    """
    name = f"{model}_{corpus}_{seed}"
    log = runs / f"{name}.log"
    if not log.is_file():
        files = runs / "files" / corpus
        own_files.write(getattr(own_files, corpus), files)
        command = [
            sys.executable,
            own_files.ROOT / "trainer.py",
            f"--model={model}",
            "--dataset=text",
            f"--data_dir={files}",
            f"--run_dir={runs / name}",
            f"--seed={seed}",
        ]
        unfinished = log.with_suffix(".unfinished")
        with unfinished.open("w") as output:
            subprocess.run(
                command, stdout=output, cwd=own_files.ROOT, check=True
            )
        unfinished.rename(log)
    return log.read_text("utf-8")
