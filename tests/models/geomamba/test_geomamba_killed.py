"""A training by the compiled loops that is killed ends with the same bits as one that is not."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.runs.run import Run
from geoml_cli.sources.gwsa.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter

LONG = ["network.embedding=8", "network.width=8", "network.layers=1", "split.block_km=60", "train.threads=2"]
LONG += ["train.steps=24", "train.evaluate_steps=6", "train.batch_size=64", "train.checkpoint_seconds=0"]


@pytest.fixture
def data(tmp_path):
    raw = tmp_path / "raw"
    return Dataset(prepare(Raw("gwsa", raw, SOURCE.synthetic(raw, 3)), tmp_path / "data", NullReporter()).folder)


def killed_after(step, command, run):
    """Start a training and kill it once it has saved a step; return whether it was still at work."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    saved = run / "members" / "all" / "checkpoints" / "last" / "meta.json"
    while process.poll() is None:
        if last_step(saved) >= step:
            break
        time.sleep(0.002)
    process.kill()
    return process.wait() != 0


def last_step(saved):
    """Return the step of the last checkpoint; 0 where there is none, or it is being replaced."""
    try:
        return json.loads(saved.read_text())["counters"]["step"]
    except FileNotFoundError:
        return 0


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_bits(data, tmp_path):
    whole = train(
        load("geomamba", "gwsa-blocks", None, {}, LONG), data, RunLocation(tmp_path / "whole"), None, NullReporter()
    )
    run = tmp_path / "killed"
    sets = [part for text in LONG for part in ("--set", text)]
    begin = ["--preset", "gwsa-blocks", *sets]
    common = [sys.executable, "-m", "geoml_cli", "train", "geomamba", "--data", str(data.folder), "--run", str(run)]
    for step, arguments in ((5, begin), (13, ["--resume"])):
        assert killed_after(step, [*common, *arguments], run), "it ended before it was killed"
    done = subprocess.run([*common, "--resume"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for which in ("best", "last"):
        one, other = (load_file(Run(r).member("all").checkpoint(which).weights) for r in (whole.folder, run))
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[name]) for name, value in one.items()), which
