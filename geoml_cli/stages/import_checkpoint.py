"""`import`: a paper's released checkpoint to a run like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli import registry
from geoml_cli.config.load import display_path, load, validated, written
from geoml_cli.config.overrides import Setting, from_arguments, from_file, merged
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import write_text
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, GeomlError, SettingsError
from geoml_cli.inference.shapes import check_names
from geoml_cli.models.spec import Network, PretrainedWeights
from geoml_cli.runs import checkpoint
from geoml_cli.runs.checkpoint import Snapshot
from geoml_cli.runs.create import ANOTHER_FOLDER, Plan, RunFolder, create, new_folder
from geoml_cli.runs.data_record import DataRecord
from geoml_cli.runs.run import Run
from geoml_cli.runs.state_dict import state_dict
from geoml_cli.samples.samples import Samples, Signature, signature
from geoml_cli.samples.scaling import Scaling, fit, unscaled
from geoml_cli.splits.split import Split
from geoml_cli.training.plan import networks_of, target_settings
from geoml_cli.work.reasons import reason

MEMBER = "released"
_ARRAY = ".npy"
Files = Path | Sequence[Path] | Mapping[str, Path]
"""A checkpoint, a checkpoint with arrays of statistics next to it, or a checkpoint for each network."""


def import_checkpoint(
    model: str,
    preset: str,
    files: Files,
    location: RunFolder,
    dataset: Dataset | None = None,
    *assignments: str,
) -> Run:
    """Make a finished run of released checkpoints.

    Which rows it was trained on is not known, so all rows count as test rows and the evaluation says so.

    Args:
        model: The model.
        preset: The preset whose settings hold where the checkpoint does not say otherwise.
        files: A torch file holding a plain state dict, or one for each network of the model; nothing in it is run.
            Statistics released with it (.npy) become the run's scaling.
        location: Where the run is made.
        dataset: Data whose rows the preset's scaling is fitted on, for networks that were trained on scaled numbers:
            checkpoints do not hold their scalers. Without it numbers enter the network as they are. Of maps, quantity,
            unit and time step are those of the data as well.
        assignments: `key=value` texts over the preset; what the checkpoint says holds all the same.

    Raises:
        DataError: It cannot be read so, or is of another network; or the data are of other factors.
        SettingsError: The folder holds another run or import.
    """
    named = by_network(files)
    checkpoints = read_checkpoints(model, preset, files, *assignments)
    settings = _settings(model, preset, assignments, checkpoints)
    folder = location.folder or new_folder(location.root, model, settings.preset)
    plan = _plan(settings, checkpoints, dataset)
    run = create(folder, plan)
    weights = {network or MEMBER: checkpoint.copied(one.weights) for network, one in checkpoints.items()}
    _refuse_another(run, plan, weights)
    for network in checkpoints:
        member = network or MEMBER
        said = {"released": _checkpoint(named[network]).name, "notes": list(checkpoints[network].notes)}
        best = Snapshot(weights[member], {}, {"step": 0, **said})
        checkpoint.write(best, run.member(member).checkpoint("best"))
        write_text(run.member(member).history, "")
        run.mark(member, "finished")
    return run


def _refuse_another(run: Run, plan: Plan, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Refuse a folder whose import is not this one: what was made of it would be of other weights or scaling.

    The same import again, such as after a kill, ends it.
    """
    differing = []
    if run.data().signatures != plan.data.signatures:
        differing.append("other data")
    for member, (_, scaling) in plan.members.items():
        if Scaling.read(run.member(member).scaling).model_dump_json() != scaling.model_dump_json():
            differing.append(f"another scaling of {member}")
        if member in run.members() and not _same(checkpoint.weights(checkpoint.best_of(run, member)), weights[member]):
            differing.append(f"other weights of {member}")
    if differing:
        raise SettingsError(f"holds an import of {' and '.join(differing)}.", where=str(run.folder), fix=ANOTHER_FOLDER)


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def by_network(files: Files) -> dict[str, tuple[Path, ...]]:
    """Return the files of each network, by its name."""
    if isinstance(files, Mapping):
        return {network: (file,) for network, file in files.items()}
    return {"": (files,) if isinstance(files, Path) else tuple(files)}


def read_checkpoints(model: str, preset: str, files: Files, *assignments: str) -> dict[str, PretrainedWeights]:
    """Read the checkpoint of each network; errors as for `import_checkpoint`."""
    settings = load(model, preset, None, {}, assignments)
    networks = networks_of(settings)
    found = {name: _read(model, networks, name, paths) for name, paths in by_network(files).items()}
    for setting in (setting for one in found.values() for setting in one.unsaid):
        if not any(text.startswith(f"{setting}=") for text in assignments):
            raise SettingsError(
                f"{setting} is not in the file, and other numbers give other predictions; the preset has "
                f"{settings.flat()[setting]}.",
                where=", ".join(map(str, by_network(files)[next(iter(found))])),
                fix=f"Name the one that it was trained with: --set {setting}=NUMBER.",
            )
    return found


def _checkpoint(paths: Sequence[Path]) -> Path:
    """Return the one file that is no array."""
    found = [path for path in paths if path.suffix.lower() != _ARRAY]
    if len(found) != 1:
        raise DataError(
            f"{len(found)} of {len(paths)} files are checkpoints.",
            where=", ".join(map(str, paths)),
            fix=f"Name one checkpoint (.pth), and next to it only arrays of statistics ({_ARRAY}).",
        )
    return found[0]


def _read(model: str, networks: Mapping[str, Network], network: str, paths: Sequence[Path]) -> PretrainedWeights:
    """Read the checkpoint of one network by its own rule."""
    file = _checkpoint(paths)
    registry.require_choice(f"network of {model}", network, networks)
    read = networks[network].pretrained
    if read is None:
        raise DataError(f"{model} reads no released checkpoints.", where=str(file), fix="Train a run instead.")
    try:
        notes: list[str] = []
        released = read(state_dict(file, notes))
        scaling = _statistics(networks[network], released, paths) or released.scaling
        return replace(released, scaling=scaling, notes=tuple(notes))
    except GeomlError as error:
        raise DataError(error.what, where=error.where or str(file), fix=error.fix) from error


def _statistics(network: Network, released: PretrainedWeights, paths: Sequence[Path]) -> Scaling | None:
    """Return the scaling that released arrays say; None where there are none."""
    files = [path for path in paths if path.suffix.lower() == _ARRAY]
    if not files:
        return None
    if network.statistics is None:
        raise DataError("this model takes no statistics.", where=str(files[0]), fix="Leave it out.")
    return network.statistics(released.signature, {path.stem: _array(path) for path in files})


def _array(path: Path) -> NDArray[np.float64]:
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"cannot be read as an array of numbers ({reason(error)}).",
            where=str(path),
            fix="Name a .npy file of numbers.",
        ) from error


def _settings(
    model: str, preset: str, assignments: Sequence[str], checkpoints: Mapping[str, PretrainedWeights]
) -> Settings:
    """Lay what checkpoints say over the preset and what was asked for."""
    path = registry.preset_file(model, preset)
    layers = [from_file(path, display_path(path)), from_arguments(assignments), *map(_layer, checkpoints.values())]
    return validated(model, path.stem, merged(layers))


def _layer(checkpoint: PretrainedWeights) -> dict[tuple[str, ...], Any]:
    return {
        (table, name): Setting(value, "released checkpoint")
        for table, values in checkpoint.tables.items()
        for name, value in values.items()
    }


def _plan(settings: Settings, checkpoints: Mapping[str, PretrainedWeights], dataset: Dataset | None) -> Plan:
    none = np.empty(0, dtype=np.int64)
    if dataset is None:
        _refuse_unknown_quantity(settings, checkpoints)
    networks = networks_of(settings)
    samples = {network: networks[network].samples(dataset) for network in checkpoints} if dataset else {}
    for name, of_network in samples.items():
        _refuse_other_shapes(checkpoints[name].signature, of_network, dataset)
        check_names("the checkpoint", checkpoints[name].signature, of_network, in_order_alone=True)
    signatures = {
        name: _of_data(released, samples[name], dataset) if name in samples else released.signature
        for name, released in checkpoints.items()
    }
    data = DataRecord(source=settings.shared.source, digest=None, folder=None, signatures=signatures)
    if dataset:
        described = {
            "source": dataset.manifest.source,
            "units": dataset.manifest.units(),
            "file_units": dataset.manifest.file_units(),
            "step": dataset.manifest.step,
        }
        data = data.model_copy(update=described)
    members = {
        name or MEMBER: (
            Split(none, none, none, fold=MEMBER, seed=0, network=name),
            _scaling(settings, released, signatures, name, samples.get(name)),
        )
        for name, released in checkpoints.items()
    }
    return Plan(settings.model, settings.preset, written(settings), settings.traced(), data, members, kind="imported")


def _refuse_unknown_quantity(settings: Settings, checkpoints: Mapping[str, PretrainedWeights]) -> None:
    """Refuse to call a network's output by the paper's quantity where the preset is for data of any."""
    if any(one.source not in ("", settings.shared.source) for one in checkpoints.values()):
        raise SettingsError(
            f"what the checkpoint predicts is not in the file, and source {settings.shared.source} is of any quantity.",
            where="--data",
            fix="Name a data set of the quantity that it was trained on: --data FOLDER.",
        )


def _refuse_other_shapes(released: Signature, samples: Samples, dataset: Dataset | None) -> None:
    for name, item in samples.inputs.items():
        expected = released.inputs[name].shape if name in released.inputs else None
        if expected != item.values.shape[1:]:
            wanted = list(expected) if expected else "none"
            raise DataError(
                f"{name} has shape {list(item.values.shape[1:])} a sample, the checkpoint takes {wanted}.",
                where=str(dataset.folder) if dataset else "",
                fix="Prepare data with the factors it was trained on, in their order.",
            )


def _of_data(released: PretrainedWeights, samples: Samples, dataset: Dataset | None) -> Signature:
    """Return the signature of the data, which names quantities, units and classes that a state dict does not.

    A checkpoint that comes with its own scaling keeps the quantity and unit that this is of.
    """
    own, found = released.signature, signature(samples)
    if released.scaling is not None and not own.target_shape:
        return own
    if len(own.classes) != len(found.classes):
        kinds = [f"{len(names)} classes" if names else "a quantity" for names in (own.classes, found.classes)]
        raise DataError(
            f"the data are of {kinds[1]}, the checkpoint is of {kinds[0]}.",
            where=str(dataset.folder) if dataset else "",
            fix="Prepare data of the classes it was trained on, in the order of their codes.",
        )
    return found


def _scaling(
    settings: Settings,
    released: PretrainedWeights,
    signatures: Mapping[str, Signature],
    network: str,
    samples: Samples | None,
) -> Scaling:
    """Fit the preset's scaling on all rows of a data set that have a target, or on all where none has."""
    if released.scaling is not None:
        return released.scaling
    if samples is None:
        return unscaled(released.signature)
    rows = samples.usable() if samples.target.values is not None else np.empty(0, dtype=np.int64)
    rows = rows if len(rows) else np.arange(len(samples), dtype=np.int64)
    return fit(samples, rows, settings.shared.inputs, target_settings(settings, signatures, network))
