"""`train`: a prepared data set and settings to a run with trained members."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geoml_cli import registry
from geoml_cli.config.load import written
from geoml_cli.config.settings import Settings
from geoml_cli.dataset import scaling
from geoml_cli.dataset.batches import gathered
from geoml_cli.dataset.samples import Samples, signature
from geoml_cli.dataset.settings import TargetSettings
from geoml_cli.dataset.splits import WHOLE, Rows, Split, for_part, purged, splits
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.models.spec import Spec
from geoml_cli.reporting import Reporter
from geoml_cli.runs.create import Plan, create, new_folder
from geoml_cli.runs.run import DataRecord, Run
from geoml_cli.training.member import Workshop, settled, train_member
from geoml_cli.training.precision import Trial, check_device, random_states_kept, try_network
from geoml_cli.training.processes import Accelerated
from geoml_cli.training.signals import StopRequest

_TRIED_ROWS = 4
"""Samples a precision is tried on: two or more, for layers that need a standard deviation."""


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
    shared, parts = settings.shared, samples_by_part(settings, dataset)
    divided = _divided(settings, dataset, parts)
    for name in only or ():
        registry.known("member", name, divided)
    members: dict[str, tuple[Split, scaling.Scaling]] = {}
    fitted: dict[tuple[str, bytes], scaling.Scaling] = {}
    for name, split in divided.items():
        rows, samples = (split.part, split.train.tobytes()), parts[split.part]
        fitted[rows] = fitted.get(rows) or scaling.fit(
            samples, split.train, shared.inputs, target_of(settings, split.part)
        )
        members[name] = (split, fitted[rows])
    data = DataRecord(
        source=shared.source,
        digest=dataset.manifest.digest(),
        folder=str(dataset.folder.resolve()),
        signatures={part: signature(samples) for part, samples in parts.items()},
    )
    return Plan(
        settings.model, settings.preset, written(settings), settings.traced(), data, members, kernels=_kernels(settings)
    )


def samples_by_part(settings: Settings, dataset: Dataset) -> dict[str, Samples]:
    """Cut what each part of the model sees out of a data set."""
    spec: Spec[Any] = registry.spec(settings.model)
    return {part: spec.part(tables).samples(tables, dataset) for part, tables in spec.parts(settings.own).items()}


def _divided(settings: Settings, dataset: Dataset, parts: Mapping[str, Samples]) -> dict[str, Split]:
    """Divide the rows once for all parts, so that rows no part has seen test the whole of them."""
    usable = {part: _usable(samples, dataset) for part, samples in parts.items()}
    together = np.unique(np.concatenate(list(usable.values())))
    shared, first = settings.shared.split, next(iter(parts.values()))
    members: dict[str, Split] = {}
    for name, split in splits(dataset, shared, together, len(first)).items():
        kept = purged(split, first.reach) if shared.purge else split
        for part in parts:
            members[member_name(part, name)] = for_part(kept, part, usable[part]) if part else kept
    return members


def target_of(settings: Settings, part: str) -> TargetSettings:
    """Return the `[target]` of a part; presence and classes are neither transformed nor scaled."""
    spec: Spec[Any] = registry.spec(settings.model)
    measured = spec.part(spec.parts(settings.own)[part]).judged == "values"
    return settings.shared.target if measured else TargetSettings()


def member_name(part: str, division: str) -> str:
    """Name a member: `fold-1`, `classifier-fold-1`, or `classifier` where rows are divided once."""
    return "-".join(word for word in (part, division) if word) if not part or division != WHOLE else part


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
        SettingsError: There is no such member, or the precision does not work here.
    """
    # Set before CUDA starts: without it cuBLAS may choose other algorithms in the next run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with StopRequest() as stop:
        processes = Accelerated(settings.shared.train, cpu=place.cpu)
        try:
            if place.run is not None and (place.run / "run.json").is_file():
                same_data(Run(place.run), dataset)
            float32 = float32_layers(settings, dataset, processes.device, reporter, processes)
            run = _run(settings, dataset, place, (processes, only))
            processes.track(run.folder)
            spec: Spec[Any] = registry.spec(settings.model)
            work = Workshop(run, settings, spec, samples_by_part(settings, dataset), processes, reporter, float32)
            _tell_purged(run, reporter)
            for name in _chosen(run, only):
                train_member(work, name, stop)
            return run
        finally:
            processes.close()


def float32_layers(
    settings: Settings,
    dataset: Dataset,
    device: torch.device,
    reporter: Reporter,
    processes: Accelerated | None = None,
) -> tuple[str, ...]:
    """Try the precision before a run is made; say which types of layers have to run in float32, and return them.

    Raises:
        SettingsError: The precision does not work on the device.
    """
    precision, ranks = settings.shared.train.precision, processes.count if processes else 1
    trial = _trial(settings, dataset, device)
    if processes and ranks > 1:
        trial = trial.agreed(processes)
    trial.check(precision, device)
    if message := trial.message(precision, device):
        # A command that starts processes leaves the GPUs to them, and starts them quiet: only a warning is shown.
        (reporter.warn if ranks > 1 and device.type != "cpu" else reporter.say)(message)
    return trial.float32


def _trial(settings: Settings, dataset: Dataset, device: torch.device) -> Trial:
    """Run every part's network once; for fp32 nothing is run or drawn."""
    spec: Spec[Any] = registry.spec(settings.model)
    precision, trial = settings.shared.train.precision, Trial()
    if precision == "fp32":
        return trial
    check_device(precision, cpu=device.type == "cpu")
    with settled(settings), random_states_kept():
        for part, samples in samples_by_part(settings, dataset).items():
            tables = spec.parts(settings.own)[part]
            inputs = gathered(samples, _usable(samples, dataset)[:_TRIED_ROWS], device)
            network = spec.part(tables).build(tables, signature(samples)).to(device)
            forward = partial(spec.part(tables).predict, network, dict(zip(samples.inputs, inputs, strict=True)))
            trial = trial.joined(try_network(network, forward, precision))
    return trial


def _run(settings: Settings, dataset: Dataset, place: Place, among: tuple[Accelerated, Sequence[str] | None]) -> Run:
    """Make or join the run; of several processes the first makes it, and tells the others where."""
    processes, only = among
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


def _tell_purged(run: Run, reporter: Reporter) -> None:
    lost = {name: run.split(name).purged for name in run.planned()}
    if any(lost.values()):
        told = ", ".join(f"{count} ({name})" for name, count in lost.items())
        reporter.say(f"Left out, as their windows share hours with rows on the other side of the split: {told}.")


def _chosen(run: Run, only: Sequence[str] | None) -> list[str]:
    record = run.record()
    for name in only or ():
        registry.known(f"member of run {run.id}", name, record.members)
    names = list(only) if only else list(record.members)
    return [name for name in names if record.members[name] != "finished"]


def _kernels(settings: Settings) -> str | None:
    """Name what computes the model's own loops here."""
    spec: Spec[Any] = registry.spec(settings.model)
    return spec.kernels.chosen(settings.own) if spec.kernels else None
