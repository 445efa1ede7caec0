"""A run's trained networks, ready to predict: physical inputs in, physical outputs out.

Legend: M members, B rows of a batch, N rows, O outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.config.load import read_settings
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.inference.area import area_outputs
from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.predictor import Predictor, ScaledNetwork
from geoml_cli.inference.run_predictor import NetworkPredictor, RunPredictor
from geoml_cli.inference.shapes import check_shapes
from geoml_cli.inference.trained_ranges import InputRanges
from geoml_cli.layers.devices import best_device, in_float32
from geoml_cli.metrics.applicability import Applicability
from geoml_cli.models.spec import Network, Pipeline, Spec
from geoml_cli.runs import checkpoint
from geoml_cli.runs.applicability import read_applicability
from geoml_cli.runs.calibration import calibrate_again, is_left, read_calibrations
from geoml_cli.runs.data_record import DataRecord
from geoml_cli.runs.own_settings import settings_file
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples, Signature
from geoml_cli.tasks.task import Task

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class TrainedRun:
    """A run, loaded once for one use of it.

    Attributes:
        run: On disk.
        members: Names of the members that are used.
        settings: The run's own.
    """

    run: Run
    members: tuple[str, ...]
    settings: Settings

    @property
    def predicts(self) -> str:
        """Name what predicts: the model, or what stands in its place."""
        return self.run.model

    @property
    def undefined(self) -> str:
        """Say why a sample has no prediction: a network may need more than the source's samples have."""
        return "an input that the network needs is missing, or the network gives no finite number"

    @cached_property
    def spec(self) -> Spec[Any]:
        """Return the model's record."""
        return registry.spec(self.run.model)

    @cached_property
    def data(self) -> DataRecord:
        """Return what the run knows of its data."""
        return self.run.data()

    @cached_property
    def networks(self) -> Mapping[str, Network]:
        """Return the networks whose members are used, in the model's order."""
        used = {self.run.network(name) for name in self.members}
        return {name: network for name, network in self.spec.networks(self.settings.own).items() if name in used}

    def members_of(self, network: str) -> list[str]:
        """Name the members of a network."""
        return [name for name in self.members if self.run.network(name) == network]

    def task(self, network: str) -> Task:
        """Return what a network predicts."""
        return self.networks[network].task(self.signature(network))

    def signature(self, network: str) -> Signature:
        """Return what the run knows of a network's data."""
        return self.data.signatures[network]

    @cached_property
    def pipeline(self) -> Pipeline | None:
        """Return what several networks give together; None for a model of one."""
        make = self.spec.pipeline
        return make(self.settings.own, tuple(self.networks)) if make else None

    @cached_property
    def intervals(self) -> Mapping[str, Intervals]:
        """Return the intervals of every network that has some: calibrated, and with all its members used."""
        coverage = self.settings.shared.predict.coverage
        found = {}
        for name, calibration in (read_calibrations(self.run) if coverage else {}).items():
            is_whole = name in self.networks and set(self.members_of(name)) == set(self._planned(name))
            if is_whole and np.isfinite(calibration.quantiles(coverage)).all():
                folds = tuple(self.run.split(member).fold for member in self.members_of(name))
                found[name] = Intervals(calibration, coverage, self.task(name), folds)
        return found

    @property
    def without_intervals(self) -> str:
        """Say why a network has none; empty where all have, or none is asked for."""
        missing = [name for name in self.networks if name not in self.intervals]
        coverage, known = self.settings.shared.predict.coverage, read_calibrations(self.run)
        if not missing or not coverage:
            return ""
        if self.run.imported:
            return "No prediction intervals: what held-out rows of an imported run would be is not known."
        if any(set(self.members_of(name)) != set(self._planned(name)) for name in missing):
            return "No prediction intervals: they hold of all members together, not of some."
        if any(name not in known for name in missing):
            if not self.settings.shared.train.calibrate:
                return "No prediction intervals: the run was trained with train.calibrate=false."
            if is_left(self.run):
                stopped = "training was stopped before, or their file is lost"
                return f"No prediction intervals: {stopped}; {calibrate_again(self.run)} to add them."
            return "No prediction intervals: the run has none, for want of test rows with an observation."
        rows = min(known[name].rows for name in missing)
        return f"No prediction intervals: {rows} held-out rows are too few for {coverage * 100:g} %."

    def _planned(self, network: str) -> list[str]:
        return [name for name in self.run.planned() if self.run.network(name) == network]

    @cached_property
    def applicability(self) -> Applicability | None:
        """Return the area in which the run was tested; None where it is not known or not asked for."""
        is_whole = set(self.members) == set(self.run.planned())  # some members were trained on fewer rows
        return read_applicability(self.run) if is_whole and self.settings.shared.predict.applicability else None

    def outputs(self) -> tuple[Variable, ...]:
        """Describe the outputs of a prediction: what networks give, intervals, and where they apply."""
        intervals = [self.intervals[name] for name in self.networks if name in self.intervals]
        area = area_outputs(self.applicability) if self.applicability else ()
        return (*self.estimates(), *(output for one in intervals for output in one.outputs()), *area)

    @property
    def summarised(self) -> int:
        """Place of the output that a summary describes: the probability where there is one, else the first."""
        return next((place for place, output in enumerate(self.outputs()) if output.name == "probability"), 0)

    def estimates(self) -> tuple[Variable, ...]:
        """Describe what the networks give."""
        if self.pipeline is not None:
            return self.pipeline.task.outputs(1)
        [name] = self.networks
        return self.task(name).outputs(len(self.members))

    def samples(self, variables: Variables) -> Samples:
        """Return what all networks see of prepared variables.

        Raises:
            DataError: Names or shapes are not those the networks were built for.
        """
        found = [self.network_samples(name, variables) for name in self.networks]
        inputs = {name: item for samples in found for name, item in samples.inputs.items()}
        return replace(found[0], inputs=inputs)

    def network_samples(self, network: str, variables: Variables) -> Samples:
        """Return what one network sees; errors as for `samples`."""
        samples = self.networks[network].samples(variables)
        check_shapes(self.run, self.signature(network), samples)
        return samples

    def predictor(self, device: torch.device | None = None) -> RunPredictor:
        """Load the networks, which then count inputs outside their ranges; errors as for `load_network`."""
        return RunPredictor(self, {name: self._predictor_of(name, device) for name in self.networks})

    def _predictor_of(self, network: str, device: torch.device | None) -> NetworkPredictor:
        return self.network_predictor(network, device)

    @cached_property
    def loaded(self) -> RunPredictor:
        """Load the networks once, for one loop after another; errors as for `load_network`."""
        return self.predictor()

    def ranges(self, network: str) -> InputRanges:
        """Return what counts a network's inputs outside the ranges of the training rows."""
        return InputRanges(self.signature(network), [self.run.scaling(name) for name in self.members_of(network)])

    def network_predictor(self, network: str, device: torch.device | None = None) -> Predictor:
        """Load the members of one network; errors as for `load_network`."""
        members = [self.load_network(name) for name in self.members_of(network)]
        size, record = self.settings.shared.predict.batch_size, self.networks[network]
        return Predictor(
            members, self.task(network), size, in_float32(device) if device else best_device(), record.next_inputs
        )

    def load_network(self, member: str) -> ScaledNetwork:
        """Load a member's best weights between its scalings, in evaluation mode.

        Raises:
            DataError: The member was never trained, or its checkpoint is damaged.
        """
        run, files = self.run, checkpoint.best_of(self.run, member)
        record = self.networks[run.network(member)]
        network = record.build(self.signature(run.network(member)))
        with checkpoint.fitting(files):
            network.load_state_dict(checkpoint.weights(files))
        return ScaledNetwork(network, record, run.scaling(member)).eval()


def open_trained(run: Run, members: Sequence[str] | None = None) -> TrainedRun:
    """Open a run for prediction with some of its members, or all, which must then be trained.

    Raises:
        DataError: A member is not trained.
        SettingsError: There is no such member.
    """
    return TrainedRun(run, tuple(_trained(run, members)), settings_of(run))


def _trained(run: Run, only: Sequence[str] | None) -> list[str]:
    planned, trained = run.planned(), set(run.members())
    for name in only or ():
        registry.require_choice(f"member of run {run.id}", name, planned)
    names = list(dict.fromkeys(only)) if only else planned  # named twice, it is one member
    missing = [name for name in names if name not in trained]
    if missing:
        raise DataError(
            f"not trained to the end: {', '.join(missing)}.",
            where=str(run.folder),
            fix=f"Resume with `geoml train {run.quoted}`, or choose with --member.",
        )
    return names


def settings_of(run: Run) -> Settings:
    """Load a run's settings, as this use of it wants them."""
    return read_settings(settings_file(run), run.assignments)
