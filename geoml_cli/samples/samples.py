"""What a network sees of a data set: named input arrays, one row a sample, and a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from geoml_cli.dataset.store import Array


@dataclass(frozen=True)
class Input:
    """One input of a network.

    Attributes:
        values: Shape [N, ...], physical units, no scaling; an array, or what stands in for one (`Windows`).
        axis: The axis that runs over variables (1 .. ndim-1); each gets its own scaling.
        names: Names of the variables along `axis`.
        shared: One value for all samples, shape [1, ...]; the network spreads it over the batch.
        scaled: Whether scaling concerns it; numbers of classes, degrees and clock times enter as they are.
    """

    values: Array
    axis: int
    names: tuple[str, ...]
    shared: bool = False
    scaled: bool = True


@dataclass(frozen=True)
class WindowSpan:
    """Steps of a shared series that samples touch, target included.

    Attributes:
        series: Number of the series of each sample, shape [N].
        first: First step that each sample sees, shape [N].
        last: Last step that it sees or predicts, shape [N].
        step_hours: Length of a step [h].
    """

    series: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    step_hours: float


@dataclass(frozen=True)
class Samples:
    """Inputs by name, in the order of the network's arguments, and the target.

    Attributes:
        inputs: Equal lengths N.
        target: Shape [N] or [N, ...], NaN where unknown; None where the source carries none.
        target_name: The paper's name of what is predicted.
        unit: The target's unit.
        span: Where samples are windows of a series: such samples share steps with their neighbours.
        complete: Which samples have all their inputs, [N]; others are neither trained on nor predicted. None: all.
        classes: Names of the target's classes, whose places among these names the target holds; empty for a quantity.
        codes: The data's own number of each class, under which it is known outside of a network.
    """

    inputs: dict[str, Input]
    target: NDArray[np.float32] | None
    target_name: str
    unit: str
    span: WindowSpan | None = None
    complete: NDArray[np.bool_] | None = None
    classes: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())).values)

    def observed(self) -> NDArray[np.float32] | None:
        """Return the target as it is known outside of a network: classes by their own codes; None where there is none.

        NaN where unknown.
        """
        if self.target is None or not self.codes:
            return self.target
        known = np.isfinite(self.target)
        place = np.where(known, self.target, 0).astype(np.int64)
        return np.where(known, np.array(self.codes, dtype=np.float32)[place], np.float32(np.nan))

    def usable(self) -> NDArray[np.int64]:
        """Return the rows whose target is known and whose inputs are whole, ascending."""
        if self.target is None:
            return np.empty(0, dtype=np.int64)
        known = np.isfinite(self.target.reshape(len(self), -1)).all(axis=1)
        if self.complete is not None:
            known &= self.complete
        return np.flatnonzero(known).astype(np.int64)


class InputSignature(BaseModel):
    """Shape of one sample of an input, and the names along its variable axis."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: tuple[int, ...]
    axis: int
    names: tuple[str, ...]


class Signature(BaseModel):
    """What must be known of the data to build a network: kept in the run, which then needs no data set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: dict[str, InputSignature]
    target_name: str
    unit: str
    classes: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()


def signature(samples: Samples) -> Signature:
    """Describe samples without their values."""
    inputs = {
        name: InputSignature(shape=item.values.shape[1:], axis=item.axis, names=item.names)
        for name, item in samples.inputs.items()
    }
    return Signature(
        inputs=inputs,
        target_name=samples.target_name,
        unit=samples.unit,
        classes=samples.classes,
        codes=samples.codes,
    )
