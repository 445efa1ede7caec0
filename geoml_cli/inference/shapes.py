"""Whether samples are named and shaped like those that a network was built for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples, Signature


def check_shapes(run: Run, signature: Signature, samples: Samples) -> None:
    """Refuse samples that are shaped or named unlike those a network was built for.

    Raises:
        DataError: A shape differs, or the names or the order of variables or classes.
    """
    if signature.target_shape:
        _check_maps(run, signature, samples)
    for name, item in samples.inputs.items():
        expected = signature.inputs[name].shape
        if tuple(item.values.shape[1:]) != expected:
            named, fix = _difference(item.names, signature.inputs[name].names)
            raise DataError(
                f"{name} has shape {list(item.values.shape[1:])} a sample, run {run.id} takes {list(expected)}{named}.",
                fix=f"Prepare the data with the same covariates, features, years and window{fix}.",
            )
    check_names(f"run {run.id}", signature, samples, in_order_alone=run.imported)


def _difference(given: Sequence[str], trained: Sequence[str]) -> tuple[str, str]:
    """Say which variables are given and not trained on, or the other way round, and which options choose them."""
    extra = [name for name in given if name not in trained]
    lacking = [name for name in trained if name not in given]
    words = [f"{', '.join(extra)} more than these"] if extra else []
    words += [f"without {', '.join(lacking)}"] if lacking else []
    fix = f"; options of `geoml prepare` such as --dynamic, --static or --extra choose them: {', '.join(trained)}"
    return (f" ({'; '.join(words)})", fix) if words else ("", "")


def check_names(trained: str, signature: Signature, samples: Samples, *, in_order_alone: bool) -> None:
    """Refuse samples whose variables or classes are named unlike those a network was built for.

    Args:
        trained: What was trained on them, for the message.
        signature: Of the network.
        samples: What it is given.
        in_order_alone: Other names pass, as a released checkpoint does not name all that it was trained on, but not
            the same ones in another order.

    Raises:
        DataError: Names the first that differs.
    """
    pairs = [(name, item.names, signature.inputs[name].names) for name, item in samples.inputs.items()]
    pairs.append(("classes of the target", samples.target.classes, signature.classes))
    for name, theirs, ours in pairs:
        pairs_of = enumerate(zip_longest(theirs, ours, fillvalue="nothing"), 1)
        place, found, own = next(((k, *pair) for k, pair in pairs_of if pair[0] != pair[1]), (0, "", ""))
        if theirs and place and (sorted(theirs) == sorted(ours) or not in_order_alone):
            raise DataError(
                f"{name}: number {place} is {found}, {trained} was trained with {own} there.",
                fix="Prepare the data with the same variables and classes, in the same order.",
            )


def _check_maps(run: Run, signature: Signature, samples: Samples) -> None:
    """Refuse maps of another grid, and of another quantity, unit or step where the run knows its own."""
    [item] = samples.inputs.values()
    [known] = signature.inputs.values()
    shape, expected = tuple(item.values.shape[1:]), known.shape
    if shape != expected:
        raise DataError(
            f"the network's maps are {shape[1]} x {shape[2]} of this data set, {expected[1]} x {expected[2]} of run "
            f"{run.id} (padded or resized).",
            fix="Use a data set of the same grid, such as one prepared with the same --crop.",
        )
    target = samples.target
    pairs = {
        "quantity": (target.name, signature.target_name),
        "unit": (target.unit, signature.unit),
        "time step": (target.step, signature.target_step),
    }
    for quantity, (found, own) in pairs.items():
        # A released checkpoint does not say what it was trained on.
        if not same_unit(found, own) and run.record().origin == "trained":
            raise DataError(
                f"the {quantity} of the maps is {found!r}, run {run.id} was trained on {own!r}.",
                fix="Use maps of the same quantity, unit and step; prepare does not convert units.",
            )
    if signature.target_layout and target.layout != signature.target_layout:
        raise DataError(
            f"the maps have {target.layout}, run {run.id} was trained on {signature.target_layout}.",
            fix="Turn the axis in the raw files, and prepare them again.",
        )
