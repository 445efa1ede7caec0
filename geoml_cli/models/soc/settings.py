"""The model's own settings; light to import."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.settings import Table


class NetworkSettings(Table):
    """`[network]`: which of the paper's networks, on which series."""

    variant: Literal["cnn", "lstm", "cnn-lstm"] = "cnn-lstm"
    """`cnn` sees the window of static covariates, `lstm` the yearly series, `cnn-lstm` both."""

    series: Literal["evi", "lsp", "evi_lsp"] = "evi_lsp"
    """Features of the yearly series: the vegetation index, the phenology (all others), or both in this order."""

    hidden: int = Field(default=8, ge=1)
    """Width of the LSTM."""

    layers: int = Field(default=2, ge=1)
    """Layers of the LSTM."""

    def unused(self) -> dict[str, str]:
        """Return settings of the LSTM where there is none."""
        return dict.fromkeys(("series", "hidden", "layers"), "variant is 'cnn'") if self.variant == "cnn" else {}


class SocTables(ModelTables):
    """The tables that soc adds to a preset."""

    network: NetworkSettings = NetworkSettings()


TABLES = SocTables
