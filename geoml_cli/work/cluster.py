"""Pieces of work on workers of Dask: on this machine, or on those of a scheduler that is already there."""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from geoml_cli.errors import DataError, SettingsError, StoppedError
from geoml_cli.version import __version__
from geoml_cli.work.pieces import Part
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest

if TYPE_CHECKING:
    from distributed import Client, Future, Worker

T = TypeVar("T")
R = TypeVar("R")
_OPTION = "--scheduler"
_LOCAL = re.compile(r"local(?::([1-9]\d{0,3}))?")
_IN_FLIGHT = 2
"""Pieces that are sent for each thread of the workers."""
PARTS_EACH, _MOST_PARTS = 32, 1000
"""Parts for each thread of the workers, and in all: a part of several pieces spares what Dask does for each."""
_CONNECT, _LOOK = 20.0, 0.5
"""How long a scheduler is tried, and how often signals and workers are looked at [s]."""
_GIB = 2**30


def check_scheduler(text: str) -> None:
    """Refuse what names no scheduler.

    Raises:
        SettingsError: It is neither an address, nor a file that is there, nor `local` or `local:N`.
    """
    if text.endswith(".json") and not Path(text).is_file():
        raise SettingsError("there is no such file.", where=f"{_OPTION} {text}", fix="Start the scheduler first.")
    is_known = _LOCAL.fullmatch(text) or re.fullmatch(r"(tcp|tls|ucx)://\S+:\d+", text) or text.endswith(".json")
    if not is_known:
        raise SettingsError(
            f"{text!r} names no scheduler.",
            where=_OPTION,
            fix="Use local, local:N, tcp://HOST:PORT or the scheduler's file FILE.json.",
        )


@dataclass(frozen=True)
class Share(Generic[T]):
    """A part of an order, which a worker makes.

    Attributes:
        command: Which command sent it: another one opens files anew, which may have changed.
        order: What is made, in words that go to another process.
        part: Of it.
    """

    command: str
    order: T
    part: Part


class OpenedOnce(Generic[T, R]):
    """What a worker opens for an order and uses for all its parts, one part at a time.

    Libraries of files do not bear several threads.

    Args:
        open_order: Opens what pieces of an order are made with.
    """

    def __init__(self, open_order: Callable[[T], R]) -> None:
        self._open, self._lock = open_order, threading.Lock()
        self._current: tuple[tuple[str, T], R] | None = None

    @contextmanager
    def for_share(self, share: Share[T]) -> Iterator[R]:
        """Give what the order's parts are made with, to this thread alone."""
        sent = (share.command, share.order)
        with self._lock:
            if self._current is None or self._current[0] != sent:
                self._current = None  # the last order's goes before this one's comes
                self._current = (sent, self._open(share.order))
            yield self._current[1]


class Cluster:
    """Workers that run functions of this package.

    Args:
        client: Of their scheduler.
        reporter: Receives messages about workers.
        stop: Ends the work between pieces.
    """

    def __init__(self, client: Client, reporter: Reporter, stop: StopRequest) -> None:
        self._client, self._reporter, self._stop = client, reporter, stop
        self._command = uuid.uuid4().hex
        self._wait_for_workers()
        self._check_versions()
        workers = self._workers()
        self.threads: int = sum(one["nthreads"] for one in workers)
        has_gpus = all("GPU" in one.get("resources", {}) for one in workers)
        self._resources = {"GPU": 1} if has_gpus else None
        least = min(one["memory_limit"] for one in workers)
        memory = f", at least {least / _GIB:.1f} GiB of memory each" if least else ""
        gpus = ", a GPU for each piece" if has_gpus else ""
        reporter.info(f"Workers: {len(workers)} with {self.threads} threads{memory}{gpus}.")

    def shares(self, order: T, total: int | None, each: int = PARTS_EACH) -> Iterator[Share[T]]:
        """Cut an order into parts for the workers, of several pieces where there are many of these.

        Args:
            order: Small: it goes through the scheduler.
            total: Pieces of the work; None where their number is not known.
            each: Parts for each thread of the workers.
        """
        count = min(each * self.threads, _MOST_PARTS, _MOST_PARTS if total is None else total)
        return (Share(self._command, order, Part(number, count)) for number in range(1, count + 1))

    def map(self, function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
        """Run a function over pieces, a bounded number at a time; return results as they come.

        Args:
            function: Of a module that workers can import; an error of it ends the work.
            pieces: Small: they go through the scheduler.

        Raises:
            StoppedError: A signal came; no further piece begins.
            DataError: Workers died of a piece, again and again.
        """
        from distributed import wait

        left = iter(pieces)
        flying: set[Future] = set()
        try:
            while True:
                room = _IN_FLIGHT * self.threads - len(flying)
                flying |= {self._submit(function, piece) for piece in islice(left, room)}
                if not flying:
                    return
                self._stop_if_asked()
                try:
                    done, _ = wait(flying, timeout=_LOOK, return_when="FIRST_COMPLETED")
                except TimeoutError:
                    continue
                flying -= done
                yield from (_result(future) for future in done)
        finally:
            self._client.cancel(list(flying))

    def _submit(self, function: Callable[[T], R], piece: T) -> Future:
        return self._client.submit(function, piece, pure=False, resources=self._resources)

    def _workers(self) -> list[dict[str, Any]]:
        return list(self._client.scheduler_info(n_workers=-1)["workers"].values())

    def _wait_for_workers(self) -> None:
        if not self._workers():
            self._reporter.info("The scheduler has no worker yet; waiting for the first one.")
        while not self._workers():
            self._stop_if_asked()
            try:
                self._client.wait_for_workers(1, timeout=_LOOK)
            except TimeoutError:
                continue

    def _check_versions(self) -> None:
        """Refuse workers with another geoml, or none."""
        try:
            found = set(self._client.run(_version).values())
        except ImportError as error:
            raise SettingsError(
                "a worker cannot import geoml_cli.", where=_OPTION, fix="Start workers in geoml's environment."
            ) from error
        if found != {__version__}:
            others = ", ".join(sorted(found - {__version__}))
            raise SettingsError(
                f"a worker has geoml {others}, this command {__version__}.",
                where=_OPTION,
                fix="Start workers in this environment.",
            )

    def _stop_if_asked(self) -> None:
        if self._stop.received:
            raise StoppedError(
                f"stopped by {self._stop.received}, what is finished is kept.",
                fix="Workers end the pieces that they are at. The same command resumes.",
            )


@contextmanager
def cluster(scheduler: str, reporter: Reporter) -> Iterator[Cluster]:
    """Connect to a scheduler, or start workers on this machine for as long as it is needed.

    Args:
        scheduler: `local` or `local:N` for N processes here, an address, or the scheduler's file.
        reporter: Receives messages about workers.

    Raises:
        SettingsError: Dask is missing, no scheduler answers, or a worker has another geoml.
        StoppedError: A signal came while waiting for workers.
    """
    check_scheduler(scheduler)
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise SettingsError(
            "needs dask.distributed.", where=_OPTION, fix="Install it with `pip install 'geoml[dask]'`."
        ) from error
    with StopRequest() as stop:
        if local := _LOCAL.fullmatch(scheduler):
            count = int(local[1]) if local[1] else None
            quiet = logging.DEBUG if os.environ.get("GEOML_DEBUG") else logging.CRITICAL
            here = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0", silence_logs=quiet)
            with here as workers, Client(workers) as client:
                client.register_plugin(_of_this_process(_gpus()))
                yield Cluster(client, reporter, stop)
            return
        with _connected(Client, scheduler) as client:
            yield Cluster(client, reporter, stop)


def _connected(client: type[Client], scheduler: str) -> Client:
    given = {"scheduler_file": scheduler} if scheduler.endswith(".json") else {"address": scheduler}
    try:
        return client(**given, timeout=_CONNECT)
    except (OSError, ValueError, TimeoutError) as error:
        raise SettingsError(
            f"no scheduler answers at {scheduler}.", where=_OPTION, fix="See that it runs and can be reached from here."
        ) from error


def _gpus() -> list[str]:
    """Name the GPUs that this process may use, as CUDA_VISIBLE_DEVICES does; none are touched."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return [name.strip() for name in named.split(",")][:count] if named else [str(k) for k in range(count)]


def _of_this_process(gpus: Sequence[str]) -> Any:  # noqa: ANN401  distributed.WorkerPlugin
    """Return what lets workers leave signals to this process, for Ctrl-C goes to all processes of a terminal.

    Each also gets one of the GPUs, in turn, or all would work on the first.
    """
    from distributed import WorkerPlugin

    class OfThisProcess(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Worker) -> None:
            if gpus:
                os.environ["CUDA_VISIBLE_DEVICES"] = gpus[int(worker.name) % len(gpus)]
            for name in ("SIGINT", "SIGUSR1"):
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), signal.SIG_IGN)

    return OfThisProcess()


def _version() -> str:
    return __version__


def _result(future: Future) -> Any:  # noqa: ANN401  what the function returns
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise DataError(
            "several workers died of the same piece, most likely for want of memory.",
            where=_OPTION,
            fix="Give them more memory, or make pieces of a prediction smaller with --set predict.block=N or "
            "predict.rows=N.",
        ) from error
