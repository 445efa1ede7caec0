"""Commands of several steps: each step is a command that a user could type, in a process of its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoml_cli.errors import GeomlError, StoppedError
from geoml_cli.training.launch import forwarding


def flags_of(given: Mapping[str, Any]) -> list[str]:
    """Write options as a user would type them; a switch that is on has no value, one that is off is left out."""
    flags = []
    for name, value in given.items():
        for part in value if isinstance(value, list) else [value]:
            if part is not False:
                flags += [f"--{name.replace('_', '-')}", *([] if part is True else [str(part)])]
    return flags


def run_step(step: list[str], folder: Path, *, shown: bool = True) -> None:
    """Run a command as a user would.

    Args:
        step: Its words.
        folder: Holds `data` and `runs`, where the command names no others.
        shown: Let it print on stdout.

    Raises:
        GeomlError: It ended with another exit code than 0, which is this error's.
    """
    import os

    own = {**os.environ, "GEOML_DATA": str(folder / "data"), "GEOML_RUNS": str(folder / "runs")}
    command = [sys.executable, "-m", "geoml_cli", *step]
    with forwarding() as started:
        started.append(subprocess.Popen(command, env=own, stdout=None if shown else subprocess.DEVNULL))
        code = started[0].wait()
    if code:
        is_stopped = code == StoppedError.exit_code
        error = GeomlError(
            f"`geoml {shlex.join(step)}` {'was stopped' if is_stopped else f'ended with {code}'}.",
            fix="Run the same command again."
            if is_stopped
            else "See the message above; when that is mended, run the same command again.",
        )
        error.exit_code = code if code > 0 else 1
        raise error
