"""Batch scripts for SLURM: text only, nothing is submitted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoml_cli import registry
from geoml_cli.errors import StoppedError

SIGNAL_SECONDS = 120
"""How long before its time limit a job is asked to save."""
_PORT = 29500
_PRESET = re.compile(r"--preset(?:=(.*))?|-q*p(.*)", re.DOTALL)
"""The option of a preset, with what is joined to it: `--preset=map`, `-pmap`, `-qp`."""
_LOOP = """
# The command runs next to this script, which passes SLURM's warning on to it.
"${step[@]}" &
running=$!
trap 'came=1; kill -USR1 "$running" 2>/dev/null' USR1
trap 'came=1; kill -TERM "$running" 2>/dev/null' TERM
code=1
while :; do
  came=0
  wait "$running"
  found=$?
  [ "$found" -ne 127 ] && code=$found
  [ "$came" -eq 1 ] || break
done
"""
_REQUEUE = f"""
# {StoppedError.exit_code}: stopped and saved. The same job goes on from there.
if [ "$code" -eq {StoppedError.exit_code} ]; then
  scontrol requeue "$job"
fi
"""
_END = 'exit "$code"\n'


@dataclass(frozen=True)
class Resources:
    """What a job asks for; what is None or empty is the cluster's default.

    Attributes:
        time: Limit, such as `02:00:00`.
        account: Which is charged.
        partition: Queue.
        nodes: How many.
        cpus: Cores of a process.
        gpus: On each node, one process each.
        memory: Of a node, such as `32G`.
        setup: Lines before the command, such as `module load cuda`.
    """

    time: str
    account: str = ""
    partition: str = ""
    nodes: int = 1
    cpus: int | None = None
    gpus: int | None = None
    memory: str = ""
    setup: Sequence[str] = ()


@dataclass(frozen=True)
class Shares:
    """How a job shares its work out; a single process without any.

    Attributes:
        members: Of the run, of which each task of an array trains one.
        parts: Of a prediction or an evaluation, of which each task of an array makes one.
        workers: Of Dask in the job, which predict or evaluate; where the job has GPUs, one each.
    """

    members: Sequence[str] = ()
    parts: int = 0
    workers: int = 0

    @property
    def array(self) -> str:
        """Return the numbers of the tasks, as sbatch reads them; empty for a job that is none."""
        if self.parts:
            return f"1-{self.parts}"
        return f"0-{len(self.members) - 1}" if self.members else ""


def script(words: Sequence[str], resources: Resources, shares: Shares = Shares()) -> str:
    """Return a batch script that runs a command, stops it in time and goes on with it.

    Args:
        words: Of the command, without `geoml`.
        resources: Of the cluster.
        shares: How the work is shared out.
    """
    processes = resources.nodes * (resources.gpus or 1)
    several = processes > 1 and words[0] == "train"
    lines = ["#!/bin/bash", *_directives(words, resources, shares, (resources.gpus or 1) if several else 1), ""]
    lines += ["set -u", *resources.setup, ""]
    lines += ['job="${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"']
    command = shlex.join(["geoml", *words])
    if words[0] == "train" and (folder := _new_run(words)):
        lines += ['run="${GEOML_RUNS:-runs}/"' + shlex.quote(folder) + '"/job-${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}"']
        command += ' --run "$run"'
    if shares.parts:
        lines += [f"# When all tasks have ended: {command} --finish"]
        command += f' --part "$SLURM_ARRAY_TASK_ID/{shares.parts}"'
    if shares.members:
        lines += [f"members=({shlex.join(shares.members)})"]
        command += ' --member "${members[$SLURM_ARRAY_TASK_ID]}"'
    if several:
        lines += _ranks(command)
        command = 'bash -c "$ranks" geoml'
    if shares.workers:
        lines += _workers(resources, shares.workers)
        step = f'{command} --scheduler "$scheduler"'
    else:
        step = f"srun {command}"
    # Missing parts do not come by waiting: what finishes them is not queued again.
    end = [] if "--finish" in words else [_REQUEUE]
    return "\n".join([*lines, f"step=({step})", _LOOP, *end, _END])


def _directives(words: Sequence[str], resources: Resources, shares: Shares, processes: int) -> list[str]:
    given = {
        "job-name": "-".join(["geoml", *words[:2]]).replace("/", "-").replace(" ", "-"),
        "account": resources.account,
        "partition": resources.partition,
        "time": resources.time,
        "nodes": resources.nodes,
        "ntasks": shares.workers or "",
        "ntasks-per-node": "" if shares.workers else processes,
        "cpus-per-task": resources.cpus,
        "gpus-per-node": resources.gpus,
        "mem": resources.memory,
        "array": shares.array,
        "signal": f"B:USR1@{SIGNAL_SECONDS}",
        "open-mode": "append",
        "output": "geoml-%x-%A_%a.log" if shares.array else "geoml-%x-%j.log",
    }
    named = [f"{name}={value}" for name, value in given.items() if value]
    return [f"#SBATCH --{directive}" for directive in (*named, "requeue")]


def _workers(resources: Resources, count: int) -> list[str]:
    """Return the lines that start a scheduler of Dask and its workers; they end with the job."""
    worker = 'dask worker --scheduler-file "$scheduler" --no-dashboard --nthreads 1'
    started = f"srun {worker} --nworkers {resources.cpus or 1} &"
    if resources.gpus:  # a task is one worker, whatever its cores
        started = f"srun --ntasks={count} --gpus-per-task=1 {worker} --nworkers 1 --resources GPU=1 &"
    return [
        'scheduler="$PWD/.geoml-scheduler-$SLURM_JOB_ID.json"',
        "# Left by a job that was killed and queued again: its scheduler is gone.",
        'rm -f "$scheduler"',
        "trap 'rm -f \"$scheduler\"; kill $(jobs -p) 2>/dev/null' EXIT",
        'dask scheduler --port 0 --no-dashboard --scheduler-file "$scheduler" &',
        "started=$!",
        'while [ ! -s "$scheduler" ]; do kill -0 "$started" 2>/dev/null || exit 1; sleep 1; done',
        started,
    ]


def _new_run(words: Sequence[str]) -> str:
    """Return model and preset, which name the folder that a new run stands in; empty where the command has a run."""
    model = next((word for word in words[1:] if word in registry.models()), "")
    if not model or any(word.partition("=")[0] in ("--run", "--resume") for word in words):
        return ""
    preset = registry.card(model).default_preset
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if (found := _PRESET.fullmatch(word)) is not None:
            preset = found[1] or found[2] or after
    return f"{model}/{Path(preset).stem}"


def _ranks(command: str) -> list[str]:
    """Return the lines by which each process of a step learns which it is, under the names that torchrun uses.

    Processes are srun's own: torchrun would end them by other signals, and keep their exit codes to itself.
    """
    return [
        'MASTER_ADDR="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"',
        f"export MASTER_ADDR MASTER_PORT={_PORT}",
        *(["export run"] if "$run" in command else []),
        "ranks='export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS'",
        f"ranks+={shlex.quote('; exec ' + command)}",
    ]
