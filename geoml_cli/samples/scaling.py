"""Scaling of inputs and target, fitted on training rows, kept with the member, undone in predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from geoml_cli.dataset.files import write_text
from geoml_cli.errors import DataError
from geoml_cli.samples.samples import Input, Samples, Signature, Target
from geoml_cli.samples.settings import InputSettings, TargetSettings

Method = Literal["min-max", "standard", "none"]
Transform = Literal["none", "log", "log1p"]
Floats = NDArray[np.float64]

_ROWS_AT_ONCE = 65_536
_VALUES_AT_ONCE = 1 << 24
_FORWARD: dict[Transform, Callable[[Floats], Floats]] = {"none": np.array, "log": np.log, "log1p": np.log1p}
_INVERSE: dict[Transform, Callable[[Floats], Floats]] = {"none": np.array, "log": np.exp, "log1p": np.expm1}


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Affine(_Record):
    """`scaled = (value - shift) / scale`, one pair a variable.

    Attributes:
        shift: In the variable's unit.
        scale: In the variable's unit.
        low: Least value of the training rows; empty where it is not known, as for released weights, or says nothing.
        high: Largest.
        classes: Numbers of the classes that training rows have, ascending; empty where values are none.
    """

    shift: tuple[float, ...]
    scale: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    classes: tuple[int, ...] = ()

    def with_range_of(self, other: Affine) -> Affine:
        """Return the same scaling, its range widened to that of other rows; one that is not known stays so."""
        low, high = tuple(map(min, self.low, other.low)), tuple(map(max, self.high, other.high))
        classes = tuple(sorted({*self.classes, *other.classes})) if self.classes else ()
        return self.model_copy(update={"low": low, "high": high, "classes": classes})


class TargetScaling(_Record):
    """The target's transform, then its scaling.

    Attributes:
        transform: Before scaling.
        shift: Of the transformed target.
        scale: Likewise.
        smearing: Factor of what is turned back from a logarithm. Duan 1983, doi:10.1080/01621459.1983.10478017.
    """

    transform: Transform = "none"
    shift: float = 0.0
    scale: float = 1.0
    smearing: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    def forward(self, values: Floats) -> Floats:
        """Turn physical values into what a network is trained on."""
        return (_FORWARD[self.transform](values) - self.shift) / self.scale

    def inverse(self, values: Floats) -> Floats:
        """Turn a network's output into physical values."""
        return _INVERSE[self.transform](values * self.scale + self.shift_back)

    @property
    def shift_back(self) -> float:
        """Return what is added before the transform is undone: exp(x) times a factor is exp(x + log(factor))."""
        return self.shift + math.log(self.smearing)

    def smeared(self, residuals: Floats) -> TargetScaling:
        """Return the scaling with the factor that residuals give, 1 or more.

        Their mean is taken off: it is an error of the groups that the residuals are of, and not the spread that a
        logarithm hides.

        Args:
            residuals: Observed minus predicted, as a network is trained on them, [R]; without any the factor is 1.
        """
        if self.transform == "none" or not len(residuals):
            return self
        return self.model_copy(update={"smearing": float(np.exp((residuals - residuals.mean()) * self.scale).mean())})


class Scaling(_Record):
    """A member's `scaling.json`.

    Attributes:
        inputs: Of every input.
        trailing: How many axes an input has behind the one that runs over its variables.
        target: Of the target.
        started: Of every input, as the weights know it that another run brought; empty where weights were drawn.
    """

    inputs: dict[str, Affine]
    trailing: dict[str, int]
    target: TargetScaling
    started: dict[str, Affine] = Field(default_factory=dict)

    def at_step(self, step: int | None) -> Scaling:
        """Return the scaling of the weights of a step: those of step 0 have seen no training row of their own run."""
        inputs = self.started if self.started and step == 0 else self.inputs
        return self.model_copy(update={"inputs": inputs, "started": {}})

    def with_ranges_of(self, other: Scaling) -> Scaling:
        """Return this scaling with ranges of inputs that hold the training rows of another as well.

        A range that is not known stays so.
        """
        inputs = {name: affine.with_range_of(other.inputs[name]) for name, affine in self.inputs.items()}
        return self.model_copy(update={"inputs": inputs})

    def write(self, path: Path) -> None:
        """Write as JSON."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @staticmethod
    def read(path: Path) -> Scaling:
        """Read what `write` wrote.

        Raises:
            DataError: It is missing or damaged.
        """
        try:
            return Scaling.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                "is missing or damaged.", where=str(path), fix="Train again, or restore the file."
            ) from error


def fit(samples: Samples, rows: NDArray[np.int64], inputs: InputSettings, target: TargetSettings) -> Scaling:
    """Fit scaling on the training rows.

    Raises:
        DataError: A logarithm is asked of values it does not have, or a training input is missing.
    """
    shared = samples.target.scaler
    fitted = {
        name: _fitted(
            name, item, rows, inputs.scaling if item.scaled else "none", samples.target if name == shared else None
        )
        for name, item in samples.inputs.items()
    }
    return Scaling(
        inputs=fitted,
        trailing={name: item.values.ndim - item.axis - 1 for name, item in samples.inputs.items()},
        target=_shared(fitted, samples.target) or _fitted_target(samples.target, rows, target),
    )


def _shared(fitted: dict[str, Affine], target: Target) -> TargetScaling | None:
    """Return the scaling of the input that the target shares; None where it has its own."""
    if not target.scaler:
        return None
    [shift], [scale] = fitted[target.scaler].shift, fitted[target.scaler].scale
    return TargetScaling(shift=shift, scale=scale)


def unscaled(data: Signature) -> Scaling:
    """Return scaling that changes nothing."""
    sizes = {name: len(item.names) for name, item in data.inputs.items()}
    return Scaling(
        inputs={name: Affine(shift=(0.0,) * size, scale=(1.0,) * size) for name, size in sizes.items()},
        trailing={name: len(item.shape) - item.axis for name, item in data.inputs.items()},
        target=TargetScaling(),
    )


def _fitted(name: str, item: Input, rows: NDArray[np.int64], method: Method, target: Target | None = None) -> Affine:
    """Fit the scaling of an input, over the values of a target as well that shares it."""
    arrays = [item.values] if target is None or target.values is None else [item.values, target.values]
    one_variable = len(item.names) == 1 < max(values.shape[item.axis] for values in arrays)
    over = tuple(axis for axis in range(item.values.ndim) if one_variable or axis != item.axis)
    # Maps are many values a sample: fewer samples at once.
    size = max(_VALUES_AT_ONCE // math.prod(item.values.shape[1:]), 1) if item.gaps else _ROWS_AT_ONCE

    def blocks() -> Iterator[Floats]:
        for values in arrays:
            for start in range(0, len(rows), size):
                yield np.asarray(values[rows[start : start + size]], dtype=np.float64)

    lowest, highest = (np.fmin, np.fmax) if item.gaps else (np.minimum, np.maximum)
    low, high = (
        np.stack(bounds).reshape(-1, len(item.names))
        for bounds in zip(*((lowest.reduce(b, axis=over), highest.reduce(b, axis=over)) for b in blocks()), strict=True)
    )
    if item.gaps and np.isnan(low).any():
        raise DataError(
            "none of the values of the training maps is known",
            where=name,
            fix="Choose other cells with frames.crop, or other training steps with [split].",
        )
    if np.isnan(low).any():
        missing = sum(int(np.isnan(block).sum()) for block in blocks())
        raise DataError(
            f"{missing} values of the training rows are missing",
            where=name,
            fix="Prepare the data set again.",
        )
    least, most = low.min(axis=0), high.max(axis=0)
    shift, scale = least, most - least
    if method == "standard":
        shift, scale = _moments(blocks, over)
    if method == "none":
        shift, scale = np.zeros_like(shift), np.ones_like(scale)
    # A variable that does not vary over the training rows carries nothing: it is shifted to zero, not blown up.
    scale = np.where(scale > 0, scale, 1.0)
    range_ = (tuple(least.tolist()), tuple(most.tolist())) if item.remembered == "range" else ((), ())
    classes = _classes(blocks()) if item.remembered == "classes" else ()
    return Affine(
        shift=tuple(shift.tolist()), scale=tuple(scale.tolist()), low=range_[0], high=range_[1], classes=classes
    )


def _classes(blocks: Iterable[Floats]) -> tuple[int, ...]:
    """Return the numbers that occur, ascending."""
    return tuple(sorted({int(number) for block in blocks for number in np.unique(block)}))


def _moments(blocks: Callable[[], Iterator[Floats]], over: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Mean and population deviation of known values per variable; two passes: squares of large numbers lose digits."""
    count, total = np.zeros(1), np.zeros(1)
    for block in blocks():
        total = total + np.nansum(block, axis=over)
        count = count + np.isfinite(block).sum(axis=over)
    mean = total / count
    axes = max(over) + 1 if len(mean) == 1 else len(over) + 1
    shape = tuple(1 if axis in over else -1 for axis in range(axes))
    squares = sum((np.nansum((b - mean.reshape(shape)) ** 2, axis=over) for b in blocks()), start=np.zeros(1))
    return mean, np.sqrt(squares / count)


def _without_values(target: Target, settings: TargetSettings) -> TargetScaling:
    if settings.scaling != "none":
        raise DataError(
            f"no value of {target.name} is known: its scaling cannot be fitted",
            where=f"[target] scaling = {settings.scaling!r}",
            fix="Give data that hold the target. If the network was trained on the target as it is: "
            "--set target.scaling=none",
        )
    return TargetScaling(transform=settings.transform)


def _fitted_target(target: Target, rows: NDArray[np.int64], settings: TargetSettings) -> TargetScaling:
    values = np.empty(0) if target.values is None else np.asarray(target.values[rows], dtype=np.float64)
    # Of a checkpoint that is imported with data that can only be predicted.
    if not np.isfinite(values).any():
        return _without_values(target, settings)
    least = {"log": 0.0, "log1p": -1.0}.get(settings.transform, -np.inf)
    refused = int((values <= least).sum())
    if refused:
        raise DataError(
            f"{refused} training values of {target.name} are {least:g} or less: no {settings.transform}",
            where="[target] transform",
            fix=f"Use --set target.transform={'log1p' if values.min() > -1 else 'none'}.",
        )
    changed = _FORWARD[settings.transform](values)
    shift, scale = 0.0, 1.0
    if settings.scaling == "standard":
        shift, scale = float(changed.mean()), float(changed.std())
    if settings.scaling == "min-max":
        shift, scale = float(changed.min()), float(np.ptp(changed))
    return TargetScaling(transform=settings.transform, shift=shift, scale=scale or 1.0)
