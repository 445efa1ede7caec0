"""SIGKILL at random moments of prepare, evaluate and export: nothing lost, nothing half, the same at the end.

`make torture` kills more often. What is asserted does not depend on when a kill comes.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geoml_cli.dataset.manifest import read_manifest
from geoml_cli.dataset.store import Dataset, check_content

KILLS = int(os.environ.get("GEOML_KILLS", "1"))
CHANGING = {"report.html", "model_card.md"}
"""Files that name when they were made."""


def geoml(*words: object) -> list[str]:
    return [sys.executable, "-m", "geoml_cli", *map(str, words)]


def whole(command: list[str]) -> float:
    """Run a command to its end; return how long it took [s]."""
    begin = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - begin


def killed(command: list[str], longest: float, generator: random.Random) -> bool:
    """Kill a command at a random moment; return whether it was still running."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=generator.uniform(0.2, 1.0) * longest)
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait() != 0


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in CHANGING and not path.name.startswith(".")
    }


@pytest.mark.slow
def test_prepare_leaves_the_old_or_the_new_data_set(raw_soc, tmp_path):
    generator, data = random.Random(5), tmp_path / "data"
    options = ("--points", "points.csv", "--covariates", "covs", "--classes", "land_cover", "--data", data, "-q")
    raws = [raw_soc, shutil.copytree(raw_soc, tmp_path / "raw")]
    lines = (raws[1] / "points.csv").read_text().splitlines()
    (raws[1] / "points.csv").write_text("\n".join(lines[:-3]) + "\n")
    commands = [geoml("prepare", "soc", raw, *options, "--force") for raw in raws]
    known = set()
    for command in commands:
        longest = whole(command)
        known.add(read_manifest(data / "soc").digest())
    assert len(known) == 2
    for number in range(KILLS):
        killed(commands[number % 2], longest, generator)
        dataset = Dataset(data / "soc")
        check_content(dataset)
        assert dataset.manifest.digest() in known
    whole(commands[0])
    assert {path.name for path in data.iterdir()} <= {"soc", ".soc.lock"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "place", "options"),
    [
        (
            "evaluate",
            "evaluation",
            ('evaluate.baselines=["mean"]', "evaluate.n_bootstrap=100", "evaluate.importance_repeats=1"),
        ),
        ("export", "export", ()),
    ],
)
def test_what_a_run_gives_is_whole_or_absent(trained, data_root, tmp_path, verb, place, options):
    generator = random.Random(6)
    run = shutil.copytree(trained, tmp_path / "run")
    for found in ("evaluation", "export", "predictions"):
        shutil.rmtree(run / found, ignore_errors=True)
    elsewhere = (place, "kept/")  # what spares the next evaluation time
    before = {name: one for name, one in digests(run).items() if not name.startswith(elsewhere)}
    chosen = [word for text in options for word in ("--set", text)] or ["--format", "pt2"]
    command = geoml(verb, run, "--data", data_root, "-q", *chosen)
    longest = whole(command)
    expected = digests(run / place)
    assert expected
    for _ in range(KILLS):
        if generator.random() < 0.7:
            shutil.rmtree(run / place, ignore_errors=True)
        killed(command, longest, generator)
        for path in run.rglob("*.json"):
            if not path.name.startswith("."):
                json.loads(path.read_text(encoding="utf-8"))
        assert {name: one for name, one in digests(run).items() if not name.startswith(elsewhere)} == before
    whole(command)
    assert set(digests(run / place)) == set(expected)
    if verb == "evaluate":
        assert digests(run / place) == expected
