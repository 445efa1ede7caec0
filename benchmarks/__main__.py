"""`python -m benchmarks [NAME ...]`: run the benchmarks named, or all; each in a process of its own.

Options after a single name are those of the benchmark.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from geoml_cli.work.processors import wait_briefly

_FOLDER = Path(__file__).parent
_ON_REQUEST = ("guard", "since")
"""Run only by name: they compare two commits."""


_NEEDS = {"kernels": "mambapy", "geomamba": "mambapy"}
"""What a benchmark compares with, where it is not a dependency."""


def benchmarks() -> list[str]:
    """Name the benchmarks: modules of this folder."""
    return sorted(path.stem for path in _FOLDER.glob("[!_]*.py"))


def main(arguments: Sequence[str] = ()) -> int:
    """Run benchmarks one after another; return the exit code of a single one, or 1 if one of several failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(benchmarks())} [all but {', '.join(_ON_REQUEST)}]"
    )
    named = list(takewhile(lambda word: not word.startswith("-"), arguments))
    own = arguments[len(named) :] if len(named) == 1 else ()
    names: list[str] = parser.parse_args(arguments[: len(arguments) - len(own)]).names
    chosen = names or [name for name in benchmarks() if name not in _ON_REQUEST]
    if unknown := sorted(set(chosen) - set(benchmarks())):
        parser.error(f"no such benchmark: {', '.join(unknown)}. There are: {', '.join(benchmarks())}.")
    wait_briefly()  # as the command does
    codes = {}
    for name in chosen:
        print(f"\n== {name}", flush=True)
        if (package := _NEEDS.get(name)) and importlib.util.find_spec(package) is None:
            print(f"{name} is compared with {package}, which is not installed: pip install {package}", file=sys.stderr)
            codes[name] = 2
            continue
        # A process of its own: the memory and caches of one do not change the figures of the next.
        command = [sys.executable, "-m", f"benchmarks.{name}", *own]
        codes[name] = subprocess.run(command, cwd=_FOLDER.parent, check=False).returncode
    if failed := [name for name, code in codes.items() if code]:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return next(iter(codes.values())) if len(codes) == 1 else int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
