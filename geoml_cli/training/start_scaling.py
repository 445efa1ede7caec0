"""What weights of another run bring: the network that they fit, their scaling, and what they know of inputs.

A network knows its inputs by the scaling that it was trained under, so that scaling is kept unless `train.rescale` says
otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from geoml_cli.config.load import read_settings
from geoml_cli.config.settings import SharedTables
from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.runs.data import same_units
from geoml_cli.samples.samples import Signature
from geoml_cli.samples.scaling import Scaling
from geoml_cli.samples.settings import TargetSettings
from geoml_cli.training.start import WHERE, Start

_RESCALE = "or use --set train.rescale=true"


def refuse_other_network(start: Start, data: Signature, network: str, *, rescale: bool) -> None:
    """Refuse weights of a network that sees or predicts something else.

    Raises:
        DataError: With the first that differs: an input's shape or names, the target, its unit or its classes.
    """
    theirs = start.run.data().signatures.get(network)
    found = "there is no such network" if theirs is None else next(_differences(data, theirs, rescale=rescale), "")
    if found:
        other_unit = f", {_RESCALE}" * found.startswith(_UNIT)
        raise DataError(
            f"run {start.run.id} was trained on other inputs or another target: {found}.",
            where=WHERE,
            fix=f"Start from a run on data with the same variables, classes, names, units and order{other_unit}.",
        )


_UNIT = "unit of the target"


def _differences(data: Signature, theirs: Signature, *, rescale: bool) -> Iterator[str]:
    for name in {**data.inputs, **theirs.inputs}:
        own, other = data.inputs.get(name), theirs.inputs.get(name)
        if own is None or other is None:
            yield f"{name} is an input {'there' if own is None else 'here'} only"
        elif own != other:
            yield _of_names(name, own.names, other.names) or f"{name} has shape {[*own.shape]}, there {[*other.shape]}"
    if data.target_name != theirs.target_name:
        yield f"the target is {data.target_name}, there {theirs.target_name}"
    if not rescale and not same_unit(data.unit, theirs.unit):
        yield f"{_UNIT} is {data.unit}, there {theirs.unit}"
    # Each output of the network is a class, by its place among them.
    if different := _of_names("classes of the target", data.classes, theirs.classes):
        yield different


def _of_names(kind: str, own: Sequence[str], other: Sequence[str]) -> str:
    """Say which is the first name that differs; empty where none does."""
    pairs = enumerate(zip_longest(own, other, fillvalue="nothing"), 1)
    return next((f"{kind}: number {place} is {one}, there {two}" for place, (one, two) in pairs if one != two), "")


def kept_scaling(start: Start, wanted: TargetSettings, shared: SharedTables, manifest: Manifest) -> Scaling:
    """Return the scaling that weights bring with them.

    Raises:
        SettingsError: Their inputs or target are scaled or transformed otherwise than the run's are to be.
        DataError: The data have a quantity in another unit than those that the scaling is of.
    """
    same_units(start.run, manifest, WHERE, "; or use --set train.rescale=true")
    found = start.scaling
    if found.target.transform != wanted.transform:
        theirs = found.target.transform
        raise SettingsError(
            f"the target of run {start.run.id} has transform {theirs!r}, this one's {wanted.transform!r}.",
            where="[target] transform",
            fix=f"Use --set target.transform={theirs}, or --set train.rescale=true.",
        )
    before = read_settings(start.run.config).shared
    for key, method, asked in (
        ("inputs.scaling", before.inputs.scaling, shared.inputs.scaling),
        ("target.scaling", before.target.scaling, shared.target.scaling),
    ):
        is_of_network = key != "target.scaling" or wanted == shared.target  # classes have no scaling
        if is_of_network and method != asked:
            raise SettingsError(
                f"run {start.run.id} has {key} = {method!r}, this one {asked!r}; weights keep their scaling.",
                where=WHERE,
                fix=f"Use --set {key}={method}, or --set train.rescale=true.",
            )
    return found


def scaling_of(start: Start, kept: Scaling | None, fitted: Scaling, frozen: Collection[str]) -> Scaling:
    """Return a member's scaling, with what its weights know of inputs before the first step and after the last.

    Args:
        start: The weights.
        kept: Scaling that they bring with them; None where it is fitted anew.
        fitted: Of the training rows.
        frozen: Inputs whose classes have weights that are not trained: they know the classes that they began with.
    """
    begun = start.scaling.inputs
    base = kept.with_ranges_of(fitted) if kept else fitted
    inputs, started = dict(base.inputs), dict(begun)
    for name, item in base.inputs.items():
        known = item.model_copy(update={"classes": begun[name].classes})
        inputs[name] = known if name in frozen else item
        started[name] = begun[name] if kept else known
    return base.model_copy(update={"inputs": inputs, "started": started})
