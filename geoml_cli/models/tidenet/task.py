"""What the networks see of a gridded series, and what they minimise.

Legend: B batch, T frames of the input, O frames of the output, H rows, W columns, N windows, E thresholds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from geoml_cli.dataset.grid import AREA, LAND, LAT, LON, GridFacts
from geoml_cli.dataset.store import Dataset, Variables
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.models.spec import Batch, Call, Criterion, mean_criterion
from geoml_cli.models.tidenet.calendar import Clock, clock
from geoml_cli.models.tidenet.losses import LossWeights, loss_terms, squared_error
from geoml_cli.models.tidenet.network import Shape, TideNet
from geoml_cli.models.tidenet.settings import FrameSettings, ScoreSettings, TidenetTables
from geoml_cli.models.tidenet.simvp import SimVP
from geoml_cli.samples.frames import Frames, FrameSeries
from geoml_cli.samples.samples import Input, Samples, Signature, Target, WindowSpan
from geoml_cli.samples.spatial import Geometry, SpatialTransform

FRAMES = "frames"
# Maps are padded to it for either network; SimVP alone would do with 2.
_MULTIPLE = 8


def samples(tables: TidenetTables, variables: Variables) -> Samples:
    """Return windows of frames_in maps and the frames_out maps after them.

    Raises:
        SettingsError: The crop does not lie on the data set's maps.
        DataError: The data set holds no maps, or too few.
    """
    if not isinstance(variables, Dataset) or variables.manifest.layout != "grid":
        raise DataError(
            "the data set holds no maps", where="tidenet", fix="Prepare one with `geoml prepare grid RAW --var NAME`."
        )
    facts = variables.manifest.facts_as(GridFacts)
    times = clock(variables, facts)
    series = _series(tables.frames, variables, facts.variable, times)
    seen, ahead = tables.network.frames_in, tables.network.frames_out
    first = np.arange(0, max(len(series) - seen - ahead + 1, 0), tables.frames.stride, dtype=np.int64)
    if not len(first):
        raise DataError(
            f"{len(series)} time steps hold no window of {seen} + {ahead}",
            where="[network] frames_in, frames_out",
            fix="Prepare a longer period, or set them lower.",
        )
    # One range for all frames: the axis of variables is that of frames, and has one name.
    frames = Input(Frames(series, first, seen), axis=1, names=(facts.variable,), gaps=True)
    target = Target(
        facts.variable,
        facts.unit,
        Frames(series, first + seen, ahead),
        dims=("lead_time", "y", "x"),
        step=str(facts.step),
        layout=_layout(variables),
        corners=_corners(variables),
        # The forecast continues the input: one range for both, from the training windows.
        scaler=FRAMES,
    )
    span = WindowSpan(np.zeros_like(first), first, first + seen + ahead - 1, times.hours)
    return Samples({FRAMES: frames}, target, span, spatial=series.spatial)


def _layout(variables: Dataset) -> str:
    """Say which way rows and columns run: a network that saw north above south knows no other."""
    lat, lon = (np.asarray(variables.array(name)) for name in (LAT, LON))
    rows = "north to south" if np.mean(lat[0]) > np.mean(lat[-1]) else "south to north"
    # Neighbouring columns, as a map may lie across the date line.
    columns = "west to east" if np.median(np.diff(lon, axis=-1)) > 0 else "east to west"
    return f"rows from {rows}, columns from {columns}"


def _corners(variables: Dataset) -> tuple[float, ...]:
    """Return latitude and longitude of the first cell and of the last, to a thousandth of a degree."""
    lat, lon = (np.asarray(variables.array(name), dtype=np.float64).ravel() for name in (LAT, LON))
    return tuple(round(float(value), 3) for value in (lat[0], lon[0], lat[-1], lon[-1]))


def _series(settings: FrameSettings, variables: Dataset, name: str, times: Clock) -> FrameSeries:
    native, land = variables.array(name), np.asarray(variables.array(LAND)) > 0
    geometry = Geometry(
        native=(native.shape[1], native.shape[2]),
        crop=_crop(settings, native.shape[1:]),
        square=settings.square,
        size=cast("tuple[int, int] | None", settings.size or None),
        multiple=_MULTIPLE,
        zero=settings.land == "zero",
    )
    if settings.most_cells:
        geometry = replace(geometry, size=_shrunk(geometry.padded, settings.most_cells))
    area = np.asarray(variables.array(AREA), dtype=np.float64)
    return FrameSeries(native, SpatialTransform(geometry, land), times.season, area, times.labels)


def _shrunk(size: tuple[int, int], most: int) -> tuple[int, int] | None:
    """Return a size of about `most` cells and the same proportions, in multiples of 8; None where it is smaller."""
    rows, columns = size
    if rows * columns <= most:
        return None
    factor = (most / (rows * columns)) ** 0.5
    return (
        max(round(rows * factor / _MULTIPLE), 1) * _MULTIPLE,
        max(round(columns * factor / _MULTIPLE), 1) * _MULTIPLE,
    )


def _crop(settings: FrameSettings, native: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Return the part of a crop that lies on the map: the paper's 1024 columns are 1000 of a map of 1300."""
    if not settings.crop:
        return None
    top, left, rows, columns = settings.crop
    if top >= native[0] or left >= native[1]:
        raise SettingsError(
            f"begins at row {top}, column {left} of maps of {native[0]} x {native[1]} cells",
            where="[frames] crop",
            fix="Choose another crop, or --set frames.crop=[] for the whole map.",
        )
    return top, left, min(rows, native[0] - top), min(columns, native[1] - left)


def build(tables: TidenetTables, data: Signature) -> nn.Module:
    """Return a network with fresh weights.

    Raises:
        SettingsError: It cannot have maps of this size.
    """
    settings, (seen, height, width) = tables.network, data.inputs[FRAMES].shape
    if settings.variant == "simvp":
        return SimVP(seen, settings.frames_out)
    return TideNet(Shape(seen, settings.frames_out, height, width, settings.hidden, settings.spectral_number))


def filled(settings: FrameSettings, frames: Tensor) -> Tensor:
    """Return scaled frames without gaps, clipped where the settings say so."""
    # With land = "zero" nothing is missing, and land has the scaled value of 0 in physical units.
    whole = torch.where(torch.isfinite(frames), frames, settings.land_value)
    return whole.clamp(0.0, 1.0) if settings.clip else whole


def loss(tables: TidenetTables, network: nn.Module, batch: Batch, call: Call) -> Tensor:
    """Return the training loss of a batch: the paper's terms for TIDE-Net, the squared error for SimVP."""
    frames, truth = filled(tables.frames, batch[FRAMES]), filled(tables.frames, batch["target"])
    # Of the target as it is: `truth` has its gaps filled, which have no part in the loss.
    known = torch.isfinite(batch["target"])
    if tables.network.variant == "simvp":
        return squared_error(network(frames), truth, known)
    weights = LossWeights(tables.loss.phase, tables.loss.spectrum, tables.loss.spectrum_steps, tables.loss.amplitude)
    # Distributed training wraps the network, and calls its forward only: it is asked for all branches there.
    branches = network(frames, branches=True)
    mask = cast("TideNet", getattr(network, "module", network)).spec_mask
    return loss_terms(branches, truth, mask, weights.at(call.number), known).total


def predict(tables: TidenetTables, network: nn.Module, batch: Batch) -> Tensor:
    """Return the scaled forecast, [B, O, H, W]."""
    found: Tensor = network(filled(tables.frames, batch[FRAMES]))
    return found


def next_inputs(inputs: Batch, forecast: Tensor) -> Batch:
    """Return the frames that end with a forecast; cells that are missing in all frames stay missing."""
    frames = inputs[FRAMES]
    sea = torch.isfinite(frames).any(dim=1, keepdim=True)
    joined = torch.cat([frames, torch.where(sea, forecast, torch.nan)], dim=1)
    return {FRAMES: joined[:, -frames.shape[1] :]}


def criteria(tables: TidenetTables) -> dict[str, Criterion]:
    """Return the validation scores of the forecast alone: mean square error, mean absolute error and CSI."""

    def squared(network: nn.Module, batch: Batch) -> Tensor:
        return squared_error(*_scored(tables, network, batch))

    def absolute(network: nn.Module, batch: Batch) -> Tensor:
        forecast, truth, known = _scored(tables, network, batch)
        errors = torch.where(known, forecast - truth, 0.0).abs()
        return (errors.flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)).mean()

    return {"loss": mean_criterion(squared), "mae": mean_criterion(absolute), "csi": _csi(tables, tables.scores)}


def _scored(tables: TidenetTables, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    known = torch.isfinite(batch["target"])
    return predict(tables, network, batch), filled(tables.frames, batch["target"]), known


def _csi(tables: TidenetTables, settings: ScoreSettings) -> Criterion:
    """Return the mean CSI over thresholds; one without events in truth and forecast counts for nothing."""

    def sums(network: nn.Module, batch: Batch) -> Tensor:
        forecast, truth, known = _scored(tables, network, batch)
        counts = []
        for threshold in settings.thresholds:
            # CSI = hits / (hits + misses + false alarms), of scaled values as they are: the release casts them to
            # integers first, which empties its CSI.
            seen, said = (truth >= threshold) & known, (forecast >= threshold) & known
            counts += [(seen & said).sum(), (seen | said).sum()]
        return torch.stack(counts).double().cpu()

    def value(total: Tensor) -> float:
        hits, events = total.reshape(-1, 2).T
        defined = events > 0
        return float((hits[defined] / events[defined]).mean()) if bool(defined.any()) else 0.0

    return Criterion(sums, value, best="high")
