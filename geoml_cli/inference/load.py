"""A run's trained networks, ready to predict: physical inputs in, physical outputs out.

Legend: M members, B rows of a batch, N rows, O outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.config.load import reload
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.inference.predictor import Predictor, ScaledNetwork
from geoml_cli.inference.ranges import Floats, InputRanges, TrainedRange
from geoml_cli.models.spec import Network, Pipeline, Spec, Values
from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import DataRecord, Run
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

    def outputs(self) -> tuple[Variable, ...]:
        """Describe the outputs of a prediction."""
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
        return RunPredictor(self, {name: self.network_predictor(name, device) for name in self.networks})

    def ranges(self, network: str) -> InputRanges:
        """Return what counts a network's inputs outside the ranges of the training rows."""
        return InputRanges(self.signature(network), [self.run.scaling(name) for name in self.members_of(network)])

    def network_predictor(self, network: str, device: torch.device | None = None) -> Predictor:
        """Load the members of one network; errors as for `load_network`."""
        members = [self.load_network(name) for name in self.members_of(network)]
        size, record = self.settings.shared.predict.batch_size, self.networks[network]
        return Predictor(members, self.task(network), size, device or best_device(), record.next_inputs)

    def load_network(self, member: str) -> ScaledNetwork:
        """Load a member's best weights between its scalings, in evaluation mode.

        Raises:
            DataError: The member was never trained, or its checkpoint is damaged.
        """
        run, files = self.run, self.run.member(member).checkpoint("best")
        if member not in run.members() or not checkpoint.recover(files):
            raise DataError(
                f"member {member} is not trained to its end.",
                where=str(run.folder),
                fix=f"Resume with `geoml train {run.folder} --member {member}`.",
            )
        record = self.networks[run.network(member)]
        network = record.build(self.signature(run.network(member)))
        with checkpoint.fitting(files):
            network.load_state_dict(checkpoint.weights(files))
        return ScaledNetwork(network, record.predict, run.scaling(member)).eval()


class RunPredictor:
    """All networks of a run: their pooled outputs, and what they give together where there are several."""

    def __init__(self, run: TrainedRun, predictors: Mapping[str, Predictor]) -> None:
        self._run, self._predictors = run, predictors
        self._ranges = {name: run.ranges(name) for name in predictors}
        for name, predictor in predictors.items():
            predictor.ranges = self._ranges[name]

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return every output over the rows, shape [O, N], NaN where a quantity is not defined.

        `steps` as of a member.
        """
        found = {
            name: predictor.outputs(self._seen(name, samples), rows, steps)
            for name, predictor in self._predictors.items()
        }
        if self._run.pipeline is not None:
            return self._run.pipeline.combine(found)
        [only] = found.values()
        return only

    @property
    def variables(self) -> list[TrainedRange]:
        """Return the variables of all networks' inputs, with the ranges that they were trained on."""
        return [variable for one in self._ranges.values() for variable in one.variables]

    def counts(self) -> Floats:
        """Return how many values lay outside since this was last asked, [V, 4], as `InputRanges.taken` does."""
        return np.concatenate([one.taken() for one in self._ranges.values()])

    def _seen(self, network: str, samples: Samples) -> Samples:
        names = self._run.signature(network).inputs
        return replace(samples, inputs={name: samples.inputs[name] for name in names})


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
        registry.known(f"member of run {run.id}", name, planned)
    names = list(dict.fromkeys(only)) if only else planned  # named twice, it is one member
    missing = [name for name in names if name not in trained]
    if missing:
        raise DataError(
            f"not trained to the end: {', '.join(missing)}.",
            where=str(run.folder),
            fix=f"Resume with `geoml train {run.folder}`, or choose with --member.",
        )
    return names


def settings_of(run: Run) -> Settings:
    """Load a run's settings, as this use of it wants them."""
    return reload(run.config, run.assignments)


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
            raise DataError(
                f"{name} has shape {list(item.values.shape[1:])} a sample, run {run.id} takes {list(expected)}.",
                fix="Prepare the data with the same covariates, features, years and window.",
            )
    if run.record().origin == "trained":  # released checkpoints do not name what they were trained on
        _check_names(run, signature, samples)


def _check_names(run: Run, signature: Signature, samples: Samples) -> None:
    pairs = [(name, item.names, signature.inputs[name].names) for name, item in samples.inputs.items()]
    pairs.append(("classes of the target", samples.target.classes, signature.classes))
    for name, theirs, ours in pairs:
        pairs_of = enumerate(zip_longest(theirs, ours, fillvalue="nothing"), 1)
        place, found, own = next(((k, *pair) for k, pair in pairs_of if pair[0] != pair[1]), (0, "", ""))
        if theirs and place:
            raise DataError(
                f"{name}: number {place} is {found}, run {run.id} was trained with {own} there.",
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
    for what, (found, own) in pairs.items():
        # A released checkpoint does not say what it was trained on.
        if found != own and run.record().origin == "trained":
            raise DataError(
                f"the {what} of the maps is {found!r}, run {run.id} was trained on {own!r}.",
                fix="Use maps of the same quantity, unit and step; prepare does not convert units.",
            )


def best_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
