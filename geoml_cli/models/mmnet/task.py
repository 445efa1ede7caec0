"""What the networks see of a data set, and what they minimise.

Legend: N samples, R records (days of all stations, one station after another), B batch, T days.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.dataset.store import Array, Variables
from geoml_cli.errors import SettingsError
from geoml_cli.models.mmnet.network import build
from geoml_cli.models.mmnet.settings import LossSettings, MmnetTables, NetworkSettings
from geoml_cli.models.spec import Batch, Call
from geoml_cli.samples.samples import Input, Samples, Signature, Target, WindowSpan
from geoml_cli.samples.times import read_clock
from geoml_cli.samples.windows import Windows

Index = NDArray[np.int64]
Series = dict[str, Array]
TARGET, UNIT = "soil_moisture", "m3 m-3"
SITE = ("lat", "lon", "elevation", "slope", "aspect_normalized", "clay", "bd", "sand")
"""Variables of a station; the first five stand before the weather in the paper's MLP, the soil as well."""
SMAP = "SMAP"
# Binary digits that number the paper's eight classes of land cover.
BITS = 3
_HOURS = 24.0


def samples(tables: MmnetTables, variables: Variables) -> Samples:
    """Take snapshot, weather and target out of prepared variables; the windows of weather are views.

    Raises:
        SettingsError: The data set holds shorter histories than the network's window.
    """
    settings = tables.network
    days = 1 if settings.variant == "mlp" else settings.days
    index = np.asarray(variables.array("index"), dtype=np.int64)
    history = np.asarray(variables.array("history"))
    if len(history) and int(history.max()) < days:
        raise SettingsError(
            f"days = {days}, but the longest unbroken weather is {int(history.max())} days long.",
            where="[network]",
            fix="Use --set network.days with a smaller number, or prepare longer exports.",
        )
    snapshot = _snapshot(settings, variables)
    # One row a sample, so that a batch is one gather; 28 numbers, where the window next to it would be 88.
    static_NS = np.stack([np.asarray(series, dtype=np.float32)[index] for series in snapshot.values()], axis=1)
    inputs = {"static": Input(static_NS, axis=1, names=tuple(snapshot))}
    if settings.variant != "mlp":
        # Windows with gaps may begin before the first record: they are moved behind it, and never looked at.
        inputs["dynamic"] = _windows(weather(variables), np.maximum(index, days - 1), days)
    complete = (history >= days) & np.isfinite(static_NS).all(axis=1)
    station = np.asarray(variables.array("station_index"), dtype=np.int64)
    span = WindowSpan(station, index - (days - 1), index, _HOURS)
    target = np.asarray(variables.array(TARGET), dtype=np.float32) if variables.has(TARGET) else None
    return Samples(inputs, Target(TARGET, UNIT, target), span, complete)


def _windows(series: Series, ends: Index, days: int) -> Input:
    cut = Windows(list(series.values()), ends, days, 1)
    return Input(cast(Array, cut), axis=2, names=tuple(series))  # computed lazily; cast is for the type checker


def weather(variables: Variables) -> Series:
    """Return the daily weather by name, each [R]."""
    return {name: variables.array(name) for name in variables.labels("dynamic")}


def _snapshot(settings: NetworkSettings, variables: Variables) -> Series:
    """Return the snapshot's variables by name in the paper's order, each [R], NaN where missing."""
    # Columns of the first layer follow the order in which names are added here.
    found = _cover(settings, variables)
    found["DoY_normalized"] = day_of_year(variables)
    records = len(variables.array("time"))
    first = np.asarray(variables.array("station_first"), dtype=np.int64)
    lengths = np.diff(np.append(first, records))
    for name in SITE:
        found[name] = np.repeat(np.asarray(variables.array(name), dtype=np.float32), lengths)
    if settings.variant == "mlp":
        # The baseline takes the day's own weather between soil and SMAP.
        found |= weather(variables)
    found[SMAP] = variables.array(SMAP)
    if settings.use_indices:
        found |= {name: variables.array(name) for name in variables.labels("index_name")}
        found |= radar_indices(variables.array("VV"), variables.array("VH"))
    return found


STATIC_WORDS = (
    "DoY_normalized is cos(pi (DoY - 1) / 365), aspect_normalized cos(pi aspect / 360), aspect in degrees; of "
    "reflectances B2 to B7 of HLS (0 to 1), ndvi is (B5 - B4) / (B5 + B4), "
    "evi 2.5 (B5 - B4) / (B5 + 6 B4 - 7.5 B2 + 1), ndwi (B3 - B5) / (B3 + B5), lswi (B5 - B6) / (B5 + B6), "
    "nsdsi (B6 - B7) / B6; of backscatter of Sentinel-1 in dB, as the paper has it, cr is VV / VH, "
    "dpsvim (VV^2 + VH^2) / 32, pol (VV + VH) / (VV - VH), rvim 4 VH / (VV + VH), vvvh VV - VH; reflectances and "
    "backscatter of days without a scene are filled as `prepare smap --fill` says, in a straight line by default, SMAP "
    "by the day before"
)
"""How what is computed of the snapshot is made, for the card of an export."""


def day_of_year(variables: Variables) -> NDArray[np.float32]:
    """Return cos(pi (DoY - 1) / 365) of every record, [R]: 1 in January, -1 in December."""
    day = read_clock(variables.array("time"), variables.unit("time"), "day-of-year").astype(np.float64)
    # 365 in leap years as well, as published: 31 December is then at pi, and 30 December where other years end.
    return np.asarray(np.cos(np.pi * (day - 1) / 365), dtype=np.float32)


def radar_indices(vv_R: Array, vh_R: Array) -> Series:
    """Return the paper's radar indices of backscatter [dB], each [R], NaN where a quotient is not defined.

    The paper forms them from decibels, where ratios and squares have no physical meaning; reproduced, since the
    released weights expect it.
    """
    vv, vh = np.asarray(vv_R, dtype=np.float64), np.asarray(vh_R, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "cr": vv / vh,
            "dpsvim": (vv**2 + vh**2) / 2**5,
            "pol": (vv + vh) / (vv - vh),
            "rvim": 4 * vh / (vv + vh),
            "vvvh": vv - vh,
        }
    return {name: np.where(np.isfinite(values), values, np.nan).astype(np.float32) for name, values in found.items()}


def _cover(settings: NetworkSettings, variables: Variables) -> Series:
    """Return land cover as columns of 0 and 1, NaN where it is of no class."""
    if settings.land_cover == "none":
        return {}
    code = np.asarray(variables.array("land_cover"))
    known = code >= 0
    if settings.land_cover == "binary":
        digits = {f"land_cover=bit {bit}": code >> bit & 1 for bit in range(BITS)}
    else:
        names = variables.labels("land_cover_name")
        # Columns with `=` are one covariate to the permutation importance.
        digits = {f"land_cover={name}": code == place for place, name in enumerate(names)}
    return {name: np.where(known, digit, np.nan).astype(np.float32) for name, digit in digits.items()}


def make(tables: MmnetTables, data: Signature) -> nn.Module:
    """Build the network for data of these shapes."""
    settings = tables.network
    snapshot = data.inputs["static"].shape[-1]
    days, variables = data.inputs["dynamic"].shape if "dynamic" in data.inputs else (1, 0)
    return build(settings.variant, snapshot, (days, variables), settings.dropout)


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """Return soil moisture [m3 m-3], shape [B]."""
    seen = [batch["static"], *([batch["dynamic"]] if "dynamic" in batch else [])]
    moisture_B: Tensor = network(*seen)
    return moisture_B


def mean_square(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean squared error."""
    return functional.mse_loss(predict(network, batch), batch["target"])


def penalty(network: nn.Module) -> Tensor:
    """Return the sum of squares of all weight matrices; biases, norms and buffers are not penalised."""
    # Matrices are known by their two axes: the attention's joint projection, a plain parameter, counts as in the paper.
    return torch.stack([weight.square().sum() for weight in network.parameters() if weight.ndim == 2]).sum()


def loss(settings: LossSettings, network: nn.Module, batch: Batch, call: Call) -> Tensor:
    """Return (MSE + penalty * sum of squared weights / rows) / 2.

    The paper divides the penalty by the rows of the batch, so that the last, smaller batch of an epoch is penalised
    more; `call.rows` are those of the whole batch, however it is cut.
    """
    return (mean_square(network, batch) + settings.penalty * penalty(network) / call.rows) / 2
