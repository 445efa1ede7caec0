"""The card next to exported files: what goes in and out of the graph, and how good it is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.exporters.exporter import exporter, formats
from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.load import TrainedRun
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Signature
from geoml_cli.work.numbers import format_number

_CLASSES, _CLASS_NAMES = "land_cover", "category_name"
"""Input of numbers of classes, and the labels of a data set that name them."""
_CHANGES = {"none": ("{}", "{}"), "log": ("log({})", "exp({})"), "log1p": ("log(1 + {})", "exp({}) - 1")}
"""How a transform of the target is written, and its inverse."""
_COLUMN = re.compile(r"(.+)=(?!bit ).+")
"""Name of a column of 0 and 1 for a class, such as `land_cover=Forest`."""


@dataclass(frozen=True)
class Exported:
    """A file, and how far it is from the network.

    Attributes:
        difference: Largest absolute difference of any output over the samples, in the target's unit.
        allowed: The tolerance, in the same unit.
    """

    path: Path
    format: str
    samples: int
    difference: float
    allowed: float


def card_of(trained: TrainedRun, network: str, dataset: Dataset, done: Sequence[Exported]) -> str:
    """Say what the files are, what goes in and out, and how good they are."""
    run, members = trained.run, trained.members_of(network)
    card, data = registry.card(run.model), trained.data
    outputs = trained.task(network).outputs(len(members))
    unit = outputs[0].unit
    lines = [f"# {card.title}", "", f"Run `{run.id}`, {len(members)} member(s): {', '.join(members)}.", ""]
    method = f"{card.paper}, doi:{card.doi}" if card.doi else card.paper
    lines += [f"Method: {method}. {card.licence}", "", "## Inputs", ""]
    spatial = trained.network_samples(network, dataset).spatial
    gaps = "Missing cells are NaN, in and out; the way to the network's maps is inside as well."
    gaps = gaps if spatial else "Where one is missing (NaN), so are the outputs."
    lines += [
        f"Physical values, as prepared; scaling is inside the graph. {gaps} Inputs are given in this order; a pt2 file "
        "takes them by their place, not by name.",
        "",
    ]
    record = trained.networks[network]
    for name, item in data.signatures[network].inputs.items():
        shape = (*item.shape[:-2], *spatial.geometry.native) if spatial else item.shape
        first = "1" if spatial else "sample"
        note = "".join(f"; {text}" for text in _input_notes(trained, network, name))
        size = ", ".join([first, *map(str, shape)])
        lines.append(f"- `{name}` float32 [{size}]: {', '.join(_with_units(item.names, dataset))}{note}")
    lines += _classes(data.signatures[network], dataset)
    lines += ["", "## Outputs", ""]
    maps = (data.signatures[network].target_shape[0], *spatial.geometry.native) if spatial else ()
    shape_out = ", ".join(["1" if spatial else "sample", *map(str, maps)])
    lines += [f"- `{band.name}` float32 [{shape_out}], {band.unit}: {band.long_name}" for band in outputs]
    lines += [*_of_weights(record.weights_note), "", "## Intervals", "", _intervals(trained, network)]
    lines += [
        "",
        "## Verification",
        "",
        f"| file | samples | largest difference [{unit}] | allowed |",
        "|---|---|---|---|",
    ]
    lines += [f"| {d.path.name} | {d.samples} | {d.difference:.3g} | {d.allowed:.3g} |" for d in done]
    if earlier := _earlier(done):
        lines += ["", f"Written and compared by an earlier export: {', '.join(earlier)}."]
    lines += ["", "## Data", ""]
    funnel = dataset.manifest.funnel
    lines.append(
        f"Source `{data.source}`, digest `{data.digest or 'unknown'}`: {funnel.read} read, {funnel.kept} kept."
    )
    lines += [f"- excluded, {reason}: {rows}" for reason, rows in funnel.dropped.items()]
    lines += ["", "## Scores", "", _scores(run, network), "", "## Limits", ""]
    lines.append(
        "Valid for inputs like the training data: the same covariates, units and region. It does not extrapolate."
    )
    return "\n".join(lines) + "\n"


def _input_notes(trained: TrainedRun, network: str, name: str) -> list[str]:
    """Say what of an input is otherwise than its variables' names say."""
    record, signature = trained.networks[network], trained.data.signatures[network]
    found = [notes[name] for notes in (record.input_words, record.input_notes) if name in notes]
    return [*found, *_seen_classes(trained, network, signature.inputs[name].names), *_of_maps(signature)]


def _seen_classes(trained: TrainedRun, network: str, names: Sequence[str]) -> list[str]:
    """Say which classes training rows have, of an input that holds classes."""
    found = [one.classes for one in trained.ranges(network).variables if one.classes and one.name in names]
    return [
        f"training rows have {', '.join(map(str, classes))}, of other classes weights are as they were drawn"
        for classes in found
    ]


def _of_weights(note: str) -> list[str]:
    return ["", f"Of safetensors, {note}."] if note else []


def _with_units(names: Sequence[str], dataset: Dataset) -> list[str]:
    """Name variables with the units of the data set, where they are variables of it."""
    return [f"{name} [{dataset.unit(name)}]" if dataset.has(name) else name for name in names]


def _classes(signature: Signature, dataset: Dataset) -> list[str]:
    """Say which classes numbers and columns stand for; nothing where inputs hold none."""
    lines = []
    if dataset.has(_CLASS_NAMES) and _CLASSES in signature.inputs:
        listed = ", ".join(f"{number} {name}" for number, name in enumerate(dataset.labels(_CLASS_NAMES)))
        lines += ["", f"Numbers of classes in `{_CLASSES}`: {listed}."]
    columns = dict.fromkeys(
        match[1] for item in signature.inputs.values() for name in item.names if (match := _COLUMN.fullmatch(name))
    )
    if columns:
        listed = ", ".join(f"`{name}`" for name in columns)
        lines += [
            "",
            f"Columns of {listed}: 1 in that of the sample's class, 0 in the others. A class without a column is not "
            "known to the network: `geoml predict` gives nothing there, the graph a number all the same.",
        ]
    return lines


def _of_maps(signature: Signature) -> list[str]:
    """Say how maps lie in an input, which are of the target's own variable; nothing of other inputs."""
    if not signature.target_corners:
        return []
    corners = "first cell at {:g} N, {:g} E, last at {:g} N, {:g} E".format(*signature.target_corners)
    return [
        f"in {signature.unit}, oldest first, one {signature.target_step} apart, the last before the first forecast",
        f"{signature.target_layout}, {corners}",
    ]


def _intervals(trained: TrainedRun, network: str) -> str:
    """Say that the graph holds none, and how they are made from its outputs."""
    intervals = trained.intervals.get(network)
    if intervals is None:
        return "The graph gives no prediction intervals, and the run has none for these members."
    made = f"The graph gives no prediction intervals; `geoml predict` does. {intervals.promise}."
    return f"{made} {_recipe(intervals)}"


def _recipe(intervals: Intervals) -> str:
    """Say how intervals are made from the graph's outputs, so that they are those of `geoml predict`."""
    calibration = intervals.calibration
    distance, difference = calibration.quantiles(intervals.coverage), calibration.difference
    if difference is None:
        return f"A set has the classes whose probability is at least {1 - distance[0]:.6g}, and the likeliest."
    change, back = _CHANGES[difference.transform]
    each = f"{distance[0]:.6g}" if len(distance) == 1 else "d"
    smeared = f" - {difference.smearing:.6g}" if difference.smearing else ""
    half = each if difference.least_spread is None else f"{each} * (s + {difference.least_spread:.6g})"
    centre = change.format("p") + smeared
    words = [
        f"About a prediction p it goes from {back.format(f'{centre} - {half}')} to {back.format(f'{centre} + {half}')}"
    ]
    if len(distance) > 1:
        words.append(f"d is of the lead times, the first first: {', '.join(f'{one:.6g}' for one in distance)}")
    if smeared:
        words.append(f"{difference.smearing:.6g} is the logarithm of the smearing factor that p holds")
    if difference.least_spread is not None:
        words.append(
            f"s is the standard deviation of {change.format('the predictions')} of a fold's members, of several folds "
            "the root of the mean square; the graph does not give each, so that `geoml predict` alone has s"
        )
    cuts = [
        f"{side} {limit:g}"
        for side, limit in (("below", difference.least), ("above", difference.most))
        if limit is not None
    ]
    words += [f"nothing lies {' or '.join(cuts)}"] if cuts else []
    return "; ".join(words) + "."


def _scores(run: Run, network: str) -> str:
    """Return the test scores with their intervals, where the run was evaluated."""
    path = run.evaluation("test") / network / "metrics.json"
    if not path.is_file():
        return f"Not evaluated yet: `geoml evaluate {run.quoted}`."
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    scores = record["network"]["scores"]
    lines = [record["summary"], "", "| score | value | 95 % interval | unit |", "|---|---|---|---|"]
    lines += [
        f"| {k} | {_short(s['value'])} | {_short(s['low'])} to {_short(s['high'])} | {s['unit']} |"
        for k, s in scores.items()
    ]
    return "\n".join(lines)


def _short(value: float | None) -> str:
    return "-" if value is None else format_number(value)


def _earlier(done: Sequence[Exported]) -> list[str]:
    """Name the files of the same members that stand next to those of this export."""
    path = done[0].path
    siblings = [path.with_suffix(exporter(form).suffix) for form in formats()]
    return [other.name for other in siblings if other.exists() and other not in [one.path for one in done]]
