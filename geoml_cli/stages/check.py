"""`check`: whether a run and its data are whole, or whether a preset can be trained here, before hours are spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import require_space
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import GeomlError
from geoml_cli.inference.load import TrainedRun, settings_of
from geoml_cli.layers.devices import best_device
from geoml_cli.models.spec import Network
from geoml_cli.runs import checkpoint
from geoml_cli.runs.applicability import read_applicability
from geoml_cli.runs.calibration import calibrate_again, is_left, read_calibrations
from geoml_cli.runs.create import Plan
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import CheckpointFiles, Run
from geoml_cli.samples.batches import gathered
from geoml_cli.samples.samples import Samples, signature
from geoml_cli.training.fitting import remarks, require_fitting
from geoml_cli.training.plan import networks_of, plan_run, usable_rows
from geoml_cli.training.space import training_bytes
from geoml_cli.training.trial import float32_layers
from geoml_cli.work.reporting import Reporter

_TRIED_ROWS = 2


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: What.
        holds: Whether it is as it must be.
        detail: What was found, or what is wrong and what to do.
    """

    name: str
    holds: bool
    detail: str


def check_run(run: Run, open_dataset: Callable[[], Dataset]) -> list[Check]:
    """Read a run whole: records, members, checkpoints by their checksums, networks, and its data set.

    Args:
        run: The run.
        open_dataset: Opens its data set; a DataError is one of the checks.
    """
    found = [_tried("settings", lambda: _settings(run)), _tried("data record", lambda: _signatures(run))]
    for member, status in run.record().members.items():
        if status != "waiting":
            found += [_tried(f"{member}: {name}", check) for name, check in _of_member(run, member)]
    found.append(_tried("calibration of intervals", lambda: _calibration(run)))
    return [*found, _tried("data set", lambda: _own_data(run, open_dataset()))]


def _calibration(run: Run) -> str:
    found, area = read_calibrations(run), read_applicability(run)
    rows = ", ".join(f"{one.rows} held-out rows of {one.groups} groups" for one in found.values())
    if settings_of(run).shared.train.calibrate and is_left(run):
        return f"none, as training was stopped before, or their file is lost: {calibrate_again(run)}"
    return f"{rows or 'none'}; area of applicability: {len(area.reference_RF) if area else 'no'} rows"


def _settings(run: Run) -> str:
    return f"preset {settings_of(run).preset}"


def _signatures(run: Run) -> str:
    return f"inputs {', '.join(name for one in run.data().signatures.values() for name in one.inputs)}"


def _of_member(run: Run, member: str) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "split", lambda: f"{len(run.split(member).train)} training rows"
    yield "scaling", lambda: f"{len(run.scaling(member).inputs)} inputs"
    yield "history", lambda: _history(run, member)
    for folder in sorted((run.member(member).folder / "checkpoints").glob("[!.]*")):
        yield f"checkpoint {folder.name}", lambda folder=folder: _checkpoint(run, folder)  # type: ignore[misc]
    if run.record().members[member] == "finished":
        yield "network", lambda: _network(run, member)


def _history(run: Run, member: str) -> str:
    entries, files = run.history(member), run.member(member)
    if not entries and files.checkpoint("best").step():
        raise GeomlError(
            "has no whole line, though the member is trained.",
            where=str(files.history),
            fix="Restore it from a copy; the weights are not touched.",
        )
    return f"{len(entries)} validations"


def _checkpoint(run: Run, folder: Path) -> str:
    snapshot = checkpoint.read(CheckpointFiles(folder))
    return f"{sum(tensor.numel() for tensor in snapshot.weights.values())} numbers, checksums agree"


def _network(run: Run, member: str) -> str:
    network = TrainedRun(run, (member,), settings_of(run)).load_network(member)
    wrong = [name for name, values in network.state_dict().items() if not torch.isfinite(values).all()]
    if wrong:
        raise GeomlError(f"{wrong[0]} holds numbers that are not finite.", fix="Train the member again.")
    return "weights fit and are finite"


def _own_data(run: Run, dataset: Dataset) -> str:
    same_data(run, dataset)
    check_content(dataset)
    return f"{dataset.folder}, checksum agrees"


def check_preset(
    settings: Settings, dataset: Dataset, root: Path, *, gpus: int | None, reporter: Reporter
) -> list[Check]:
    """Resolve what a preset needs: data, splits, networks, precision, device, disk.

    Args:
        settings: Merged settings.
        dataset: The data set it would be trained on.
        root: Folder of runs.
        gpus: GPUs that are asked for; None for none in particular.
        reporter: Receives what the trial of the precision says.
    """
    found = [_tried("data set", lambda: _whole(dataset)), _tried("device", lambda: _device(gpus))]
    fits = _tried("preset fits the data", lambda: _fits(settings, dataset, reporter))
    if not fits.holds:
        return [*found, fits]
    networks = networks_of(settings)
    for name, network in networks.items():
        label = f"network {name}".strip()
        found.append(_tried(f"{label}: one step", lambda network=network: _one_step(network, dataset)))  # type: ignore[misc]
    plans: list[Plan] = []
    found.append(_tried("splits and scaling", lambda: _plan(settings, dataset, plans)))
    found.append(_tried("precision", lambda: _precision(settings, dataset, reporter)))
    # How many checkpoints there will be is known of a plan alone.
    return [*found, *(_tried("disk space", lambda plan=plan: _space(settings, plan, root)) for plan in plans)]  # type: ignore[misc]


def _whole(dataset: Dataset) -> str:
    check_content(dataset)
    return f"{dataset.manifest.funnel.kept} samples of {dataset.manifest.source}, checksum agrees"


def _fits(settings: Settings, dataset: Dataset, reporter: Reporter) -> str:
    require_fitting(settings, dataset)
    found = remarks(settings, dataset.manifest)
    for text in found:
        reporter.warn(text)
    return "; but ".join([f"preset {settings.preset}, source {settings.shared.source}", *found])


def _device(gpus: int | None) -> str:
    from geoml_cli.training.launch import check_gpus

    if gpus:
        check_gpus(gpus)
    return str(best_device())


def _one_step(network: Network, dataset: Dataset) -> str:
    samples: Samples = network.samples(dataset)
    rows = usable_rows(samples, dataset)[: max(_TRIED_ROWS, network.smallest_batch)]
    module = network.build(signature(samples))
    inputs = gathered(samples, rows, torch.device("cpu"))
    output = network.predict(module, dict(zip(samples.inputs, inputs, strict=True)))
    torch.autograd.backward(output.float().sum())
    return f"{sum(weights.numel() for weights in module.parameters())} parameters, output {list(output.shape)}"


def _plan(settings: Settings, dataset: Dataset, plans: list[Plan]) -> str:
    plans.append(plan_run(settings, dataset))
    members = plans[0].members
    sizes = [len(split.train) for split, _ in members.values()]
    return f"{len(members)} members, {min(sizes)} to {max(sizes)} training rows"


def _precision(settings: Settings, dataset: Dataset, reporter: Reporter) -> str:
    float32_layers(settings, dataset, best_device(), reporter)
    return settings.shared.train.precision


def _space(settings: Settings, plan: Plan, root: Path) -> str:
    needed = training_bytes(settings, plan)
    require_space(root, needed)
    return f"about {needed / 2**20:.0f} MiB of checkpoints"


def _tried(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except GeomlError as error:
        return Check(name, False, str(error))
