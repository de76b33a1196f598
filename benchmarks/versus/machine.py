"""What is measured on, and with."""

import importlib.metadata
import os
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def machine() -> dict[str, str]:
    """Processor, versions and commit."""
    lines = pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    of_processor = dict(
        line.split(":", 1) for line in lines if line.startswith("model name")
    )
    flags = next(line for line in lines if line.startswith("flags"))
    return {
        "processor": " ".join(
            next(iter(of_processor.values()), platform.machine()).split()
        ),
        "cores": str(len(os.sched_getaffinity(0))),
        "amx": str("amx_bf16" in flags),
        "python": platform.python_version(),
        "commit": subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        ).stdout.strip(),
        **{
            name: importlib.metadata.version(name)
            for name in ("tensorflow", "keras", "numpy")
        },
    }


def line_of_machine(found: dict[str, str]) -> str:
    """What stands above a table."""
    return ", ".join(f"{name} {value}" for name, value in found.items())
