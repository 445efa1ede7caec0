"""`train`: a prepared data set and settings to a run with trained members."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoml_cli import registry
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import require_space
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.evaluation.calibration import calibrate
from geoml_cli.inference.load import TrainedRun
from geoml_cli.runs.create import create, new_folder
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import Run
from geoml_cli.training.fitting import other_options
from geoml_cli.training.member import TrainingContext, train_member
from geoml_cli.training.plan import networks_of, plan_run
from geoml_cli.training.processes import Accelerated, refuse_cpu_processes
from geoml_cli.training.space import training_bytes
from geoml_cli.training.start import described
from geoml_cli.training.trial import float32_layers
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest


@dataclass(frozen=True)
class RunLocation:
    """Where a run is trained.

    Attributes:
        run: The run's folder; None makes a new one under `root`.
        root: Folder of all runs.
        cpu: Stay on the CPU even where there is a GPU.
    """

    run: Path | None
    root: Path = Path("runs")
    cpu: bool = False


def start(settings: Settings, dataset: Dataset, location: RunLocation, only: Sequence[str] | None = None) -> Run:
    """Make a run's folder, or join the one that stands there; errors as for `plan_run`.

    Raises:
        SettingsError: The folder holds a run of other settings.
        DiskError: There is no room for the checkpoints.
    """
    plan = plan_run(settings, dataset, only)
    require_space(location.run or location.root, training_bytes(settings, plan))
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
            if settings.shared.data.verify:
                check_content(dataset)
            if other := other_options(settings, dataset.manifest):
                reporter.warn(other)
            networks = networks_of(settings)
            refuse_cpu_processes(networks, processes)
            float32 = float32_layers(settings, dataset, processes.device, reporter, processes)
            run = _run(settings, dataset, location, (processes, only))
            processes.track(run.folder)
            samples = {name: network.samples(dataset) for name, network in networks.items()}
            work = TrainingContext(run, settings, networks, samples, processes, reporter, float32)
            _tell_purged(run, reporter)
            if started := described(settings.shared.train):
                reporter.say(started)
            for name in _chosen(run, only):
                train_member(work, name, stop)
        finally:
            processes.close()
    # Past the request to stop: a signal then ends the command, and the next one calibrates.
    if processes.rank == 0:
        calibrate(TrainedRun(run, tuple(run.members()), settings), dataset, reporter)
    return run


def _run(
    settings: Settings, dataset: Dataset, location: RunLocation, among: tuple[Accelerated, Sequence[str] | None]
) -> Run:
    """Make or join the run; of several processes the first makes it, and tells the others where."""
    processes, only = among
    folder = str(start(settings, dataset, location, only).folder) if processes.rank == 0 else ""
    return Run(Path(processes.broadcast(folder)))


def _tell_purged(run: Run, reporter: Reporter) -> None:
    splits = {name: run.split(name) for name in run.planned()}
    overlaps = {name: split.overlaps_excluded for name, split in splits.items()}
    near = {name: split.near_excluded for name, split in splits.items()}
    validated = {name: split.validated_excluded for name, split in splits.items()}
    for lost, reason in (
        (validated, "they would be tested, but are of a group (such as a station) that chose the checkpoint"),
        (overlaps, "their windows share time steps with rows on the other side of the split"),
        (near, "they lie within split.buffer_km of a test row"),
    ):
        if any(lost.values()):
            listed = ", ".join(f"{count} ({name})" for name, count in lost.items())
            reporter.say(f"Excluded, as {reason}: {listed}.")


def _chosen(run: Run, only: Sequence[str] | None) -> list[str]:
    record = run.record()
    for name in only or ():
        registry.known(f"member of run {run.id}", name, record.members)
    names = list(only) if only else list(record.members)
    return [name for name in names if record.members[name] != "finished"]
