"""`geoml slurm`: scripts that bash reads, run against stand-ins of sbatch's world."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def printed(geoml, *words) -> str:
    done = geoml("slurm", *words)
    assert done.code == 0, done.err
    subprocess.run(["bash", "-n"], input=done.out, text=True, check=True)
    return done.out


def started(text: str, tmp_path: Path, geoml_does: str, **variables: str) -> subprocess.Popen[str]:
    """Run a script where srun runs its command, scontrol notes what it is told, and geoml is given."""
    place = tmp_path / "bin"
    place.mkdir(exist_ok=True)
    noted = tmp_path / "noted"
    for name, does in {
        "srun": 'exec "$@"',
        "scontrol": f'if [ "$1" = show ]; then echo node1; echo node2; else echo "$@" >> {noted}; fi',
        "geoml": f'echo geoml "$@" >> {noted}\n{geoml_does}',
    }.items():
        (place / name).write_text(f"#!/bin/bash\n{does}\n")
        (place / name).chmod(0o755)
    own = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}", "SLURM_JOB_ID": "17", **variables}
    return subprocess.Popen(["bash", "-c", text], env=own, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def noted(tmp_path: Path) -> list[str]:
    return (tmp_path / "noted").read_text().splitlines()


def test_a_job_that_is_told_to_save_is_queued_again(geoml, tmp_path):
    text = printed(geoml, "--time", "02:00:00", "--account", "soil", "train", "soc", "--preset", "map")
    for line in ("--time=02:00:00", "--account=soil", "--signal=B:USR1@120", "--requeue", "--nodes=1"):
        assert f"#SBATCH {line}\n" in text
    saves = "trap 'exit 75' USR1\ntouch ready\nwhile :; do sleep 0.05; done"
    process = started(text, tmp_path, saves.replace("ready", str(tmp_path / "ready")))
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    _, heard = process.communicate(timeout=60)
    assert process.returncode == 75, heard
    assert noted(tmp_path) == ["geoml train soc --preset map --run runs/soc/map/job-17", "requeue 17"]


@pytest.mark.parametrize("code", [0, 3])
def test_a_job_that_ends_keeps_its_exit_code(geoml, tmp_path, code):
    text = printed(geoml, "--time", "30", "--setup", "module() { :; }; module load x", "evaluate", "runs/a b")
    process = started(text, tmp_path, f"exit {code}")
    process.communicate(timeout=60)
    assert process.returncode == code and noted(tmp_path) == ["geoml evaluate runs/a b"]


def test_each_task_of_an_array_trains_its_member_in_one_run(geoml, tmp_path, data_root):
    data = ("--data", str(data_root), "--set", "split.seeds=[1]", "--set", "split.folds=2")
    text = printed(geoml, "--time", "1-12", "--array", "train", "soc", "--preset", "map", *data)
    assert "#SBATCH --array=0-1\n" in text
    for task, member in enumerate(("fold-1", "fold-2")):
        variables = {"SLURM_ARRAY_JOB_ID": "20", "SLURM_ARRAY_TASK_ID": str(task), "GEOML_RUNS": "my runs"}
        started(text, tmp_path, "exit 75", **variables).communicate(timeout=60)
        words, requeued = noted(tmp_path)[-2:]
        assert words.endswith(f"--run my runs/soc/map/job-20 --member {member}") and requeued == f"requeue 20_{task}"


def test_processes_of_several_nodes_learn_which_they_are(geoml, tmp_path):
    text = printed(geoml, "--time", "60", "--nodes", "2", "--gpus", "4", "train", "geomamba", "--run", "runs/it's")
    for line in ("--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4"):
        assert f"#SBATCH {line}\n" in text
    says = f'echo "$RANK $LOCAL_RANK $WORLD_SIZE $MASTER_ADDR $MASTER_PORT" >> {tmp_path / "noted"}'
    variables = {"SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8", "SLURM_JOB_NODELIST": "node[1-2]"}
    _, heard = started(text, tmp_path, says, **variables).communicate(timeout=60)
    assert noted(tmp_path) == ["geoml train geomamba --run runs/it's", "5 1 8 node1 29500"], heard


@pytest.mark.parametrize("words", ["predict soc --map -o 'my map.tif'", "evaluate soc --split train"])
def test_each_task_of_an_array_makes_its_part(geoml, tmp_path, words):
    text = printed(geoml, "--time", "60", "--parts", "8", *shlex.split(words))
    assert "#SBATCH --array=1-8\n" in text and f"# When all tasks have ended: geoml {words} --finish" in text
    variables = {"SLURM_ARRAY_JOB_ID": "20", "SLURM_ARRAY_TASK_ID": "3"}
    started(text, tmp_path, "exit 75", **variables).communicate(timeout=60)
    assert noted(tmp_path) == [f"geoml {' '.join(shlex.split(words))} --part 3/8", "requeue 20_3"]


def test_what_finishes_a_prediction_is_not_queued_again(geoml, tmp_path):
    text = printed(geoml, "--time", "60", "predict", "soc", "--map", "--finish")
    process = started(text, tmp_path, "exit 75")
    process.communicate(timeout=60)
    assert process.returncode == 75 and noted(tmp_path) == ["geoml predict soc --map --finish"]


@pytest.mark.slow
def test_a_job_with_workers_of_its_own_predicts_on_them(geoml, trained, data_root, tmp_path):
    out = tmp_path / "samples.csv"
    words = ("predict", trained, "--out", out, "--data", data_root, "--set", "predict.rows=200")
    text = printed(geoml, "--time", "60", "--nodes", "2", "--workers", "4", "--cpus", "1", *map(str, words))
    assert "#SBATCH --ntasks=4\n" in text and "ntasks-per-node" not in text
    real = Path(sys.executable).parent / "geoml"
    variables = {"PWD": str(tmp_path)}
    script = f"cd {tmp_path}\nPATH=$PATH:{real.parent}\n{text}"
    # A job that was killed and queued again finds the scheduler's file of its first life.
    (tmp_path / ".geoml-scheduler-17.json").write_text('{"address": "tcp://192.0.2.2:39999"}')
    process = started(script, tmp_path, f'exec {real} "$@"', **variables)
    _, heard = process.communicate(timeout=240)
    assert process.returncode == 0 and "Workers: 1 with 1 threads" in heard, heard
    assert out.exists() and not list(tmp_path.glob(".geoml-scheduler*"))


def test_workers_of_a_job_with_gpus_have_one_each(geoml, tmp_path):
    words = ("--time", "60", "--nodes", "2", "--gpus", "2", "--workers", "4", "--cpus", "3")
    text = printed(geoml, *words, "predict", "soc", "--map")
    assert "#SBATCH --ntasks=4\n" in text and "#SBATCH --gpus-per-node=2\n" in text
    dask = 'if [ "$1" = scheduler ]; then for word; do last=$word; done; echo {} > "$last"; exec sleep 60; fi'
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dask").write_text(f"#!/bin/bash\n{dask}\n")
    (tmp_path / "bin/dask").chmod(0o755)
    script = f'srun() {{ echo "$@" > started; }}\ncd {tmp_path}\n{text}'
    process = started(script, tmp_path, "while [ ! -s started ]; do sleep 0.05; done", PWD=str(tmp_path))
    _, heard = process.communicate(timeout=60)
    assert process.returncode == 0, heard
    [words] = (tmp_path / "started").read_text().splitlines()
    assert words.startswith("--ntasks=4 --gpus-per-task=1 dask worker")
    assert words.endswith("--nthreads 1 --nworkers 1 --resources GPU=1")


def test_a_job_whose_scheduler_does_not_start_ends(geoml, tmp_path):
    text = printed(geoml, "--time", "60", "--workers", "4", "predict", "soc", "--map")
    process = started(f"cd {tmp_path}\ndask() {{ return 1; }}\n{text}", tmp_path, "exit 0")
    process.communicate(timeout=60)
    assert process.returncode == 1 and not (tmp_path / "noted").exists()


@pytest.mark.parametrize(
    ("words", "run"),
    [
        (("train", "soc"), "--run runs/soc/paper/job-17"),
        (("train", "-p", "my presets/fine.toml", "soc"), "--run runs/soc/fine/job-17"),
        (("train", "soc", "--preset=map", "--run=here"), ""),
        (("train", "runs/soc/map/20261121-093000"), ""),
        (("train", "soc", "-pmap"), "--run runs/soc/map/job-17"),
        (("train", "soc", "-qp", "map"), "--run runs/soc/map/job-17"),
        (("train", "soc", "--preset", "map", "--resume"), ""),
        (("train", "soc", "-p", "cost $5 `date`.toml"), "--run runs/soc/cost $5 `date`/job-17"),
    ],
)
def test_a_new_run_has_the_folder_of_its_job_and_another_its_own(geoml, tmp_path, words, run):
    started(printed(geoml, "--time", "60", *words), tmp_path, "exit 0").communicate(timeout=60)
    assert noted(tmp_path) == [" ".join(filter(None, ["geoml", *words, run]))]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--time", "soon", "train", "soc"), "--time: 'soon' is no time limit"),
        (("--time", "60", "list", "runs"), "'list' is no verb of a job"),
        (("--time", "60", "--array", "evaluate", "soc"), "only train has members and several nodes"),
        (("--time", "60", "--nodes", "2", "train", "soc"), "several nodes train on GPUs"),
        (("--time", "60", "train", "soc", "--gpus", "2"), "Give --gpus before the verb"),
        (("--time", "60", "--array", "--gpus", "2", "train", "soc"), "a task of an array is one process"),
        (("--time", "60", "--array", "train", "soc", "--member", "a"), "each task has a member of its own"),
        (("--time", "60", "--parts", "4", "train", "soc"), "only predict and evaluate are shared out"),
        (("--time", "60", "--parts", "4", "--workers", "2", "predict", "soc"), "choose one of --parts and --workers"),
        (("--time", "60", "--parts", "4", "predict", "soc", "--part", "1/2"), "--part is the job's here"),
        (("--time", "60", "--workers", "4", "--gpus", "2", "predict", "soc"), "Use --workers 2, or more --nodes"),
        (("--time", "60", "--parts", "4", "--gpus", "2", "predict", "soc"), "a task of an array is one process"),
        (("--time", "60", "--account", "my group", "train", "soc"), "--account: 'my group' is not one word"),
        (("--time", "60", "--partition", "a\nrm", "train", "soc"), "--partition: 'a\\nrm' is not one word"),
        (("--time", "60", "--memory", "32 G", "train", "soc"), "--memory: '32 G' is not one word"),
        (("train", "soc"), "--time"),
    ],
)
def test_jobs_that_make_no_sense_are_refused(geoml, words, message):
    done = geoml("slurm", *words)
    assert done.code == 2 and message in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--parts", "2", "predict", "run", "--out", "a\ntouch b"), "'a\\ntouch b' is not one line"),
        (("--parts", "2", "predict", "run", "--index", "3"), "--parts: single samples are not shared out"),
    ],
)
def test_a_command_that_no_task_could_run_is_not_printed(geoml, words, message):
    done = geoml("slurm", "--time", "1:00:00", *words)
    assert done.code == 2 and message in done.err and not done.out


def test_members_that_are_not_known_end_with_the_reason(geoml, tmp_path):
    done = geoml("slurm", "--time", "60", "--array", "train", "soc", "--data", tmp_path)
    assert done.code == 3 and "--array" in done.err
