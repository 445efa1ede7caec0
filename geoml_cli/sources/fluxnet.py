"""Eddy-covariance towers: FLUXNET2015, newer FLUXNET products and AmeriFlux BASE, at any of their resolutions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoml_cli.dataset.source import Source, Written
from geoml_cli.sources.flux.options import FluxnetOptions

if TYPE_CHECKING:
    from geoml_cli.dataset.store import DatasetWriter
    from geoml_cli.reporting import Reporter


def inputs(raw: Path, options: FluxnetOptions) -> list[Path]:
    """Find the raw files that are read, and the table of sites.

    Raises:
        DataError: There is none, or it is unclear which are meant.
    """
    from geoml_cli.sources.flux.finding import find

    return find(raw, options).paths()


def write(raw: Path, options: FluxnetOptions, writer: DatasetWriter, reporter: Reporter) -> Written:
    """Write the series and samples of all sites; one site at a time is held in memory.

    Raises:
        DataError: A file is damaged or lacks a column, a site's position is not known, or no target is left.
    """
    from geoml_cli.sources.flux.preparing import prepare

    return prepare(raw, options, writer, reporter)


def synthesise(folder: Path, seed: int) -> FluxnetOptions:
    """Write made-up towers; see `sources/synthetic/fluxnet.py`."""
    from geoml_cli.sources.synthetic import fluxnet

    return fluxnet.synthesise(folder, seed)


SOURCE = Source(
    summary="Eddy-covariance towers (FLUXNET2015 and newer, AmeriFlux BASE): carbon and energy fluxes with drivers",
    options=FluxnetOptions,
    inputs=inputs,
    write=write,
    synthesise=synthesise,
)
