"""Starting several processes of the same command, and ending with them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from geoml_cli.errors import SettingsError, StoppedError
from geoml_cli.work.processors import cores

_FORWARDED = ("SIGTERM", "SIGINT", "SIGUSR1")
_POLL_SECONDS, _WATCH_SECONDS = 0.05, 1.0
_SHARES = "GEOML_SHARES_MEMBERS"
"""Set in processes that train members of one run side by side: each takes what no other is at."""
_PARENT = "GEOML_PARENT"
"""Set in processes that this module starts: the process without which they are to end."""
_GRACE_SECONDS = 20.0
"""Time siblings get to fail by themselves after one has, before they are ended."""


def joined() -> bool:
    """Return whether someone else (torchrun, srun, this module) started this process as one of several."""
    return "RANK" in os.environ


def shares_members() -> bool:
    """Return whether this process is one of those that `side_by_side` started."""
    return _SHARES in os.environ


def end_with_parent() -> None:
    """Where this module started this process: save and end once the process that did is gone, as one killed is."""
    parent = os.environ.get(_PARENT, "")
    if not parent.isdecimal():
        return

    def watch() -> None:
        # A process that is killed tells nobody; its children get another parent, which is the sign to wait for.
        while os.getppid() == int(parent):
            time.sleep(_WATCH_SECONDS)
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def jobs_here(threads: int | None) -> int:
    """Return how many members can be trained side by side on the CPU: as many as there are cores for.

    Args:
        threads: Of `[train]`; None is torch's choice, all cores, which one member then has.
    """
    return 1 if threads is None else max(cores() // threads, 1)


def side_by_side(arguments: list[str], jobs: int, poll: Callable[[], None]) -> int:
    """Run `geoml ARGUMENTS` in several processes, each of which trains members that no other is at.

    When one fails, the others are asked to save what they are at.

    Args:
        arguments: Of the command line.
        jobs: How many processes.
        poll: Called now and then until they end.

    Returns:
        0 where all ended with 0; else the exit code of the first that failed, negative for the signal that ended it,
        but that of a stop where a signal was passed on: one that has only started ends by it.
    """
    own = {**os.environ, _SHARES: "1", _PARENT: str(os.getpid())}
    # Without it each would start as many threads as there are cores.
    own.setdefault("OMP_NUM_THREADS", str(max(cores() // jobs, 1)))
    first = 0
    with forwarding() as (started, passed):
        for _ in range(jobs):
            # What they print of the run would stand between lines of this process's own result.
            command = [sys.executable, "-m", "geoml_cli", *arguments]
            started.append(subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL))
        while any(process.poll() is None for process in started):
            if not first and (first := _failure(started)):
                _ask_to_end(started)
            poll()
            time.sleep(_POLL_SECONDS)
        first = first or _failure(started)
        return StoppedError.exit_code if passed and first < 0 else first


def _failure(started: list[subprocess.Popen[bytes]]) -> int:
    """Return the exit code of a process that failed; 0 where none did."""
    return next((process.returncode for process in started if process.poll()), 0)


def _ask_to_end(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.terminate()


def launch(arguments: list[str], processes: int, *, cpu: bool) -> int:
    """Run `geoml ARGUMENTS` in several processes; return the exit code they agree on.

    Args:
        arguments: Of the command line.
        processes: How many.
        cpu: On the CPU, sharing its cores, or one GPU each.
    """
    threads = str(max(cores() // processes, 1))
    # In addition to the parent's, what torchrun sets: by these accelerate and PyTorch find the other processes.
    shared = {
        _PARENT: str(os.getpid()),
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
    }
    shared |= {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads),
        "ACCELERATE_USE_CPU": str(cpu).lower(),
    }
    with forwarding() as (started, passed):
        for rank in range(processes):
            own = {**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            own |= {"LOCAL_WORLD_SIZE": str(processes)}
            started.append(subprocess.Popen([sys.executable, "-m", "geoml_cli", *arguments], env=own))
        code = _outcome(started)
        # A process that has only started ends by the signal that it is passed.
        return code if code >= 0 else StoppedError.exit_code if passed else 1


@contextmanager
def forwarding() -> Iterator[tuple[list[subprocess.Popen[bytes]], list[int]]]:
    """Give a list of processes, to which signals are passed on and which end with this block, and one of signals."""
    started: list[subprocess.Popen[bytes]] = []
    passed: list[int] = []
    handlers = {name: signal.signal(getattr(signal, name), _forwarder(started, passed)) for name in _FORWARDED}
    try:
        yield started, passed
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
    return 1 if first is None else first


def _forwarder(started: list[subprocess.Popen[bytes]], passed: list[int]) -> signal._HANDLER:
    def forward(number: int, frame: FrameType | None) -> None:
        passed.append(number)
        # Ctrl-C reaches the whole group: passed on as it is, it would be a second one, which ends a process at once.
        number = signal.SIGTERM if number == signal.SIGINT else number
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
    # Free again before rank 0 takes it: should another program be quicker, the start fails.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
