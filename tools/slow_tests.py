"""Writes which tests are slow, from what a run of all of them has measured.

    python -m pytest --junitxml=times.xml
    python tools/slow_tests.py times.xml

`tests/conftest.py` marks the tests of `tests/slow_tests.txt` as slow, which
leaves the others for `-m "not slow"`. What a run has left out stays in the list
as it was, so that a run of the others alone can only add to it.
"""

import argparse
import pathlib
import xml.etree.ElementTree

SLOW = pathlib.Path("tests/slow_tests.txt")
# Seconds of a test that is slow, its fixtures included.
LIMIT = 1.0
HEADING = """\
# Tests that took {limit:g} s or more, of one thread on a busy machine; written
# by tools/slow_tests.py. A line marks all parameters of a test.
"""


def main() -> None:
    """Read the times and write the list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("times", type=pathlib.Path)
    parser.add_argument("--limit", type=float, default=LIMIT)
    options = parser.parse_args()
    cases = xml.etree.ElementTree.parse(options.times).iter("testcase")
    seconds: dict[str, list[float]] = {}
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}".split("[")[0]
        seconds.setdefault(name, []).append(float(case.get("time", 0)))
    listed = SLOW.read_text("utf-8").splitlines()
    left_out = {name for name in listed if "::" in name and name not in seconds}
    slow = sorted(
        left_out
        | {
            name
            for name, times in seconds.items()
            if sum(times) / len(times) >= options.limit
        }
    )
    left = sum(sum(seconds[name]) for name in seconds if name not in slow)
    text = HEADING.format(limit=options.limit) + "\n".join(slow) + "\n"
    SLOW.write_text(text, "utf-8")
    print(f"{len(slow)} slow tests; the others took {left / 60:.1f} minutes")


if __name__ == "__main__":
    main()
