"""`export`: a run's networks to files other programs run, numerically verified on real samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write, require_writable_inside, write_text
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import CheckFailedError, DataError, SettingsError
from geoml_cli.exporters.exporter import Arrays, Exporter, exporter
from geoml_cli.inference.export_card import Exported, card_of
from geoml_cli.inference.load import TrainedRun, open_trained, settings_of
from geoml_cli.inference.predictor import Ensemble
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import gathered_native
from geoml_cli.samples.samples import Samples
from geoml_cli.work.distinct import distinct
from geoml_cli.work.reporting import Reporter

_ROUNDING = 16 * float(np.finfo(np.float32).eps)
"""What sums taken in another order may differ by, relative to the result: a few units in the last place."""
_WEIGHTS = "safetensors"
"""The format without a graph."""
_BATCH = 4
"""Samples that a file is run over at once: its graph keeps more of them in memory than the network, and what the system
gives and takes back with every operation would take most of the time."""


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
    require_writable_inside(run.folder, run.export)
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
    if (note := trained.networks[network].weights_note) and _WEIGHTS in formats:
        reporter.warn(f"{note}.")
    write_text(run.export / f"{name}.md", card_of(trained, network, dataset, done))
    return done


def _inputs(run: Run, samples: Samples) -> list[torch.Tensor]:
    """Draw real samples, evenly over the data set."""
    if not len(samples):
        raise DataError("the data set holds no samples to check the export on.", fix="Prepare it with samples.")
    wanted = min(settings_of(run).shared.export.samples, len(samples))
    rows = np.linspace(0, len(samples) - 1, wanted).astype(np.int64)
    return gathered_native(samples, distinct(rows))


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
