"""The model's own settings; light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from geoml_cli.dataset.settings import Table

Backend = Literal["auto", "mamba-ssm", "fused", "torch"]


class NetworkSettings(Table):
    """`[network]`: size of Geo-Mamba, and what computes its loops."""

    embedding: int = Field(default=128, ge=1)
    """Width E of the stream; 128 where samples have several steps."""

    heads: int = Field(default=2, ge=1)
    """Attention heads H of a fusion; they divide the embedding."""

    layers: int = Field(default=4, ge=1)
    """Mamba blocks N of an encoder."""

    year_term: bool = True
    """Whether time holds the scaled year, beside the periods."""

    periods: tuple[Annotated[float, Field(gt=0)], ...] = (2024.0,)
    """Period of each time scale, in its own unit: 2024 for calendar years; 12, 30, 24, 60 for sub-daily data."""

    backend: Backend = "auto"
    """`mamba-ssm` runs that package's CUDA kernels, `fused` compiled loops on the CPU, `torch` PyTorch's operators
    anywhere; `auto` is the quickest that works where the data are. Weights fit all of them."""
