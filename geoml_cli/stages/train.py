"""`train`: a prepared data set and settings to a run with trained members."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoml_cli import registry
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import require_space, size_of
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import GeomlError, StoppedError
from geoml_cli.evaluation.calibration import calibrate
from geoml_cli.inference.load import TrainedRun
from geoml_cli.models.spec import Network
from geoml_cli.runs.create import create, new_folder
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.grouping import unlabelled
from geoml_cli.splits.left_to_train import excluded, few
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.training.at_once import groups, not_at_once, refuse_processes_at_once
from geoml_cli.training.fitting import remarks
from geoml_cli.training.launch import side_by_side
from geoml_cli.training.member import MemberTakenError, TrainingContext, train_member, train_seeds
from geoml_cli.training.plan import networks_of, plan_run, resolved
from geoml_cli.training.processes import Accelerated, refuse_cpu_processes
from geoml_cli.training.recorded import unrecorded
from geoml_cli.training.space import training_bytes
from geoml_cli.training.start import described, unknown
from geoml_cli.training.trial import float32_layers
from geoml_cli.work.distinct import distinct
from geoml_cli.work.reporting import NullReporter, Reporter
from geoml_cli.work.signals import StopRequest

_INTERRUPTED = 130
"""Exit code of a process that was stopped before it had anything to save."""


@dataclass(frozen=True)
class RunLocation:
    """Where a run is trained.

    Attributes:
        run: The run's folder; None makes a new one under `root`.
        root: Folder of all runs.
        cpu: Stay on the CPU even where there is a GPU.
        jobs: Processes that train members side by side.
        shared: This is one of them: it trains members that no other is at, and leaves the rest to who started it.
    """

    run: Path | None
    root: Path = Path("runs")
    cpu: bool = False
    jobs: int = 1
    shared: bool = False


def start(settings: Settings, dataset: Dataset, location: RunLocation, only: Sequence[str] | None = None) -> Run:
    """Make a run's folder, or join the one that stands there; errors as for `plan_run`.

    Raises:
        SettingsError: The folder holds a run of other settings.
        DiskError: There is no room for the checkpoints.
    """
    plan = plan_run(settings, dataset, only)
    # What a run that is resumed has written already needs no more room.
    written = size_of(location.run / "members") if location.run is not None else 0
    require_space(location.run or location.root, max(0, training_bytes(settings, plan) - written))
    return create(location.run or new_folder(location.root, settings.model, settings.preset), plan)


def train(
    settings: Settings, dataset: Dataset, location: RunLocation, only: Sequence[str] | None, reporter: Reporter
) -> Run:
    """Train or resume the members of a run.

    Args:
        settings: Merged settings; for a run that exists, its own.
        dataset: The prepared data set.
        location: Where.
        only: Names of the members to train; None trains all that are not finished.
        reporter: Receives progress and messages.

    Raises:
        StoppedError: A signal came; what was trained is saved.
        DataError: The data set is not the one the run was started on.
        SettingsError: There is no such member, or the precision does not work here.
    """
    # Set before CUDA starts: without it cuBLAS may choose other algorithms in the next run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with StopRequest() as stop:
        processes = Accelerated(settings.shared.train, cpu=location.cpu)
        try:
            if location.run is not None and (location.run / "run.json").is_file():
                same_data(Run(location.run), dataset)
            if settings.shared.data.verify and not location.shared:
                check_content(dataset)
            once = NullReporter() if location.shared else reporter
            for text in remarks(settings, dataset.manifest):
                once.warn(text)
            settings = _resolved(settings, dataset, reporter)
            networks = networks_of(settings)
            refuse_cpu_processes(networks, processes)
            refuse_processes_at_once(settings.shared.train, processes.count)
            _tell_ways(settings, processes, once)
            float32 = float32_layers(settings, dataset, processes.device, reporter, processes)
            run = _run(settings, dataset, location, processes, only)
            processes.track(run.folder)
            _tell_excluded(run, settings.shared.split, once)
            if started := described(settings.shared.train, dataset):
                (reporter.warn if unknown(settings.shared.train, dataset) else reporter.info)(started)
            at_once = settings.shared.train.seeds_at_once and not _unstacked(settings, processes)
            if len(together := _groups(run, only, at_once=at_once)) > 1 and location.jobs > 1:
                _train_side_by_side(run, dataset, location, together, reporter)
            work = TrainingContext(
                run, settings, networks, {name: network.samples(dataset) for name, network in networks.items()},
                processes, reporter, float32,
            )  # fmt: skip
            _tell_unlabelled(settings, dataset, work.samples, once)
            _tell_one_outcome(run, networks, work.samples, once)
            for names in _groups(run, only, at_once=at_once):
                _train_group(work, names, stop, at_once=at_once, shared=location.shared)
            del work  # calibration takes the samples anew
        finally:
            processes.close()
    if location.shared:
        return run
    if processes.rank == 0:
        _calibrate(TrainedRun(run, tuple(run.members()), settings), dataset, reporter)
    return run


def _calibrate(trained: TrainedRun, dataset: Dataset, reporter: Reporter) -> None:
    """Calibrate intervals, past the request to stop: a signal ends it, and the next command begins it again.

    Raises:
        StoppedError: A signal came; what was trained is saved.
    """
    try:
        calibrate(trained, dataset, reporter)
    except KeyboardInterrupt:
        raise StoppedError(
            "stopped before intervals and the area of applicability were measured; what was trained is saved.",
            where=str(trained.run.folder),
            fix=f"Go on with `geoml train {trained.run.quoted}`.",
        ) from None


def _train_group(
    work: TrainingContext, names: Sequence[str], stop: StopRequest, *, at_once: bool, shared: bool
) -> None:
    """Train a member or the seeds of a fold; of processes side by side, unless another has them or has trained them.

    Processes ask for the members in the same order, so that the first to come has the whole fold.
    """
    statuses = work.run.record().members
    left = [name for name in names if not shared or statuses[name] != "finished"]
    taken = (MemberTakenError,) if shared else ()
    with suppress(*taken):
        if at_once and left:
            train_seeds(work, left, stop)
        for name in () if at_once else left:
            train_member(work, name, stop)


def _train_side_by_side(
    run: Run, dataset: Dataset, location: RunLocation, together: Sequence[Sequence[str]], reporter: Reporter
) -> None:
    """Train groups of members in several processes, each a command of its own.

    Raises:
        StoppedError: A signal came; what was trained is saved.
        GeomlError: One of them failed, which it has said itself.
    """
    members = [name for names in together for name in names]
    chosen = [part for name in members for part in ("--member", name)]
    again = ["train", run.model, "--run", str(run.folder), "--resume", "--data", str(dataset.folder), "--quiet"]
    with reporter.task("members", len(members)) as advance:
        done: set[str] = set()

        def poll() -> None:
            found = {name for name, status in run.record().members.items() if status == "finished" and name in members}
            advance(len(found - done))
            done.update(found)

        place = ["--cpu"] if location.cpu else []
        code = side_by_side([*again, *chosen, *place], min(location.jobs, len(together)), poll)
    if code in (StoppedError.exit_code, _INTERRUPTED):
        raise StoppedError(f"stopped, saved. Resume with `geoml train {run.quoted}`.")
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}, as it says above"
        fix = f"Resume with `geoml train {run.quoted}`."
        error = GeomlError(f"a process that trains members {how}.", where=str(run.folder), fix=fix)
        error.exit_code = max(code, 1)
        raise error


def _resolved(settings: Settings, dataset: Dataset, reporter: Reporter) -> Settings:
    """Write out what the data set decides, and say so."""
    before, found = settings.flat(), resolved(settings, dataset)
    for key, value in found.flat().items():
        if value != before[key]:
            reporter.info(f"{key} = {before[key]} is {value!r} for these data.")
    return found


def _run(
    settings: Settings, dataset: Dataset, location: RunLocation, processes: Accelerated, only: Sequence[str] | None
) -> Run:
    """Make or join the run; of several processes the first makes it, and tells the others where."""
    folder = str(start(settings, dataset, location, only).folder) if processes.rank == 0 else ""
    return Run(Path(processes.broadcast(folder)))


def _tell_ways(settings: Settings, processes: Accelerated, reporter: Reporter) -> None:
    """Say what the steps are computed by, where a user would wonder."""
    if unfit := unrecorded(settings.shared.train, processes.device, processes.count):
        reporter.warn(unfit)
    if unfit := _unstacked(settings, processes):
        reporter.warn(unfit)
    spec = registry.spec(settings.model)
    if spec.kernels and spec.kernels.compiles(settings.own):
        reporter.info(f"Loops of {settings.model} are compiled for this processor first: some ten seconds, once.")


def _unstacked(settings: Settings, processes: Accelerated) -> str:
    return not_at_once(settings.shared.train, len(settings.shared.split.seeds), processes.device)


def _tell_unlabelled(settings: Settings, dataset: Dataset, samples: Mapping[str, Samples], reporter: Reporter) -> None:
    usable = distinct(*[of_network.usable() for of_network in samples.values()])
    if text := unlabelled(dataset, settings.shared.split, usable, len(next(iter(samples.values())))):
        reporter.warn(text)


def _tell_one_outcome(
    run: Run, networks: Mapping[str, Network], samples: Mapping[str, Samples], reporter: Reporter
) -> None:
    """Warn of a target that is the same everywhere: an RMSE of 0, or a share of 1, is no skill then."""
    signatures = run.data().signatures
    for name, network in networks.items():
        target = samples[name].target
        if target.dims or (rows := target.rows) is None or not len(rows):  # maps are read piece by piece
            continue
        least, largest = np.fmin.reduce(rows), np.fmax.reduce(rows)
        if least == largest:
            is_probability = network.task(signatures[name]).baseline == "probability"
            limit = ", and from which value on it is 1" if is_probability else ""
            reporter.warn(
                f"{target.name} is {least:g} in every sample: there is nothing to learn. Check what the data set was "
                f"made from{limit}."
            )


def _tell_excluded(run: Run, settings: SplitSettings, reporter: Reporter) -> None:
    splits = {name: run.split(name) for name in run.planned()}
    for text in excluded(splits):
        reporter.info(text)
    for text in few(splits, settings):
        reporter.warn(text)


def _chosen(run: Run, only: Sequence[str] | None) -> list[str]:
    record = run.record()
    for name in only or ():
        registry.require_choice(f"member of run {run.id}", name, record.members)
    names = list(only) if only else list(record.members)
    return [name for name in names if record.members[name] != "finished"]


def _groups(run: Run, only: Sequence[str] | None, *, at_once: bool) -> list[list[str]]:
    return groups({name: run.split(name) for name in _chosen(run, only)}, at_once=at_once)
