"""Processor time until a command answers, compared with that of importing typer and torch, and of exporting Geo-Mamba.

Each command is a process of its own; user and system time count, the least of several calls, which other work on the
machine changes less than the time that passes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import _table
from geoml_cli.sources.gwsa import source as gwsa

CALLS = 5
_ROOT = Path(__file__).parents[1]
PAPER = ("network.embedding=128", "network.width=128", "network.layers=4")
_PYTHON = {"import typer": "import typer", "import torch": "import torch"}
_TORCH = "geoml predict RUN --index 0"
"""The command that needs torch."""


def cpu_seconds(words: Sequence[str], folder: Path) -> float:
    """Return user and system time of `python WORDS` [s].

    Raises:
        RuntimeError: It failed, with what it said.
    """
    before = os.times()
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, env=_environment(folder)
    )
    after = os.times()
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system


def _environment(folder: Path) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    own = {"PYTHONPATH": paths, "GEOML_DATA": str(folder / "data"), "GEOML_RUNS": str(folder / "runs")}
    # As a user has it: modules are compiled once, not in every process.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own


def trained(folder: Path, settings: Sequence[str]) -> Path:
    """Prepare synthetic cells and train for a step or two; return the run's folder. Weights do not change the time."""
    gwsa.SOURCE.synthetic(folder / "raw", 1)
    run = folder / "run"
    small = (*settings, "train.steps=2", "train.evaluate_steps=2", "train.batch_size=16", "train.calibrate=false")
    sets = [part for setting in small for part in ("--set", setting)]
    for words in (
        ["prepare", "gwsa", "raw", "--quiet"],
        ["train", "geomamba", "--preset", "gwsa", "--run", str(run), "--cpu", "--quiet", *sets],
    ):
        cpu_seconds(["-m", "geoml_cli", *words], folder)
    return run


def answers(run: Path) -> dict[str, list[str]]:
    """Return the commands that are measured, by how they are shown."""
    return {
        "geoml --help": ["--help"],
        "geoml train --help": ["train", "--help"],
        "geoml predict geomamba --help": ["predict", "geomamba", "--help"],
        "geoml list": ["list"],
        "geoml preset show soc": ["preset", "show", "soc"],
        "geoml train geomamba --dry-run": ["train", "geomamba", "--preset", "gwsa", "--dry-run"],
        _TORCH: ["predict", str(run), "--index", "0"],
    }


def starts(folder: Path, run: Path, calls: int) -> dict[str, float]:
    """Measure imports and commands in turn, so that all meet the same other work; return the least of each [s]."""
    ways = {name: ["-c", code] for name, code in _PYTHON.items()}
    ways |= {name: ["-m", "geoml_cli", *words] for name, words in answers(run).items()}
    rounds = [{name: cpu_seconds(words, folder) for name, words in ways.items()} for _ in range(calls)]
    return {name: min(found[name] for found in rounds) for name in ways}


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="of each command; the least counts")
    parser.add_argument("--formats", nargs="*", default=["pt2", "onnx"], help="of the export of Geo-Mamba")
    parser.add_argument("--settings", nargs="*", default=PAPER, help="of Geo-Mamba")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = trained(folder, given.settings)
        found = starts(folder, run, given.calls)
        exports = {
            form: cpu_seconds(["-m", "geoml_cli", "export", str(run), "--format", form, "--quiet"], folder)
            for form in given.formats
        }
    rows = [(name, took, took / found["import torch"]) for name, took in found.items()]
    _table.show(f"Processor time, least of {given.calls} calls", ("command", "s", "/ import torch"), rows)
    if exports:
        title = f"Processor time of `geoml export`, {', '.join(given.settings)}; start and comparison included"
        _table.show(title, ("format", "s"), list(exports.items()))
    print()
    _table.ratio("geoml --help / import typer", found["geoml --help"] / found["import typer"])
    _table.ratio("geoml predict --index / import torch", found[_TORCH] / found["import torch"])


if __name__ == "__main__":
    main(sys.argv[1:])
