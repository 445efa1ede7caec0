"""The model's own settings; light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.settings import Table
from geoml_cli.source import Options

_HALVINGS = {"tidenet": 3, "simvp": 1}
"""How often each variant halves rows and columns of a map."""


class NetworkSettings(Table):
    """`[network]`: which network, and how many maps it sees and forecasts."""

    variant: Literal["tidenet", "simvp"] = "tidenet"
    """`tidenet`, or the convolutional baseline `simvp` of the paper."""

    frames_in: int = Field(default=6, ge=1)
    """Maps of the past that the network sees."""

    frames_out: int = Field(default=6, ge=1)
    """Maps that it forecasts: the lead times."""

    hidden: int = Field(default=64, ge=32, multiple_of=32)
    """Channels h of TIDE-Net; a multiple of 32. SimVP has channels of its own."""

    spectral_number: int = Field(default=20, ge=1)
    """Rows and columns of low frequencies over which phases are compared; 20 at 128 x 128."""


_FEWEST_CELLS = 64
"""Of a map, whose sides are multiples of 8."""


class FrameSettings(Table):
    """`[frames]`: from the data set's maps to those of the network, and windows of them."""

    crop: tuple[int, ...] = ()
    """First row, first column, rows and columns that are kept; empty keeps the whole map."""

    square: bool = False
    """Pad the crop to a square, evenly on both sides."""

    size: tuple[int, ...] = ()
    """Rows and columns of the network's map, reached by antialiased bilinear interpolation; empty keeps the cells and
    pads up to multiples of 8."""

    most_cells: int | None = Field(default=None, ge=0)
    """Cells of the network's map where no size is given, 64 or more: larger maps are shrunk evenly to about as many, to
    multiples of 8; time and memory grow with them. 0 shrinks none."""

    land: Literal["excluded", "zero"] = "excluded"
    """`excluded`: missing cells count in no mean, loss or score. `zero`: missing cells are 0 in physical units and
    count like any other (the paper's way)."""

    land_value: float = 0.0
    """Scaled value that the network sees where a cell is missing."""

    clip: bool = False
    """Clip scaled maps to 0..1 before the network sees them (the paper's way): values beyond the training range are
    lost."""

    stride: int = Field(default=1, ge=1)
    """Time steps between the first maps of two windows."""

    def unused(self) -> dict[str, str]:
        """Return settings of missing cells where there are none."""
        return {"land_value": "land is 'zero', so that no cell is missing"} if self.land == "zero" else {}

    @model_validator(mode="after")
    def _whole(self) -> FrameSettings:
        if len(self.crop) not in (0, 4):
            raise ValueError(f"crop is [row, column, rows, columns], not {list(self.crop)}")
        if min(self.crop, default=0) < 0 or 0 in self.crop[2:]:
            raise ValueError(f"crop = {list(self.crop)}: rows and columns are counted from 0, and at least one is kept")
        if len(self.size) not in (0, 2) or min(self.size, default=1) < 1:
            raise ValueError(f"size is [rows, columns], not {list(self.size)}")
        if self.size and self.most_cells:
            raise ValueError("size and most_cells exclude each other; most_cells = 0 leaves the choice to size")
        if self.most_cells and self.most_cells < _FEWEST_CELLS:
            raise ValueError(f"most_cells is {_FEWEST_CELLS} or more, or 0 to shrink no maps, not {self.most_cells}")
        return self


class LossSettings(Table):
    """`[loss]`: coefficients of TIDE-Net's terms in addition to the error of the forecast; SimVP has none of them."""

    phase: float = Field(default=0.001, ge=0)
    """Of the phase error of low frequencies."""

    spectrum: float = Field(default=0.01, ge=0)
    """Of the error of the amplitude forecast's spectrum at the first step; it falls linearly to 0."""

    spectrum_steps: int = Field(default=1000, ge=1)
    """Training step from which on that error has no weight."""

    amplitude: float = Field(default=0.1, ge=0)
    """Of the error of the amplitude forecast."""

    def unused(self) -> dict[str, str]:
        """Return settings of a term that has no weight."""
        return {} if self.spectrum else {"spectrum_steps": "spectrum is 0"}


class ScoreSettings(Table):
    """`[scores]`: events that forecasts are scored by."""

    thresholds: tuple[float, ...] = Field(default=(0.1, 0.3, 0.5, 0.7), min_length=1)
    """Values of the scaled range at or above which there is an event."""

    threshold: float | None = None
    """Value in the target's unit at or above which there is an event; 0 tells sources from sinks of a flux."""

    fractions: tuple[Annotated[int, Field(ge=1)], ...] = (5,)
    """Sides of the squares [cells] of the fractions skill score, at the middle of `thresholds`."""


class TidenetTables(ModelTables):
    """The tables that tidenet adds to a preset."""

    network: NetworkSettings = NetworkSettings()
    frames: FrameSettings = FrameSettings()
    loss: LossSettings = LossSettings()
    scores: ScoreSettings = ScoreSettings()

    def unused(self) -> dict[str, str]:
        """Return settings of TIDE-Net where the network is SimVP."""
        own = ("network.hidden", "network.spectral_number", *(f"loss.{name}" for name in LossSettings.model_fields))
        return dict.fromkeys(own, "variant is 'simvp'") if self.network.variant == "simvp" else {}

    @model_validator(mode="after")
    def _fitting(self) -> TidenetTables:
        """Refuse a size before anything is read: the network itself is built much later."""
        halvings, multiple = _HALVINGS[self.network.variant], 2 ** _HALVINGS[self.network.variant]
        if odd := [side for side in self.frames.size if side % multiple]:
            raise ValueError(
                f"frames.size = {list(self.frames.size)}: {odd[0]} is not a multiple of {multiple}; "
                f"{self.network.variant} halves maps {halvings} time(s)"
            )
        return self


class ForecastOptions(Options):
    """Flags of forecasts."""

    date: tuple[str, ...] = ()
    """First time step of a forecast, such as 2018-01; repeatable [the step after the data set's last]."""

    steps: int | None = None
    """Maps to forecast [as many as the network was trained for]; more feeds the network its own maps."""


TABLES = TidenetTables
