"""What a network sees of a data set: named input arrays, one row a sample, and a target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from geoml_cli.samples.gatherable import Gatherable

if TYPE_CHECKING:
    from geoml_cli.samples.spatial import SpatialTransform


Remembered = Literal["range", "classes", "nothing"]


@dataclass(frozen=True)
class Input:
    """One input of a network.

    Attributes:
        values: Shape [N, ...], physical units, no scaling; an array, or what stands in for one (`Windows`, `Frames`).
        axis: The axis that runs over variables (1 .. ndim-1); each gets its own scaling.
        names: Names of the variables along `axis`; a single name where the axis counts maps of one variable.
        shared: One value for all samples, shape [1, ...]; the network spreads it over the batch.
        scaled: Whether scaling concerns it; numbers of classes, degrees and clock times enter as they are.
        gaps: Whether missing values are the network's to fill; others are an error.
        remembered: What is kept of the training rows, by which others are recognised: the range of each variable, the
            numbers of classes, or nothing, as of clocks, which turn.
    """

    values: Gatherable
    axis: int
    names: tuple[str, ...]
    shared: bool = False
    scaled: bool = True
    gaps: bool = False
    remembered: Remembered = "range"


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
class StationRecords:
    """When and where samples were measured, as records of stations.

    Attributes:
        station_N: Number of the station of each sample, shape [N].
        minute_N: Begin of its record [min], shape [N].
        step_minutes: Length of a record [min]; 0 where it is a month, -1 a year.
    """

    station_N: NDArray[np.int64]
    minute_N: NDArray[np.int64]
    step_minutes: int

    def taken(self, rows: NDArray[np.int64]) -> StationRecords:
        """Return those of some samples."""
        return replace(self, station_N=self.station_N[rows], minute_N=self.minute_N[rows])


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        name: The paper's.
        unit: As UDUNITS spells it.
        values: Shape [N] or [N, ...], NaN where unknown, physical units; None where the data set holds none.
        classes: Names of the classes, whose places among these names the values hold; empty for a quantity.
        codes: The data's own number of each class, under which it is known outside of a network.
        dims: Names of the dimensions behind that of samples, such as lead_time, y, x; cells that are always missing,
            such as land, then do not make a sample unusable.
        step: What the first of these dimensions counts, such as month; empty without dimensions.
        layout: Which way rows and columns of maps run, in words; empty without dimensions.
        corners: Latitude and longitude [degrees] of the first and of the last cell of maps; empty without dimensions.
        scaler: Name of the input whose scaling it shares, where the network predicts that input's next values; empty
            for a scaling of its own.
        if_unknown: What a user does about a data set in which no sample has a value; empty where its file is missing.
    """

    name: str
    unit: str
    values: Gatherable | None = None
    classes: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    dims: tuple[str, ...] = ()
    step: str = ""
    layout: str = ""
    corners: tuple[float, ...] = ()
    scaler: str = ""
    if_unknown: str = ""

    @property
    def rows(self) -> NDArray[np.float32] | None:
        """Return the values of a target without dimensions, [N]; None where the data set holds none."""
        assert not self.dims, "a target of one value a sample"
        return None if self.values is None else np.asarray(self.values[:])

    def observed(self) -> NDArray[np.float32] | None:
        """Return the values as they are known outside of a network: classes by their own codes.

        None where the data set holds none, NaN where one is unknown.
        """
        values = self.rows
        if values is None or not self.codes:
            return values
        known = np.isfinite(values)
        place = np.where(known, values, 0).astype(np.int64)
        return np.where(known, np.array(self.codes, dtype=np.float32)[place], np.float32(np.nan))


@dataclass(frozen=True)
class Samples:
    """Inputs by name, in the order of the network's arguments, and the target.

    Attributes:
        inputs: Equal lengths N.
        target: What is predicted.
        span: Where samples are windows of a series: such samples share steps with their neighbours.
        complete: Which samples have all their inputs, [N]; others are neither trained on nor predicted. None: all.
        spatial: From maps as the data set holds them to those that the network sees, for every input and the target;
            None where samples are no maps.
        records: Where samples are records of stations: which, and when.
    """

    inputs: dict[str, Input]
    target: Target
    span: WindowSpan | None = None
    complete: NDArray[np.bool_] | None = None
    spatial: SpatialTransform | None = None
    records: StationRecords | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())).values)

    def usable(self) -> NDArray[np.int64]:
        """Return the rows whose target is known and whose inputs are whole, ascending."""
        if self.target.values is None:
            return np.empty(0, dtype=np.int64)
        known = np.ones(len(self), dtype=bool)
        if not self.target.dims:
            known = np.isfinite(np.asarray(self.target.values[:]).reshape(len(self), -1)).all(axis=1)
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
    target_shape: tuple[int, ...] = ()
    target_step: str = ""
    target_layout: str = ""
    target_corners: tuple[float, ...] = ()


def signature(samples: Samples) -> Signature:
    """Describe samples without their values."""
    inputs = {
        name: InputSignature(shape=item.values.shape[1:], axis=item.axis, names=item.names)
        for name, item in samples.inputs.items()
    }
    target = samples.target
    maps = target.values is not None and target.dims
    return Signature(
        inputs=inputs,
        target_name=target.name,
        unit=target.unit,
        classes=target.classes,
        codes=target.codes,
        target_shape=target.values.shape[1:] if maps and target.values is not None else (),
        target_step=target.step,
        target_layout=target.layout,
        target_corners=target.corners,
    )
