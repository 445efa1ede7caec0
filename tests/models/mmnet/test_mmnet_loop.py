"""The user's loop over presets, in a shell, killed and resumed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from geoml_cli.runs.run import Run
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.synthetic import write_synthetic
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

PRESETS = ("onsite", "offsite", "cross-region")
LOOP = "for p in onsite offsite cross-region; do geoml train mmnet --preset $p --quiet || exit; done"
MEMBERS = {
    "onsite": ["2019", "2020", "2021", "2022"],
    "offsite": [f"fold-{number}" for number in range(1, 6)],
    "cross-region": ["E", "M", "W"],
}
SHORT = {
    "STEPS": "4",
    "EVALUATE_STEPS": "2",
    "BATCH_SIZE": "16",
    "THREADS": "1",
    "CHECKPOINT_SECONDS": "0",
    "CALIBRATE": "false",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven years of twelve stations, as `geoml demo mmnet` makes them, with their traps."""
    folder = tmp_path_factory.mktemp("loop")
    write_synthetic(folder / "raw", 1)
    prepare(Raw("smap", folder / "raw", SmapOptions()), folder / "data" / "smap", NullReporter())
    return folder / "data"


def environment(data: Path, runs: Path) -> dict[str, str]:
    """Shorten the training by environment variables, so that the loop stands as the user writes it."""
    short = {f"GEOML__TRAIN__{name}": value for name, value in SHORT.items()}
    return {**os.environ, **short, "GEOML_DATA": str(data), "GEOML_RUNS": str(runs), "OMP_NUM_THREADS": "1"}


def shell(loop: str, data: Path, runs: Path) -> subprocess.Popen[str]:
    """Start a shell in which `geoml` is this project's, in a session of its own."""
    command = f'geoml() {{ {shlex.quote(sys.executable)} -m geoml_cli "$@"; }}; {loop}'
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(["bash", "-c", command], env=environment(data, runs), start_new_session=True, **pipes)


def finish(process: subprocess.Popen[str]) -> None:
    _, heard = process.communicate(timeout=600)
    assert process.returncode == 0, heard


def run_of(runs: Path, preset: str) -> Run:
    [folder] = (runs / "mmnet" / preset).iterdir()
    return Run(folder)


def weights(run: Run) -> dict[str, dict[str, torch.Tensor]]:
    return {name: load_file(run.member(name).checkpoint("last").weights) for name in run.planned()}


@pytest.mark.slow
def test_the_loop_killed_and_resumed_ends_with_the_weights_of_the_loop_in_one_go(data, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(shell(LOOP, data, whole))
    for preset in PRESETS:
        run = run_of(whole, preset)
        assert run.record().status == "finished" and sorted(run.members()) == MEMBERS[preset]

    process = shell(LOOP, data, killed)
    second = killed / "mmnet" / "offsite"
    deadline = time.monotonic() + 300
    while not list(second.glob("*/members/fold-2/checkpoints/last/weights.safetensors")):
        assert process.poll() is None and time.monotonic() < deadline, "the second preset was never reached"
        time.sleep(0.02)
    os.killpg(process.pid, 9)  # the group that this test started: its shell and the command in it
    process.communicate()
    assert run_of(killed, "onsite").record().status == "finished"
    assert run_of(killed, "offsite").record().status != "finished" and not (killed / "mmnet" / "cross-region").exists()

    finish(shell("geoml train mmnet --preset offsite --resume --quiet", data, killed))
    finish(shell("geoml train mmnet --preset cross-region --quiet", data, killed))
    for preset in PRESETS:
        expected, found = weights(run_of(whole, preset)), weights(run_of(killed, preset))
        assert list(found) == list(expected)
        for member, of_member in expected.items():
            assert all(torch.equal(found[member][name], value) for name, value in of_member.items())
