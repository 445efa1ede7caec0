"""What is to be said of an imported run: which weights it has, and whether its inputs are scaled."""

from __future__ import annotations

from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Signature
from geoml_cli.samples.scaling import Scaling, unscaled


def notes_of(run: Run) -> list[str]:
    """Say which weights of its files an imported run has, where they hold several."""
    found = (checkpoint.read(checkpoint.best_of(run, name)).numbers for name in run.members())
    return [f"{numbers['released']}: {note}" for numbers in found for note in numbers["notes"]]


def takes_numbers_as_they_are(run: Run) -> bool:
    """Return whether a network of an imported run sees its inputs unscaled."""
    data = run.data()
    return any(_changes_nothing(run.scaling(name), data.signatures[run.network(name)]) for name in run.members())


def _changes_nothing(scaling: Scaling, data: Signature) -> bool:
    """Return whether a scaling leaves inputs and target as they are; ranges of inputs do not count."""
    none = unscaled(data)
    shifts = {name: (affine.shift, affine.scale) for name, affine in scaling.inputs.items()}
    return (
        shifts == {name: (one.shift, one.scale) for name, one in none.inputs.items()} and scaling.target == none.target
    )
