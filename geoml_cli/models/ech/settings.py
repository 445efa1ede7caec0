"""The model's own settings; light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.settings import Table
from geoml_cli.source import POSITIONAL, Options


class NetworkSettings(Table):
    """`[network]`: the two networks."""

    part: Literal["both", "classifier", "regressor"] = "both"
    """`both`, or one of the two alone."""

    hidden: int = Field(default=64, ge=1)
    """Width of the LSTM over each window."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout after the sixth and seventh layer of the trunk, in training."""


class WaveSettings(Table):
    """`[wave]`: what counts as a wave, and how much."""

    threshold: float = 0.0
    """Amplitude from which a wave counts as present [dB]; a column `presence` of the data comes first."""

    positive_weight: float = Field(default=1.0, gt=0)
    """Weight of samples with a wave in the classifier's loss; above 1 where waves are rare. Probabilities stay those of
    the samples: to predict more waves, lower `wave.probability`."""

    probability: float = Field(default=0.5, gt=0, lt=1)
    """Probability above which a wave is predicted to be present."""


class GridSettings(Table):
    """`[grid]`: the map of a moment, L by magnetic local time."""

    l_low: float = Field(default=3.0, gt=1)
    """Smallest L [Earth radii]."""

    l_high: float = Field(default=7.0, gt=1)
    """Largest L [Earth radii]."""

    l_cells: int = Field(default=80, ge=2)
    """Cells between them."""

    mlt_cells: int = Field(default=96, ge=4)
    """Cells around the Earth; 96 are a quarter of an hour each."""

    @model_validator(mode="after")
    def _rising(self) -> GridSettings:
        if self.l_low >= self.l_high:
            raise ValueError(f"l_low {self.l_low:g} is not below l_high {self.l_high:g}")
        return self


class EchTables(ModelTables):
    """The tables that ech adds to a preset."""

    network: NetworkSettings = NetworkSettings()
    wave: WaveSettings = WaveSettings()
    grid: GridSettings = GridSettings()

    def unused(self) -> dict[str, str]:
        """Return settings of the classifier where it is not trained."""
        own = ("wave.positive_weight", "wave.probability")
        return dict.fromkeys(own, "part is 'regressor'") if self.network.part == "regressor" else {}


class TimeMapOptions(Options):
    """Flags of maps at given times, L by magnetic local time."""

    map: bool = False
    """Predict the grid of L and magnetic local time at each TIME."""

    times: Annotated[tuple[str, ...], POSITIONAL] = ()
    """With --map: times to map, in UTC; 2013-03-17/2013-03-18/30min is one every half hour."""

    mlat: float = Field(default=0.0, ge=-90, le=90)
    """Magnetic latitude of the map [degrees]."""


TABLES = EchTables
