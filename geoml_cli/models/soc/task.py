"""What the networks see of a data set, and what they minimise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.dataset.store import Array, Variables
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.models.soc import dense
from geoml_cli.models.soc.network import WINDOW, Cnn, CnnLstm, build
from geoml_cli.models.soc.settings import SocTables
from geoml_cli.models.spec import Batch, Call
from geoml_cli.samples.samples import Input, Samples, Signature, Target

_EVI = "evi"


def samples(tables: SocTables, variables: Variables) -> Samples:
    """Take the variant's inputs out of prepared variables.

    Raises:
        SettingsError: The data have no such covariates or series.
    """
    variant = tables.network.variant
    inputs: dict[str, Input] = {}
    if variant != "lstm":
        inputs["static"] = _static(variables)
    if variant != "cnn":
        inputs["series"] = _series(variables, tables.network.series)
    known = variables.has("soc")  # the pixels of a map have none
    target = Target("soc", variables.unit("soc"), variables.array("soc")) if known else Target("soc", "")
    return Samples(inputs, target)


def make(tables: SocTables, data: Signature) -> nn.Module:
    """Build the network for data of these shapes."""
    static, series = data.inputs.get("static"), data.inputs.get("series")
    return build(tables.network, static.shape[0] if static else 0, series.shape[-1] if series else 0)


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """Run the network on what it sees, shape [B]."""
    seen = [batch[name] for name in ("static", "series") if name in batch]
    output: Tensor = network(*seen)
    return output


def predict_block(network: nn.Module, batch: Batch, windows_B: Tensor) -> Tensor:
    """Run the network on windows of a block, shape [B]; the convolutions run once over the block."""
    assert isinstance(network, Cnn | CnnLstm), "a network that sees windows"
    hidden_BD = dense.convolved(batch["static"], network.conv1, network.conv2).index_select(0, windows_B)
    output: Tensor = network.head(hidden_BD, *(batch[name] for name in ("series",) if name in batch))
    return output


def mean_square(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean squared error in the scaled target's units."""
    return functional.mse_loss(predict(network, batch), batch["target"])


def loss(network: nn.Module, batch: Batch, call: Call) -> Tensor:
    """Return the mean squared error: no penalty, and the same at every step."""
    return mean_square(network, batch)


def features(samples: Samples) -> tuple[NDArray[np.float32], list[str]]:
    """Lay samples out as a table: the window's centre pixel, and every feature of every year.

    Returns:
        Table [N, F] in physical units, and F names.
    """
    columns: list[Array] = []
    names: list[str] = []
    if static := samples.inputs.get("static"):
        middle = static.values.shape[-1] // 2
        columns.append(static.values[:, :, middle, middle])
        names += static.names
    if series := samples.inputs.get("series"):
        years = series.values.shape[1]
        columns.append(series.values[:].reshape(len(samples), -1))
        names += [f"{feature}[{year}]" for year in range(years) for feature in series.names]
    return np.concatenate(columns, axis=1).astype(np.float32), names


def _static(variables: Variables) -> Input:
    if not variables.has("static"):
        raise SettingsError(
            "the data hold no static covariates.",
            where="[network] variant",
            fix="Use --set network.variant=lstm, or prepare with static rasters.",
        )
    values = variables.array("static")
    if values.shape[-1] != WINDOW:
        raise DataError(
            f"windows are {values.shape[-1]} pixels wide, the network takes {WINDOW}",
            where="static",
            fix=f"Prepare with --window {WINDOW}.",
        )
    return Input(values, axis=1, names=tuple(variables.labels("covariate")))


def _series(variables: Variables, wanted: str) -> Input:
    names = variables.labels("feature") if variables.has("series") else []
    evi = [place for place, name in enumerate(names) if name == _EVI]
    others = [place for place, name in enumerate(names) if name != _EVI]
    # EVI before phenology: the order of the released weights' inputs.
    chosen = {"evi": evi, "lsp": others, "evi_lsp": evi + others}[wanted]
    lacking = not chosen or (wanted == "evi_lsp" and not (evi and others))
    if lacking:
        series = ", ".join(names) or "no yearly series"
        raise SettingsError(
            f"series = {wanted!r} asks for features that the data do not hold ({series}).",
            where="[network]",
            fix="Prepare data that hold them; or train a network of static covariates alone "
            "(--set network.variant=cnn), or of another series.",
        )
    values = variables.array("series")
    # All features in their own order are taken as a view; only a choice of some is copied.
    if chosen != list(range(len(names))):
        values = values[:, :, chosen]
    return Input(values, axis=2, names=tuple(names[place] for place in chosen))
