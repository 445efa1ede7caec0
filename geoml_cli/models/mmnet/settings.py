"""The model's own settings; light to import."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.settings import Table


class NetworkSettings(Table):
    """`[network]`: which of the paper's networks, on which inputs."""

    variant: Literal["mmnet", "transformer", "mlp"] = "mmnet"
    """`mmnet` fuses a snapshot with the antecedent weather, `transformer` repeats the snapshot on every day of the
    weather, `mlp` sees the snapshot and the weather of the day itself."""

    days: int = Field(default=11, ge=1)
    """Days of weather that a sample sees, its own included: t-10 to t in the paper. `mlp` sees one."""

    land_cover: Literal["one-hot", "binary", "none"] = "one-hot"
    """Land cover among the inputs: a column for each of the 8 classes, its number in three binary digits, or none."""

    use_indices: bool = True
    """Whether the radar and optical indices are inputs."""

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """p of Gaussian dropout, whose factor has standard deviation p / (1 - p), and of dropout in the Transformer
    layer."""

    def unused(self) -> dict[str, str]:
        """Return settings of the windows, which the MLP does not have."""
        return {"days": "variant is 'mlp', which sees one"} if self.variant == "mlp" else {}


class LossSettings(Table):
    """`[loss]`: what is added to the mean squared error."""

    penalty: float = Field(default=1e-4, ge=0)
    """Weight of the squared weight matrices, divided by the rows of the batch."""


class MmnetTables(ModelTables):
    """The tables that mmnet adds to a preset."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()


TABLES = MmnetTables
