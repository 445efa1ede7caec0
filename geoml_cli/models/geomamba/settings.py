"""The model's own settings; light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.settings import Table

Backend = Literal["auto", "mamba-ssm", "fused", "torch"]
SiteInputs = Literal["auto", "on", "off"]
CLOCK = ("year", "month", "day", "day-of-year", "hour", "minute")
"""What of a time a scale can count."""
Scale = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(CLOCK)})/[0-9]+(\.[0-9]+)?$")]


class NetworkSettings(Table):
    """`[network]`: size of Geo-Mamba, and what computes its loops."""

    embedding: int = Field(default=128, ge=1)
    """Width E of the stream; equal to `width` where samples have several steps."""

    width: int = Field(default=128, ge=1)
    """Width M of the Mamba blocks over factors; 128 in the paper, less is quicker."""

    heads: int = Field(default=2, ge=1)
    """Attention heads H of a fusion; they divide the embedding."""

    layers: int = Field(default=4, ge=1)
    """Mamba blocks N of an encoder."""

    steps: int = Field(default=1, ge=1)
    """Time steps T of a sample, ending with its own; more than one needs a source with series."""

    categories: int = Field(default=17, ge=1)
    """Classes K of land cover among the inputs; 17 are MODIS IGBP."""

    year_term: bool = True
    """Whether time holds the scaled year, in addition to the scales."""

    scales: tuple[Scale, ...] = Field(default=("year/2024",), min_length=1)
    """What of a sample's time is turned into cosine and sine, and its period: year, month, day, day-of-year, hour and
    minute, such as `month/12`."""

    site_inputs: SiteInputs = "on"
    """Whether the network sees the site itself: its position, its static factors and its land cover. `auto` does so
    from ten stations on: fewer are distinguished one by one, and what is learnt of them holds nowhere else. A run keeps
    what was chosen. Baselines see what the network sees."""

    southern_season: bool = False
    """Whether month and day of year of stations south of the equator are shifted by half a year, so that a season is
    the same everywhere."""

    backend: Backend = "auto"
    """`mamba-ssm` runs that package's CUDA kernels, `fused` compiled loops on the CPU, `torch` PyTorch's operators
    anywhere; `auto` is the quickest that works where the data are. Weights fit all of them."""

    def unused(self) -> dict[str, str]:
        """Return settings of attention over several steps where there is one."""
        why = "steps = 1, and attention to one step has one weight; it only has to divide the embedding"
        return {"heads": why} if self.steps == 1 else {}

    @property
    def clocks(self) -> tuple[str, ...]:
        """Return what each scale counts."""
        return tuple(scale.partition("/")[0] for scale in self.scales)

    @property
    def periods(self) -> tuple[float, ...]:
        """Return the period of each scale, in its own unit."""
        return tuple(float(scale.partition("/")[2]) for scale in self.scales)

    @field_validator("scales")
    @classmethod
    def _turning(cls, scales: tuple[str, ...]) -> tuple[str, ...]:
        if still := [scale for scale in scales if not float(scale.partition("/")[2])]:
            raise ValueError(f"{still[0]} has a period of 0")
        return scales


class LossSettings(Table):
    """`[loss]`: what is minimised, in the scaled target's units."""

    kind: Literal["huber", "mse", "mae", "cross-entropy"] = "huber"
    """`huber`, `mse` and `mae` for a quantity, `cross-entropy` for classes."""

    delta: float = Field(default=1.0, gt=0)
    """Error from which the Huber loss grows linearly."""

    def unused(self) -> dict[str, str]:
        """Return settings of the Huber loss where it is another one."""
        return {} if self.kind == "huber" else {"delta": f"kind is {self.kind!r}"}


class GeoMambaTables(ModelTables):
    """The tables that geomamba adds to a preset."""

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()


TABLES = GeoMambaTables
