"""A run's trained networks, ready to predict: physical inputs in, physical outputs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli import registry
from geoml_cli.config.load import reload
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.models.spec import Spec
from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import InputScaling, TargetInverse, gathered
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.scaling import Scaling

Rows = NDArray[np.int64]


class Physical(nn.Module):
    """A member's network between its scalings.

    Args:
        network: With its trained weights.
        spec: Its model.
        scaling: Its member's.
        codes: Of the classes it tells apart.
    """

    codes: Tensor

    def __init__(self, network: nn.Module, spec: Spec[Any], scaling: Scaling, codes: Sequence[int] = ()) -> None:
        super().__init__()
        self.register_buffer("codes", torch.tensor(codes, dtype=torch.float32), persistent=False)
        self.network = network
        self._predict, self.decided = spec.predict, spec.decided
        self.scale = InputScaling(scaling)
        self.inverse = TargetInverse(scaling.target)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return predictions in the target's unit, shape [B], or scores of classes, [B, classes].

        Args:
            inputs: Physical inputs in the order of the run's signature, each [B, ...].
        """
        batch = dict(zip(self.scale.names, inputs, strict=True))
        physical: Tensor = self.inverse(self._predict(self.network, self.scale(batch)))
        return physical


class Ensemble(nn.Module):
    """Members side by side: their mean and how far they spread, or what they decide together."""

    def __init__(self, members: Sequence[Physical]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self._decided = members[0].decided

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the mean [B], and with several members their standard deviation [B] (ddof 1); or the decision."""
        each = torch.stack([member(*inputs) for member in self.members])
        if self._decided is not None:
            return self._decided.outputs(each, cast(Physical, self.members[0]).codes)
        if len(self.members) == 1:
            return (each[0],)
        mean = each.mean(dim=0)
        spread = ((each - mean) ** 2).sum(dim=0).div(len(self.members) - 1).sqrt()
        return mean, spread


class Predictor:
    """Runs a member or an ensemble over rows of samples, in batches."""

    def __init__(self, network: nn.Module, batch_size: int, device: torch.device) -> None:
        self._network, self._size, self._device = network.to(device).eval(), batch_size, device

    def outputs(self, samples: Samples, rows: Rows) -> NDArray[np.float64]:
        """Return every output over the rows, shape [outputs, N], in the target's unit; NaN where inputs are missing."""
        if samples.whole is None:
            return self._predicted(samples, rows)
        whole = samples.whole[rows]
        found = self._predicted(samples, rows[whole])
        result = np.full((len(found), len(rows)), np.nan)
        result[:, whole] = found
        return result

    @torch.inference_mode()
    def _predicted(self, samples: Samples, rows: Rows) -> NDArray[np.float64]:
        parts = []
        for start in range(0, max(len(rows), 1), self._size):
            inputs = gathered(samples, rows[start : start + self._size], self._device)
            result = self._network(*inputs)
            parts.append(torch.stack(result if isinstance(result, tuple) else (result,)).cpu().double().numpy())
        return np.concatenate(parts, axis=1)

    def __call__(self, samples: Samples, rows: Rows) -> NDArray[np.float64]:
        """Return the first output over the rows, shape [N], in the target's unit."""
        first: NDArray[np.float64] = self.outputs(samples, rows)[0]
        return first


def physical(run: Run, member: str) -> Physical:
    """Load a member's best weights between its scalings, in evaluation mode.

    Raises:
        DataError: The member was never trained, or its checkpoint is damaged.
    """
    files = run.member(member).checkpoint("best")
    if member not in run.members() or not checkpoint.recover(files):
        raise DataError(
            f"member {member} is not trained to its end.",
            where=str(run.folder),
            fix=f"Go on with `geoml train {run.model} --run {run.folder} --resume --member {member}`.",
        )
    part = run.part(member)
    (spec, tables), data = part_of(run, part), run.data().signatures[part]
    network = spec.build(tables, data)
    network.load_state_dict(checkpoint.weights(files))
    return Physical(network, spec, run.scaling(member), data.codes).eval()


def part_of(run: Run, part: str) -> tuple[Spec[Any], Any]:
    """Return a part's record and tables."""
    spec: Spec[Any] = registry.spec(run.model)
    tables = spec.parts(settings_of(run).own)[part]
    return spec.part(tables), tables


def by_part(run: Run, members: Sequence[str]) -> dict[str, list[str]]:
    """Sort members into the parts of the model they train, in the order of the parts."""
    found: dict[str, list[str]] = {part: [] for part in run.data().signatures}
    for name in members:
        found[run.part(name)].append(name)
    return {part: names for part, names in found.items() if names}


def restored(run: Run, member: str, device: torch.device | None = None) -> Predictor:
    """Make a predictor of one member; errors as for `physical`."""
    return Predictor(
        Ensemble([physical(run, member)]), settings_of(run).shared.predict.batch_size, device or best_device()
    )


def ensemble(run: Run, members: Sequence[str], device: torch.device | None = None) -> Outputs:
    """Make a predictor of several members.

    Outputs are their mean and, where there are several, their spread; of a model of several parts what these give
    together.
    """
    size, where = settings_of(run).shared.predict.batch_size, device or best_device()

    def together(names: Sequence[str]) -> Predictor:
        return Predictor(Ensemble([physical(run, name) for name in names]), size, where)

    if registry.spec(run.model).combined is None:
        return together(members)
    return Chain(run, {part: together(names) for part, names in by_part(run, members).items()})


class Outputs(Protocol):
    """What predicts."""

    def outputs(self, samples: Samples, rows: Rows) -> NDArray[np.float64]:
        """Return every output over the rows, shape [outputs, N]."""


class Chain:
    """The parts of a model one after another, over samples that hold the inputs of all."""

    def __init__(self, run: Run, predictors: Mapping[str, Predictor]) -> None:
        self._spec, self._own = registry.spec(run.model), settings_of(run).own
        self._predictors = predictors
        self._inputs = {part: tuple(data.inputs) for part, data in run.data().signatures.items()}

    def outputs(self, samples: Samples, rows: Rows) -> NDArray[np.float64]:
        """Return what the parts give together, shape [columns, N], NaN where a quantity is not defined."""
        found = {}
        for part, predictor in self._predictors.items():
            seen = replace(samples, inputs={name: samples.inputs[name] for name in self._inputs[part]})
            found[part] = predictor(seen, rows)
        assert self._spec.combined is not None
        return self._spec.combined.values(self._own, found)


def chosen_members(run: Run, only: Sequence[str] | None) -> list[str]:
    """Name the members to use: those asked for, or all, which must then be trained.

    Raises:
        DataError: A member is not trained.
        SettingsError: There is no such member.
    """
    planned, trained = run.planned(), set(run.members())
    for name in only or ():
        registry.known(f"member of run {run.id}", name, planned)
    names = list(only) if only else planned
    missing = [name for name in names if name not in trained]
    if missing:
        raise DataError(
            f"not trained to the end: {', '.join(missing)}.",
            where=str(run.folder),
            fix=f"Go on with `geoml train {run.model} --run {run.folder} --resume`, or choose with --member.",
        )
    return names


def settings_of(run: Run) -> Settings:
    """Load a run's settings, as this use of it wants them."""
    return reload(run.config, run.assignments)


def samples_of(run: Run, variables: Variables) -> Samples:
    """Cut what the run's networks see out of prepared variables.

    Raises:
        DataError: Names or shapes are not those the networks were built for.
    """
    parts = [part_samples(run, part, variables) for part in run.data().signatures]
    inputs = {name: item for held in parts for name, item in held.inputs.items()}
    return replace(parts[0], inputs=inputs)


def part_samples(run: Run, part: str, variables: Variables) -> Samples:
    """Cut what one part of the model sees; errors as for `samples_of`."""
    spec, tables = part_of(run, part)
    samples = spec.samples(tables, variables)
    checked(run, part, samples)
    return samples


def checked(run: Run, part: str, samples: Samples) -> None:
    """Refuse samples that are shaped unlike those a part was built for; errors as for `samples_of`."""
    expected = run.data().signatures[part].inputs
    for name, item in samples.inputs.items():
        wanted = expected[name].shape
        if tuple(item.values.shape[1:]) != wanted:
            raise DataError(
                f"{name} has shape {list(item.values.shape[1:])} a sample, run {run.id} takes {list(wanted)}.",
                fix="Prepare the data with the same covariates, features, years and window.",
            )


def best_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
