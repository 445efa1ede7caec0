"""`train`: a prepared data set and settings to a run with trained members."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoml_cli import registry
from geoml_cli.config.load import written
from geoml_cli.config.settings import Settings
from geoml_cli.dataset import scaling
from geoml_cli.dataset.samples import Samples, signature
from geoml_cli.dataset.splits import Rows, Split, splits
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.models.spec import Spec
from geoml_cli.reporting import Reporter
from geoml_cli.runs.create import Plan, create, new_folder
from geoml_cli.runs.run import DataRecord, Run
from geoml_cli.training.member import Workshop, train_member
from geoml_cli.training.processes import Accelerated
from geoml_cli.training.signals import StopRequest


@dataclass(frozen=True)
class Place:
    """Where a training happens.

    Attributes:
        run: The run's folder; None makes a new one under `root`.
        root: Folder of all runs.
        cpu: Stay on the CPU even where there is a GPU.
    """

    run: Path | None
    root: Path = Path("runs")
    cpu: bool = False


def planned(settings: Settings, dataset: Dataset, only: Sequence[str] | None = None) -> Plan:
    """Divide the rows and fit the scaling of every member; nothing is written.

    Raises:
        DataError: The data set has no target values, or cannot be divided so.
        SettingsError: There is no such member as one of `only`.
    """
    shared = settings.shared
    samples = registry.spec(settings.model).samples(settings.own, dataset)
    divided = splits(dataset, shared.split, _usable(samples, dataset), len(samples))
    for name in only or ():
        registry.known("member", name, divided)
    members: dict[str, tuple[Split, scaling.Scaling]] = {}
    fitted: dict[bytes, scaling.Scaling] = {}
    for name, split in divided.items():
        rows = split.train.tobytes()
        fitted[rows] = fitted.get(rows) or scaling.fit(samples, split.train, shared.inputs, shared.target)
        members[name] = (split, fitted[rows])
    data = DataRecord(
        source=shared.source,
        digest=dataset.manifest.digest(),
        folder=str(dataset.folder.resolve()),
        signature=signature(samples),
    )
    return Plan(settings.model, settings.preset, written(settings), _origins(settings), data, members)


def start(settings: Settings, dataset: Dataset, place: Place, only: Sequence[str] | None = None) -> Run:
    """Make a run's folder, or join the one that stands there; errors as for `planned`.

    Raises:
        SettingsError: The folder holds a run of other settings.
    """
    plan = planned(settings, dataset, only)
    return create(place.run or new_folder(place.root, settings.model, settings.preset), plan)


def train(settings: Settings, dataset: Dataset, place: Place, only: Sequence[str] | None, reporter: Reporter) -> Run:
    """Train the members of a run, or go on with them.

    Args:
        settings: Merged settings; for a run that stands already, its own.
        dataset: The prepared data set.
        place: Where.
        only: Names of the members to train; None trains all that are not finished.
        reporter: Hears of progress.

    Raises:
        StoppedError: A signal came; what was trained is saved.
        DataError: The data set is not the one the run was started on.
        SettingsError: There is no such member.
    """
    # Set before CUDA starts: without it cuBLAS may choose other algorithms in the next run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with StopRequest() as stop:
        processes = Accelerated(settings.shared.train, cpu=place.cpu)
        try:
            run = _run(settings, dataset, place, (processes, only))
            processes.track(run.folder)
            spec: Spec[object] = registry.spec(settings.model)  # type: ignore[type-var]
            samples = spec.samples(settings.own, dataset)
            work = Workshop(run, settings, spec, samples, processes, reporter)
            for name in _chosen(run, only):
                train_member(work, name, stop)
            return run
        finally:
            processes.close()


def _run(settings: Settings, dataset: Dataset, place: Place, among: tuple[Accelerated, Sequence[str] | None]) -> Run:
    """Make or join the run; of several processes the first makes it, and tells the others where."""
    processes, only = among
    if place.run is not None and (place.run / "run.json").is_file():
        same_data(Run(place.run), dataset)
    folder = str(start(settings, dataset, place, only).folder) if processes.rank == 0 else ""
    return Run(Path(processes.same(folder)))


def same_data(run: Run, dataset: Dataset) -> None:
    """Refuse a data set that is not the one a run was trained on.

    Raises:
        DataError: Their digests differ.
    """
    expected = run.data().digest
    found = dataset.manifest.digest()
    if expected is not None and expected != found:
        raise DataError(
            f"holds other data ({found[:12]}) than run {run.id} was trained on ({expected[:12]}).",
            where=str(dataset.folder),
            fix="Name that data set with --data, or train a new run.",
        )


def _usable(samples: Samples, dataset: Dataset) -> Rows:
    usable = samples.usable()
    if not len(usable):
        raise DataError(
            f"no sample has an observed value of {samples.target_name}.",
            where=str(dataset.folder),
            fix=f"Prepare again with the file that holds them: `geoml prepare {dataset.manifest.source} RAW --help`.",
        )
    return usable


def _chosen(run: Run, only: Sequence[str] | None) -> list[str]:
    record = run.record()
    for name in only or ():
        registry.known(f"member of run {run.id}", name, record.members)
    names = list(only) if only else list(record.members)
    return [name for name in names if record.members[name] != "finished"]


def _origins(settings: Settings) -> dict[str, dict[str, object]]:
    return {
        key: {"value": value, "from": settings.origins.get(key, "default")} for key, value in settings.flat().items()
    }
