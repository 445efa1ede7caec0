"""Land cover: pixels drawn from yearly class rasters (CLCD, NLCD or any other), with covariate rasters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoml_cli.dataset.source import Source, Written
from geoml_cli.sources.landcover.options import ClcdOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoml_cli.dataset.manifest import Manifest
    from geoml_cli.dataset.source import Places, Scene
    from geoml_cli.dataset.store import DatasetWriter
    from geoml_cli.reporting import Reporter


def inputs(raw: Path, options: ClcdOptions) -> list[Path]:
    """Find the rasters that are read.

    Raises:
        DataError: They are missing, or it is not clear which are meant.
    """
    from geoml_cli.sources.landcover import samples
    from geoml_cli.sources.readers.rasters import require_rasterio

    require_rasterio()
    return samples.inputs(raw, options)


def write(raw: Path, options: ClcdOptions, writer: DatasetWriter, reporter: Reporter) -> Written:
    """Draw pixels and write them with their covariates.

    Raises:
        DataError: A raster is missing or damaged, or no pixel is left.
    """
    from geoml_cli.sources.landcover import samples

    return samples.write(raw, options, writer, reporter)


def synthesise(folder: Path, seed: int) -> ClcdOptions:
    """Write made-up class rasters and covariates; see `sources/synthetic/clcd.py`."""
    from geoml_cli.sources.synthetic import clcd

    return clcd.synthesise(folder, seed)


def scene(folder: Path, manifest: Manifest) -> Scene:
    """Open covariates for a map."""
    from geoml_cli.sources.landcover.scene import open_scene

    return open_scene(folder, manifest)


def places(path: Path, crs: str, rows: int) -> Iterator[Places]:
    """Read points to predict at, some rows at a time."""
    from geoml_cli.sources.readers.places import places as read

    return read(path, crs, rows)


SOURCE = Source(
    summary="Land cover: pixels of yearly class rasters (CLCD, NLCD or others) with covariate rasters (GeoTIFF)",
    options=ClcdOptions,
    inputs=inputs,
    write=write,
    synthesise=synthesise,
    scene=scene,
    places=places,
)
