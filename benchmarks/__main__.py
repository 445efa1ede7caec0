"""`python -m benchmarks [NAME ...]`: run the benchmarks named, or all; each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent


def benchmarks() -> list[str]:
    """Name the benchmarks: modules of this folder."""
    return sorted(path.stem for path in _FOLDER.glob("[!_]*.py"))


def main(arguments: Sequence[str] = ()) -> int:
    """Run benchmarks one after another; return 1 if one failed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(benchmarks())} [all]")
    chosen: list[str] = parser.parse_args(arguments).names or benchmarks()
    if unknown := sorted(set(chosen) - set(benchmarks())):
        parser.error(f"no such benchmark: {', '.join(unknown)}. There are: {', '.join(benchmarks())}.")
    failed = []
    for name in chosen:
        print(f"\n== {name}", flush=True)
        # A process of its own: the memory and caches of one do not change the figures of the next.
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=_FOLDER.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
