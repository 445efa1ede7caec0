"""Members trained side by side: the same bits as one after another, and signals as before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from quick import QUICK
from safetensors.torch import load_file

from geoml_cli.runs.run import Run
from geoml_cli.training import launch

MORE = ("--set", "train.threads=1", "--set", "train.checkpoint_seconds=0", "--set", "train.calibrate=false")


def train(data: Path, run: Path, *words: str) -> subprocess.Popen[str]:
    own = {**os.environ, "GEOML_JOBS": ""}
    sets = [*QUICK, *MORE, "--data", str(data), "--run", str(run), *words]
    command = [sys.executable, "-m", "geoml_cli", "train", "soc", "--preset", "map", *sets]
    return subprocess.Popen(command, env=own, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def weights(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    run = Run(folder)
    return {name: load_file(run.member(name).checkpoint("last").weights) for name in run.planned()}


@pytest.mark.slow
def test_side_by_side_and_stopped_and_resumed_bits_are_those_of_one_after_another(data_root, tmp_path):
    alone = train(data_root, tmp_path / "alone", "--jobs", "1", "--quiet")
    stopped = train(data_root, tmp_path / "stopped", "--jobs", "2", "--quiet")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "stopped").glob("members/*/checkpoints/last/weights.safetensors")):
        assert stopped.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    stopped.send_signal(signal.SIGTERM)
    _, heard = stopped.communicate(timeout=120)
    assert stopped.returncode in (0, 75), heard
    if stopped.returncode:
        assert "stopped, saved. Resume with `geoml train" in heard
    _, heard = alone.communicate(timeout=240)
    assert alone.returncode == 0, heard
    resumed = train(data_root, tmp_path / "stopped", "--jobs", "2", "--json")
    out, heard = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, heard
    assert json.loads(out)["status"] == "finished", "members print nothing of their own"
    expected, found = weights(tmp_path / "alone"), weights(tmp_path / "stopped")
    assert set(found) == set(expected) == {"fold-1", "fold-2"}
    for name, of_member in expected.items():
        assert all(torch.equal(found[name][key], value) for key, value in of_member.items())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process there has no parent that changes")
def test_members_save_and_end_where_the_process_that_started_them_is_killed(data_root, tmp_path):
    import psutil

    parent = train(data_root, tmp_path / "run", "--jobs", "2", "--quiet", "--set", "train.epochs=100000")
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "run").glob("members/*/checkpoints/last/weights.safetensors"))) < 2:
        assert parent.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.communicate(timeout=60)
    assert not psutil.wait_procs(children, timeout=60)[1]
    assert set(Run(tmp_path / "run").record().members.values()) == {"interrupted"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a signal there ends a process")
def test_a_stop_while_the_processes_start_is_a_stop(data_root, tmp_path):
    import psutil

    parent = train(data_root, tmp_path / "run", "--jobs", "2", "--quiet")
    watched, deadline = psutil.Process(parent.pid), time.monotonic() + 120
    while len(watched.children()) < 2:  # both have started, and handle no signal yet
        assert parent.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    parent.send_signal(signal.SIGTERM)
    _, heard = parent.communicate(timeout=120)
    assert parent.returncode == 75 and "stopped, saved. Resume with `geoml train" in heard, heard


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /bin/false there")
def test_processes_that_fail_by_themselves_are_no_stop(monkeypatch):
    monkeypatch.setattr(launch.sys, "executable", "/bin/false")
    assert launch.side_by_side([], 2, lambda: None) == 1


def test_as_many_as_there_are_cores_for(monkeypatch):
    monkeypatch.setattr(launch, "cores", lambda: 8)
    assert [launch.jobs_here(threads) for threads in (None, 1, 2, 3, 16)] == [1, 8, 4, 2, 1]


def test_a_process_that_fails_ends_the_others(monkeypatch, tmp_path):
    """The first word counts; the others are asked to end, and do."""
    mark, command = tmp_path / "mark", tmp_path / "command"
    command.write_text(f"#!/bin/sh\nmkdir {mark} 2>/dev/null || exit 7\nexec sleep 60\n")
    command.chmod(0o755)
    monkeypatch.setattr(launch.sys, "executable", str(command))
    began = time.monotonic()
    assert launch.side_by_side(["train"], 2, lambda: None) == 7
    assert time.monotonic() - began < 50


def test_jobs_do_not_go_with_processes(geoml, data_root):
    done = geoml("train", "soc", "--preset", "map", "--data", data_root, "--jobs", "2", "--processes", "2")
    assert done.code == 2 and "--jobs goes with neither --gpus nor --processes" in done.err


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_variable_that_is_no_number_is_refused(geoml, data_root, monkeypatch, more):
    monkeypatch.setenv("GEOML_JOBS", "many")
    done = geoml("train", "soc", "--preset", "map", "--data", data_root, *more)
    assert done.code == 2 and "GEOML_JOBS: 'many' is no whole number above 0" in done.err
