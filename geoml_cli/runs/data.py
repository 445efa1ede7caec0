"""Whether a data set is the one a run was trained on, or one like it."""

from __future__ import annotations

from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.runs.run import Run


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
    units = found.units()
    differing = {name: unit for name, unit in own.units.items() if not same_unit(units.get(name, unit), unit)}
    pairs = [("source", found.source, own.source), ("time step", found.step, own.step or found.step)]
    pairs += [(f"unit of {name}", units[name], unit) for name, unit in differing.items()]
    for quantity, theirs, ours in pairs:
        if theirs != ours:
            raise DataError(
                f"the {quantity} is {theirs!r} here, run {run.id} was trained on {ours!r}.",
                where=str(dataset.folder),
                fix="Prepare the data like those of the run.",
            )
