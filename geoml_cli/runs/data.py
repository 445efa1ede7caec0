"""Whether a data set is the one a run was trained on, or one like it."""

from __future__ import annotations

from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.runs.run import Run

_OF_FILES = "Convert its values to {unit}, write this unit into its files, and prepare the data set again"
_OF_THE_SOURCE = "Prepare the data like those of the run, with {name} in {unit}"


def is_own_data(run: Run, dataset: Dataset) -> bool:
    """Return whether a data set is that which a run was trained on."""
    return run.data().digest == dataset.manifest.digest()


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


def like_data(run: Run, dataset: Dataset) -> None:
    """Refuse a data set of another source, time step or units than that a run was trained on.

    Raises:
        DataError: With what differs.
    """
    own, found = run.data(), dataset.manifest
    pairs = [("source", found.source, own.source), ("time step", found.step, own.step or found.step)]
    for quantity, theirs, ours in pairs:
        if theirs != ours:
            raise DataError(
                f"the {quantity} is {theirs!r} here, run {run.id} was trained on {ours!r}.",
                where=str(dataset.folder),
                fix="Prepare the data like those of the run.",
            )
    same_units(run, found, str(dataset.folder))


def same_units(run: Run, manifest: Manifest, where: str, instead: str = "") -> None:
    """Refuse a data set that has a quantity in another unit than that a run was trained on.

    A unit that one of them does not know is not compared; neither is the reference of times, which is read with them.

    Args:
        run: The run.
        manifest: The data set's.
        where: For the message.
        instead: What helps as well.

    Raises:
        DataError: With the quantity and both units.
    """
    own = run.data()
    compared = (
        (own.file_units, manifest.file_units(), _OF_FILES),
        (own.units, manifest.units(), _OF_THE_SOURCE),
    )
    for known, given, fix in compared:
        for name, unit in known.items():
            found = given.get(name, unit)
            if not same_unit(_step_of(found), _step_of(unit)):
                raise DataError(
                    f"{name} is in {found}, and was in {unit} when run {run.id} was trained.",
                    where=where,
                    fix=f"{fix.format(name=name, unit=unit)}{instead}.",
                )


def _step_of(unit: str) -> str:
    """Return a unit without the reference of times."""
    return unit.partition(" since ")[0]
