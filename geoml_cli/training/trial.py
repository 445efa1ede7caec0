"""Trial of the precision on the device, before a run is made."""

from __future__ import annotations

from functools import partial

import torch

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Dataset
from geoml_cli.samples.batches import gathered
from geoml_cli.samples.samples import signature
from geoml_cli.training.member import settled
from geoml_cli.training.plan import networks_of, usable_rows
from geoml_cli.training.precision import Trial, check_device, random_states_kept, try_network
from geoml_cli.training.processes import Accelerated
from geoml_cli.work.reporting import Reporter

_TRIED_ROWS = 4
"""Samples a precision is tried on: two or more, for layers that need a standard deviation."""


def float32_layers(
    settings: Settings,
    dataset: Dataset,
    device: torch.device,
    reporter: Reporter,
    processes: Accelerated | None = None,
) -> tuple[str, ...]:
    """Try the precision; say which types of layers have to run in float32, and return them.

    Raises:
        SettingsError: The precision does not work on the device.
    """
    precision, ranks = settings.shared.train.precision, processes.count if processes else 1
    trial = _trial(settings, dataset, device)
    if processes and ranks > 1:
        trial = trial.agreed(processes)
    trial.check(precision, device)
    if message := trial.message(precision, device):
        # A command that starts processes leaves the GPUs to them, and starts them quiet: only a warning is shown.
        (reporter.warn if ranks > 1 and device.type != "cpu" else reporter.info)(message)
    return trial.float32


def _trial(settings: Settings, dataset: Dataset, device: torch.device) -> Trial:
    """Run every network once; for fp32 nothing is run or drawn."""
    precision, trial = settings.shared.train.precision, Trial()
    if precision == "fp32":
        return trial
    check_device(precision, cpu=device.type == "cpu")
    with settled(settings), random_states_kept():
        for network in networks_of(settings).values():
            samples = network.samples(dataset)
            inputs = gathered(samples, usable_rows(samples, dataset)[:_TRIED_ROWS], device)
            module = network.build(signature(samples)).to(device)
            forward = partial(network.predict, module, dict(zip(samples.inputs, inputs, strict=True)))
            trial = trial.joined(try_network(module, forward, precision))
    return trial
