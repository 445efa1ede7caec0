"""What the network sees of a data set, and what it minimises.

Legend: N samples, B batch, T time steps, D dynamic and S static factors, W time scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.dataset.store import Array, Variables
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.models.geomamba import backend
from geoml_cli.models.geomamba.network import GeoMamba, Shape
from geoml_cli.models.geomamba.settings import GeoMambaTables, LossSettings, NetworkSettings
from geoml_cli.models.spec import Batch, Call
from geoml_cli.samples.coordinates import station_of_records
from geoml_cli.samples.samples import Input, Remembered, Samples, Signature, StationRecords, Target, WindowSpan
from geoml_cli.samples.times import read_clock
from geoml_cli.samples.windows import Windows

INPUTS = {"land_cover": ("land_cover",), "position": ("lat", "lon")}
"""Inputs that are called the same in every data set, and their columns."""
FEWEST_STATIONS = 10
"""From which on the network sees the site itself."""
MOVING = ("dynamic", "year", "time")
"""Inputs that change from step to step; the others have one for all."""
_SEASONS = {"month": 12, "day-of-year": 366}
"""Clocks that turn once a year, and how far they count."""
_MONTH_HOURS, _YEAR_HOURS = 730.5, 8766.0
"""Mean lengths: a month's and a year's step have no length of their own."""


def samples(tables: GeoMambaTables, variables: Variables) -> Samples:
    """Take factors, contexts and target out of prepared variables; nothing is copied but times.

    Raises:
        SettingsError: Several steps of data without series, or a loss that does not fit the target.
        DataError: A land-cover class that the network has no place for.
    """
    settings, ends = with_site_choice(tables, variables).network, ends_of(variables)
    steps = settings.steps
    place = np.asarray(variables.array("station_index"), dtype=np.int64) if variables.has("station_index") else ends
    if steps > 1 and not variables.has("history"):
        raise SettingsError(
            f"steps = {steps}, but the samples are single points in time.",
            where="[network]",
            fix="Use --set network.steps=1, or a source with series such as fluxnet.",
        )
    # Windows that are not whole may begin before the series: they are moved into it, and never looked at.
    ends = np.maximum(ends, steps - 1)
    moving = _moving(settings, variables, ends, steps)
    standing = _standing(settings, variables, place) if settings.site_inputs == "on" else {}
    # In the order of a table's columns: factors, the site, times.
    inputs = {"dynamic": moving.pop("dynamic"), **standing, **moving}
    whole = variables.array("history") >= steps if steps > 1 else None
    station = place if variables.has("station_index") else np.zeros(len(ends), dtype=np.int64)
    span = WindowSpan(station, ends - (steps - 1), ends, _step_hours(variables)) if steps > 1 else None
    classes = tuple(variables.labels("class_name")) if variables.has("class_name") else ()
    codes = tuple(int(code) for code in variables.array("class_code")) if classes else ()
    _check_loss(tables.loss, classes)
    name = variables.labels("target")[0]
    known = variables.has(name)  # a user's own table has none
    target = np.asarray(variables.array(name), dtype=np.float32) if known else None
    described = Target(name, variables.unit(name) if known else "", target, classes, codes)
    return Samples(inputs, described, span, whole, records=_records(variables))


def with_site_choice(tables: GeoMambaTables, variables: Variables) -> GeoMambaTables:
    """Return the settings with `site_inputs = "auto"` written out: on without stations, or with ten or more."""
    if tables.network.site_inputs != "auto":
        return tables
    few = variables.has("station_index") and len(variables.labels("station")) < FEWEST_STATIONS
    network = tables.network.model_copy(update={"site_inputs": "off" if few else "on"})
    return tables.model_copy(update={"network": network})


def ends_of(variables: Variables) -> NDArray[np.int64]:
    """Return the place of every sample's own step in its series: a sample without series is its own."""
    if variables.has("index"):
        return np.asarray(variables.array("index"), dtype=np.int64)
    return np.arange(len(variables.array("time")), dtype=np.int64)


def _moving(settings: NetworkSettings, variables: Variables, ends: NDArray[np.int64], steps: int) -> dict[str, Input]:
    names = variables.labels("dynamic")
    time, unit = variables.array("time"), variables.unit("time")
    clocks = [read_clock(time, unit, clock) for clock in settings.clocks]
    if settings.southern_season:
        south = _is_south(variables)
        clocks = [_half_a_year_on(clock, values, south) for clock, values in zip(settings.clocks, clocks, strict=True)]
    found = {"dynamic": _windows([variables.array(name) for name in names], ends, steps, tuple(names))}
    if settings.year_term:
        found["year"] = _windows([read_clock(time, unit, "year")], ends, steps, ("year",))
    # Each clock is divided by its period in the network, and is not scaled before.
    return found | {"time": _windows(clocks, ends, steps, settings.clocks, remembered="nothing")}


def input_notes(settings: NetworkSettings) -> Mapping[str, str]:
    """Say which numbers classes have, and how clocks are shifted south of the equator: a graph is given them so."""
    cover = (
        "the number of the class, from 0, in category_name of the prepared data set; numbers that are no whole ones "
        f"of 0 to {settings.categories - 1} give NaN"
    )
    shifted = [clock for clock in settings.clocks if clock in _SEASONS] if settings.southern_season else []
    notes = ["hours are whole, of 00:30 0"] if "hour" in settings.clocks else []
    if shifted:
        ways = [f"{clock} is (n - 1 + {_SEASONS[clock] // 2}) mod {_SEASONS[clock]} + 1" for clock in shifted]
        notes.append(f"south of the equator {' and '.join(ways)} of the calendar's n, half a year on")
    return {"land_cover": cover} | ({"time": "; ".join(notes)} if notes else {})


def _is_south(variables: Variables) -> NDArray[np.bool_]:
    """Return which records are of a station south of the equator, [R]."""
    if not variables.has("station_first"):
        raise SettingsError(
            "southern_season = true, but the samples are no series of stations.",
            where="[network]",
            fix="Use --set network.southern_season=false.",
        )
    south: NDArray[np.bool_] = np.asarray(variables.array("lat"))[station_of_records(variables)] < 0
    return south


def _half_a_year_on(clock: str, values: NDArray[np.float32], south: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Shift the clocks that turn once a year, which count from 1."""
    if clock not in _SEASONS:
        return values
    length = _SEASONS[clock]
    return np.where(south, (values - 1 + length // 2) % length + 1, values)


def _standing(settings: NetworkSettings, variables: Variables, place: NDArray[np.int64]) -> dict[str, Input]:
    names = variables.labels("static")
    code = variables.array("category")
    if len(code) and not 0 <= int(code.min()) <= int(code.max()) < settings.categories:
        categories = len(variables.labels("category_name"))
        raise DataError(
            f"land-cover classes run from {code.min()} to {code.max()}, the network has {settings.categories}",
            where="category",
            fix=f"Use --set network.categories={categories}.",
        )
    return {
        "static": _windows([variables.array(name) for name in names], place, 1, tuple(names)),
        "land_cover": _windows([code], place, 1, INPUTS["land_cover"], remembered="classes"),
        "position": replace(
            _windows([variables.array(name) for name in INPUTS["position"]], place, 1, INPUTS["position"]), scaled=False
        ),
    }


def _windows(
    series: list[Array],
    ends: NDArray[np.int64],
    steps: int,
    names: tuple[str, ...],
    *,
    remembered: Remembered = "range",
) -> Input:
    cut = cast(Array, Windows(series, ends, steps, 1))  # computed lazily; cast is for the type checker
    return Input(cut, axis=2, names=names, scaled=remembered == "range", remembered=remembered)


def _records(variables: Variables) -> StationRecords | None:
    if not (variables.has("station_index") and variables.has("index")):
        return None
    minute_N = np.asarray(variables.array("time"), dtype=np.int64)[ends_of(variables)]
    return StationRecords(
        np.asarray(variables.array("station_index"), dtype=np.int64), minute_N, int(variables.array("step")[0])
    )


def _step_hours(variables: Variables) -> float:
    # Steps without a length of their own are coded: 0 is a month, -1 a year.
    minutes = int(variables.array("step")[0])
    return minutes / 60 if minutes > 0 else _MONTH_HOURS if minutes == 0 else _YEAR_HOURS


def _check_loss(settings: LossSettings, classes: tuple[str, ...]) -> None:
    if bool(classes) == (settings.kind == "cross-entropy"):
        return
    kind = "classes" if classes else "a quantity"
    raise SettingsError(
        f"kind = {settings.kind!r} does not fit a target of {kind}.",
        where="[loss]",
        fix=f"Use --set loss.kind={'cross-entropy' if classes else 'huber'}.",
    )


def make(tables: GeoMambaTables, data: Signature) -> nn.Module:
    """Build the network for data of these shapes."""
    steps, dynamic = data.inputs["dynamic"].shape
    site = "static" in data.inputs
    static = data.inputs["static"].shape[-1] if site else 0
    outputs = max(len(data.classes), 1)
    return GeoMamba(tables.network, Shape(dynamic, static, steps, tables.network.categories, outputs, site))


def kernels(tables: GeoMambaTables) -> str:
    """Name what computes the loops here."""
    return backend.chosen(tables.network.backend)


def compiles(tables: GeoMambaTables) -> bool:
    """Return whether these loops are compiled before the first step."""
    return backend.compiles(tables.network.backend)


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """Return the scaled target, shape [B], or scores of the classes before softmax, [B, classes]."""
    steps = batch["dynamic"].shape[1]
    time_BTW = torch.cat([batch["year"], batch["time"]], dim=-1) if "year" in batch else batch["time"]
    if "static" not in batch:
        output_BO: Tensor = network(batch["dynamic"], None, None, None, time_BTW)
    else:
        # What stands still has one step; it is shown as T of them without a copy.
        static_BTS, cover_BT1, position_BT2 = (
            batch[name].expand(-1, steps, -1) for name in ("static", "land_cover", "position")
        )
        output_BO = network(batch["dynamic"], static_BTS, cover_BT1[..., 0], position_BT2, time_BTW)
    return output_BO.squeeze(1) if output_BO.shape[1] == 1 else output_BO


def loss(settings: LossSettings, network: nn.Module, batch: Batch, call: Call) -> Tensor:
    """Return the mean loss over the batch: no penalty, and the same at every step."""
    return mean_loss(settings, network, batch)


def mean_loss(settings: LossSettings, network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean loss over the batch."""
    output, target = predict(network, batch), batch["target"]
    if settings.kind == "cross-entropy":
        return functional.cross_entropy(output, target.long())
    if settings.kind == "huber":
        return functional.huber_loss(output, target, delta=settings.delta)
    return functional.mse_loss(output, target) if settings.kind == "mse" else functional.l1_loss(output, target)
