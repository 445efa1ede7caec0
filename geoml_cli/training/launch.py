"""Starting several processes of the same command, and ending with them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from geoml_cli.errors import SettingsError

_FORWARDED = ("SIGTERM", "SIGINT", "SIGUSR1")
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 20.0
"""Time siblings get to fail by themselves after one has, before they are ended."""


def joined() -> bool:
    """Return whether someone else (torchrun, srun, this module) started this process as one of several."""
    return "RANK" in os.environ


def launch(arguments: list[str], processes: int, *, cpu: bool) -> int:
    """Run `geoml ARGUMENTS` in several processes; return the exit code they agree on.

    Args:
        arguments: Of the command line.
        processes: How many.
        cpu: On the CPU, sharing its cores, or one GPU each.
    """
    threads = str(max((os.cpu_count() or 1) // processes, 1))
    shared = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    shared |= {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads),
        "ACCELERATE_USE_CPU": str(cpu).lower(),
    }
    started: list[subprocess.Popen[bytes]] = []
    handlers = {name: signal.signal(getattr(signal, name), _forwarder(started)) for name in _FORWARDED}
    try:
        for rank in range(processes):
            own = {**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            own |= {"LOCAL_WORLD_SIZE": str(processes)}
            started.append(subprocess.Popen([sys.executable, "-m", "geoml_cli", *arguments], env=own))
        return _outcome(started)
    finally:
        for process in started:
            process.kill()
        for name, handler in handlers.items():
            signal.signal(getattr(signal, name), handler)


def _outcome(started: list[subprocess.Popen[bytes]]) -> int:
    """Wait for all; when one fails, give the others a while to notice, then end them."""
    failed_at: float | None = None
    while any(process.poll() is None for process in started):
        if failed_at is None and any(process.poll() not in (None, 0) for process in started):
            failed_at = time.monotonic()
        if failed_at is not None and time.monotonic() - failed_at > _GRACE_SECONDS:
            break
        time.sleep(_POLL_SECONDS)
    codes = [process.poll() for process in started]
    # The first process's word counts; it alone writes. A sibling's failure counts where the first did not finish.
    first = codes[0] if codes[0] not in (None, 0) else next((code for code in codes if code), 0)
    return 1 if first is None or first < 0 else first


def _forwarder(started: list[subprocess.Popen[bytes]]) -> signal._HANDLER:
    def forward(number: int, frame: FrameType | None) -> None:
        for process in started:
            if process.poll() is None:
                process.send_signal(number)

    return forward


def check_gpus(wanted: int) -> None:
    """Refuse more GPUs than there are.

    Raises:
        SettingsError: There are fewer.
    """
    import torch

    found = torch.cuda.device_count()
    if found < wanted:
        raise SettingsError(
            f"{wanted} GPUs are asked for, {found} found.",
            where="--gpus",
            fix="Use fewer, or --processes N on the CPU. `geoml doctor` shows the devices.",
        )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
