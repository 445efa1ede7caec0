"""Commands of several steps: each step is a command that a user could type, in a process of its own."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geoml_cli.errors import GeomlError, StoppedError
from geoml_cli.training.launch import forwarding

_INTERRUPTED = 130
"""Exit code of a step that had nothing to save."""


def flags_of(given: Mapping[str, Any]) -> list[str]:
    """Write options as a user would type them; a switch that is on has no value, one that is off is left out."""
    flags = []
    for name, value in given.items():
        for part in value if isinstance(value, list) else [value]:
            if part is not False:
                flags += [f"--{name.replace('_', '-')}", *([] if part is True else [str(part)])]
    return flags


def run_step(step: list[str], folder: Path, *, shown: bool = True, otherwise: str = "") -> None:
    """Run a command as a user would.

    Args:
        step: Its words.
        folder: Holds `data` and `runs`, where the command names no others.
        shown: Let it print on stdout.
        otherwise: What to do where the same command is not what the user wants.

    Raises:
        GeomlError: It ended with another exit code than 0, which is this error's; 75 where a signal ended it.
    """
    import os

    own = {**os.environ, "GEOML_DATA": str(folder / "data"), "GEOML_RUNS": str(folder / "runs")}
    command = [sys.executable, "-m", "geoml_cli", *step]
    with forwarding() as (started, _):
        started.append(subprocess.Popen(command, env=own, stdout=None if shown else subprocess.DEVNULL))
        code = started[0].wait()
    if code:
        # A step that had nothing to save yet goes as the signal would have it; the steps before it are done.
        is_stopped = code in (StoppedError.exit_code, _INTERRUPTED, -signal.SIGTERM, -signal.SIGINT, -signal.SIGUSR1)
        advice = f"; {otherwise}" if otherwise else ""
        error = GeomlError(
            f"`geoml {shlex.join(step)}` {'was stopped' if is_stopped else f'ended with {_ended(code)}'}.",
            fix="Run the same command again."
            if is_stopped
            else f"See the message above; when that is mended, run the same command again{advice}.",
        )
        error.exit_code = StoppedError.exit_code if is_stopped else code if code > 0 else 128 - code
        raise error


def _ended(code: int) -> str:
    """Name an exit code, or the signal that ended a process, such as that of a machine that is out of memory."""
    return str(code) if code > 0 else f"signal {-code}"
