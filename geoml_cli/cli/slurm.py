"""`geoml slurm [OPTIONS] VERB ...`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Annotated

import typer

from geoml_cli.cli import console
from geoml_cli.cli.batch_script import Resources, Shares, script
from geoml_cli.errors import GeomlError, SettingsError

VERBS = ("prepare", "train", "evaluate", "predict", "export", "sweep", "reproduce")
_IN_PARTS = ("predict", "evaluate")
_TIME = re.compile(r"\d+|\d+:\d{2}(:\d{2})?|\d+-\d{1,2}(:\d{2}){0,2}", re.ASCII)
"""As sbatch reads it: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS."""

_Command = Annotated[
    list[str], typer.Argument(metavar="VERB ...", help="The command, without `geoml`.", show_default=False)
]
_Time = Annotated[str, typer.Option("--time", help="Limit, such as 02:00:00 or 1-12.", show_default=False)]
_Account = Annotated[str, typer.Option("--account", help="Which is charged.", show_default=False)]
_Partition = Annotated[str, typer.Option("--partition", help="Queue.", show_default=False)]
_Nodes = Annotated[int, typer.Option("--nodes", min=1, help="How many; more than one with GPUs, for train.")]
_Cpus = Annotated[int | None, typer.Option("--cpus", min=1, help="Cores of a process.", show_default=False)]
_Gpus = Annotated[
    int | None, typer.Option("--gpus", min=1, help="GPUs of each node, one process each.", show_default=False)
]
_Memory = Annotated[str, typer.Option("--memory", help="Of a node, such as 32G.", show_default=False)]
_Setup = Annotated[
    list[str] | None,
    typer.Option("--setup", help="A line before the command, such as `module load cuda`; repeatable.",
                 show_default=False),
]  # fmt: skip
_Parts = Annotated[
    int | None,
    typer.Option(
        "--parts", min=2, help="Predict or evaluate so many parts, each in a task of its own.", show_default=False
    ),
]
_Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Predict or evaluate on so many workers of Dask in the job.", show_default=False
    ),
]
_Array = Annotated[bool, typer.Option("--array", help="Train each member in a task of its own; reads the data set.")]


def slurm(
    command: _Command,
    time: _Time,
    account: _Account = "",
    partition: _Partition = "",
    nodes: _Nodes = 1,
    cpus: _Cpus = None,
    gpus: _Gpus = None,
    memory: _Memory = "",
    setup: _Setup = None,
    array: _Array = False,
    parts: _Parts = None,
    workers: _Workers = None,
) -> None:
    """Print a batch script that runs a command, saves in time and goes on after a requeue; nothing is submitted.

    Options of the job come before the verb: `geoml slurm --time 02:00:00 --array train soc --preset map > job.sh`.
    """
    _check(command, time)
    _check_words({"--account": account, "--partition": partition, "--memory": memory})
    _check_shares(command, nodes, gpus, array=array, parts=parts, workers=workers)
    members = _members(command) if array else ()
    if array and len(members) < 2:
        raise SettingsError("the run has one member.", where="--array", fix="Leave it out.")
    asked = Resources(time, account, partition, nodes, cpus, gpus, memory, setup or ())
    console.line(script(command, asked, Shares(members, parts or 0, workers or 0)).rstrip())


def _check_words(given: dict[str, str]) -> None:
    """Refuse what a line of the script's head would end or go on after: sbatch splits it at blanks."""
    for option, text in given.items():
        if any(sign.isspace() or sign in "\"'\\#" for sign in text):
            raise SettingsError(f"{text!r} is not one word.", where=option, fix="Give it as sbatch knows it.")


def _check_shares(
    command: list[str], nodes: int, gpus: int | None, *, array: bool, parts: int | None, workers: int | None
) -> None:
    """Refuse ways to share work out that the command does not have, or that do not go together."""
    named = [name for name, given in (("--array", array), ("--parts", parts), ("--workers", workers)) if given]
    if len(named) > 1:
        raise SettingsError(f"choose one of {' and '.join(named)}.", fix="Leave the others out.")
    if command[0] != "train" and (array or (nodes > 1 and not workers)):
        raise SettingsError(
            "only train has members and several nodes.",
            where=command[0],
            fix="For predict and evaluate, use --parts or --workers.",
        )
    if command[0] not in _IN_PARTS and (parts or workers):
        raise SettingsError(
            f"only {' and '.join(_IN_PARTS)} are shared out like that.", where=named[0], fix="Leave it out."
        )
    own = {"--part", "--finish", "--scheduler"} & {word.partition("=")[0] for word in command}
    if (parts or workers) and own:
        raise SettingsError(f"{', '.join(sorted(own))} is the job's here.", where=named[0], fix="Leave it out.")
    if (parts or workers) and any(word.partition("=")[0] == "--index" for word in command):
        raise SettingsError("single samples are not shared out.", where=named[0], fix="Leave it out, or --index.")
    if (array or parts) and (nodes > 1 or (gpus or 1) > 1):
        raise SettingsError("a task of an array is one process.", where=named[0], fix="Use --nodes 1 and --gpus 1.")
    if workers and gpus and workers > nodes * gpus:
        raise SettingsError(
            f"{workers} workers cannot have a GPU each: {nodes} x {gpus} are asked for.",
            where="--workers",
            fix=f"Use --workers {nodes * gpus}, or more --nodes or --gpus.",
        )
    if nodes > 1 and not (gpus or workers):
        raise SettingsError("several nodes train on GPUs.", where="--nodes", fix="Add --gpus N, of each node.")
    if array and any(word.partition("=")[0] == "--member" for word in command):
        raise SettingsError("each task has a member of its own.", where="--member", fix="Leave it out, or --array.")


def _check(command: list[str], time: str) -> None:
    if command[0] not in VERBS:
        raise SettingsError(f"{command[0]!r} is no verb of a job.", where="VERB", fix=f"Verbs: {', '.join(VERBS)}.")
    if not _TIME.fullmatch(time):
        raise SettingsError(f"{time!r} is no time limit.", where="--time", fix="Write e.g. 02:00:00, or 1-12 (days).")
    if broken := [word for word in command if not word.isprintable()]:
        # The command stands in comments of the script as well, which a line break would end.
        raise SettingsError(f"{broken[0]!r} is not one line.", where="VERB ...", fix="Name files without such signs.")
    parallel = {"--gpus", "--processes"} & {word.partition("=")[0] for word in command}
    if command[0] == "train" and parallel:
        raise SettingsError(
            f"{', '.join(sorted(parallel))} of train: processes are the job's here.",
            where="VERB ...",
            fix="Give --gpus before the verb.",
        )


def _members(command: list[str]) -> tuple[str, ...]:
    """Name the members that a command would train, as its `--dry-run` does.

    Raises:
        GeomlError: That fails, with its exit code.
    """
    asked = [sys.executable, "-m", "geoml_cli", *command, "--dry-run", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = done.stderr.strip().splitlines()
        error = GeomlError(errors[0].removeprefix("geoml: ") if errors else "no members are known.", where="--array",
                           fix="See `geoml train ... --dry-run`.")  # fmt: skip
        error.exit_code = done.returncode
        raise error
    return tuple(json.loads(done.stdout)["train"])
