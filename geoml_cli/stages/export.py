"""`export`: a run's networks to files other programs run, numerically verified on real samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.files import atomic_write, require_writable_folder, write_text
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import CheckFailedError, DataError, SettingsError
from geoml_cli.exporters.exporter import Arrays, Exporter, exporter, formats
from geoml_cli.inference.load import TrainedRun, open_trained, settings_of
from geoml_cli.inference.predictor import Ensemble
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import gathered_native
from geoml_cli.samples.samples import Samples, Signature
from geoml_cli.work.numbers import format_number
from geoml_cli.work.reporting import Reporter

_ROUNDING = 16 * float(np.finfo(np.float32).eps)
"""What sums taken in another order may differ by, relative to the result: a few units in the last place."""
_BATCH = 4
"""Samples that a file is run over at once: its graph keeps more of them in memory than the network, and what the system
gives and takes back with every operation would take most of the time."""


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


class _ExportedNetwork(NamedTuple):
    """A network, and what its file is written and verified with.

    Attributes:
        network: Of all members.
        inputs: Real samples, in the order of the network's inputs.
        names: Of the inputs, and of the outputs.
    """

    network: Ensemble
    inputs: list[torch.Tensor]
    names: tuple[list[str], list[str]]


def export(
    run: Run, dataset: Dataset, formats: Sequence[str], members: Sequence[str], reporter: Reporter
) -> list[Exported]:
    """Write the members' mean (and spread) in each format, and compare each file with the network.

    Raises:
        CheckFailedError: A file differs by more than the tolerance; it is removed.
        SettingsError: A package is not installed.
    """
    require_writable_folder(run.folder, "Copy the run to a folder that can be written to, and name the copy.")
    trained, done = open_trained(run, members), []
    if trained.settings.shared.data.verify:
        check_content(dataset)
    for network in trained.networks:
        done += _network(trained, network, dataset, formats, reporter)
    return done


def _network(
    trained: TrainedRun, network: str, dataset: Dataset, formats: Sequence[str], reporter: Reporter
) -> list[Exported]:
    """Export the members of one network."""
    run, members, task = trained.run, trained.members_of(network), trained.task(network)
    samples = trained.network_samples(network, dataset)
    # A file without gradients: whoever runs it need not say so, and a loop of it costs no graph of its own.
    graph = Ensemble([trained.load_network(name) for name in members], task, samples.spatial).eval()
    graph.requires_grad_(False)
    inputs = _inputs(run, samples)
    with torch.inference_mode():
        expected = [output.numpy() for output in graph(*inputs)]
    names = (list(samples.inputs), [output.name for output in task.outputs(len(members))])
    exported = _ExportedNetwork(graph, inputs, names)
    own = f"{run.model}-{network}" if network else run.model
    of_network = [name for name in run.planned() if run.network(name) == network]
    name = own if len(members) == len(of_network) else "-".join((run.model, *members))
    run.export.mkdir(exist_ok=True)
    if not any(np.isfinite(values).any() for values in expected):
        raise CheckFailedError(
            f"the network gives no number for any of {len(inputs[0])} samples, so that nothing can be compared.",
            where=str(run.folder),
            fix="Check its weights with `geoml check`, and the inputs of the data set.",
        )
    done = []
    for chosen in formats:
        reporter.info(f"Writing {chosen}, and comparing it with the network on {len(inputs[0])} samples.")
        path = run.export / f"{name}{exporter(chosen).suffix}"
        done.append(_verified(run, chosen, path, exported, expected))
    for called, note in trained.networks[network].input_notes.items():
        if called in samples.inputs:
            reporter.warn(f"whoever runs the file gives the input {called} so: {note}.")
    write_text(run.export / f"{name}.md", _card(trained, network, dataset, done))
    return done


def _inputs(run: Run, samples: Samples) -> list[torch.Tensor]:
    """Draw real samples, evenly over the data set."""
    if not len(samples):
        raise DataError("the data set holds no samples to check the export on.", fix="Prepare it with samples.")
    wanted = min(settings_of(run).shared.export.samples, len(samples))
    rows = np.linspace(0, len(samples) - 1, wanted).astype(np.int64)
    return gathered_native(samples, np.unique(rows))


def _written(form: Exporter, path: Path, exported: _ExportedNetwork) -> Arrays:
    """Write the file and run it; a forecast of maps takes one sample, since U-Nets are traced for a size of batch."""
    network, inputs, names = exported
    is_of_maps = network.spatial is not None
    form.write(network, [maps[:1] for maps in inputs] if is_of_maps else inputs, names, path, not is_of_maps)
    run, size = form.open(path, network), 1 if is_of_maps else _BATCH
    each = [run([values[k : k + size] for values in inputs]) for k in range(0, len(inputs[0]), size)]
    return [np.concatenate(outputs) for outputs in zip(*each, strict=True)]


def _difference(computed: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the largest absolute difference; infinite where one is missing and the other is not, as on land."""
    missing = np.isnan(expected)
    if computed.shape != expected.shape or not np.array_equal(np.isnan(computed), missing):
        return float("inf")
    return float(np.abs(computed - expected)[~missing].max(initial=0.0))


def _verified(
    run: Run,
    chosen: str,
    path: Path,
    exported: _ExportedNetwork,
    expected: Arrays,
) -> Exported:
    form, tolerance = exporter(chosen), settings_of(run).shared.export.tolerance
    with atomic_write(path) as temporary:
        try:
            computed = _written(form, temporary, exported)
        except ImportError as error:
            raise SettingsError(
                f"needs the package {error.name}.",
                where=chosen,
                fix="Install it with `pip install 'geoml[onnx]'`.",
            ) from error
        difference = max(_difference(*pair) for pair in zip(computed, expected, strict=True))
        allowed = _allowed(expected[0], tolerance)
        if not difference <= allowed:
            raise CheckFailedError(
                f"differs from the network by {difference:.3g}, {allowed:.3g} is allowed "
                f"(export.tolerance = {tolerance:g} of the predictions' deviation, and rounding).",
                where=chosen,
                fix="Nothing was kept. Please report it with the run's config.toml.",
            )
    return Exported(path, chosen, len(exported.inputs[0]), difference, allowed)


def _allowed(expected: NDArray[np.float32], tolerance: float) -> float:
    """Return the largest difference that passes: a share of the deviation, and the rounding of float32 itself.

    Of a network that puts out nearly the same everywhere the rounding is all there is; of one that puts out zero,
    the tolerance as it stands.
    """
    known = expected[np.isfinite(expected)]
    largest = float(np.abs(known).max(initial=0.0))
    return tolerance * float(known.std()) + _ROUNDING * largest if largest else tolerance


def _earlier(done: Sequence[Exported]) -> list[str]:
    """Name the files of the same members that stand next to those of this export."""
    path = done[0].path
    siblings = [path.with_suffix(exporter(form).suffix) for form in formats()]
    return [other.name for other in siblings if other.exists() and other not in [one.path for one in done]]


def _card(trained: TrainedRun, network: str, dataset: Dataset, done: Sequence[Exported]) -> str:
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
        more = [notes[name] for notes in (record.input_words, record.input_notes) if name in notes]
        note = "".join(f"; {text}" for text in (*more, *_of_maps(data.signatures[network])))
        size = ", ".join([first, *map(str, shape)])
        lines.append(f"- `{name}` float32 [{size}]: {', '.join(_with_units(item.names, dataset))}{note}")
    lines += ["", "## Outputs", ""]
    maps = (data.signatures[network].target_shape[0], *spatial.geometry.native) if spatial else ()
    shape_out = ", ".join(["1" if spatial else "sample", *map(str, maps)])
    lines += [f"- `{band.name}` float32 [{shape_out}], {band.unit}: {band.long_name}" for band in outputs]
    lines += ["", "## Intervals", "", _intervals(trained, network)]
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


def _with_units(names: Sequence[str], dataset: Dataset) -> list[str]:
    """Name variables with the units of the data set, where they are variables of it."""
    return [f"{name} [{dataset.unit(name)}]" if dataset.has(name) else name for name in names]


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
    quantiles = ", ".join(f"{value:.6g}" for value in intervals.calibration.quantiles(intervals.coverage))
    return (
        f"The graph gives no prediction intervals; `geoml predict` does. {intervals.promise}. The distance is "
        f"{quantiles} (of differences from the prediction under the target's transform, divided by the spread where "
        "calibration.json of the run names a least one; of classes, 1 minus their probability)."
    )


def _scores(run: Run, network: str) -> str:
    """Return the test scores with their intervals, where the run was evaluated."""
    path = run.evaluation("test") / network / "metrics.json"
    if not path.is_file():
        return f"Not evaluated yet: `geoml evaluate {run.folder}`."
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
