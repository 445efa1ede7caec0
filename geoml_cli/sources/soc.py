"""Soil organic carbon samples: the paper's released arrays, or points and covariate rasters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoml_cli.dataset.source import Source, Written
from geoml_cli.errors import DataError
from geoml_cli.sources.soil.options import SocOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoml_cli.dataset.manifest import Manifest
    from geoml_cli.dataset.source import Places, Scene
    from geoml_cli.dataset.store import DatasetWriter
    from geoml_cli.reporting import Reporter


def inputs(raw: Path, options: SocOptions) -> list[Path]:
    """Find the raw files that are read.

    Raises:
        DataError: They are missing, or it is not clear which are meant.
    """
    from geoml_cli.sources.soil import released, stacked

    return released.inputs(raw, options) if _is_released(raw) else stacked.inputs(raw, options)


def write(raw: Path, options: SocOptions, writer: DatasetWriter, reporter: Reporter) -> Written:
    """Write the samples in physical values; scaling is the training's, which alone knows its rows.

    Raises:
        DataError: A file is missing, damaged or unclear, or no sample is left.
    """
    from geoml_cli.sources.soil import released, stacked

    if _is_released(raw):
        return released.write(raw, options, writer, reporter)
    return stacked.write(raw, options, writer, reporter)


def synthesise(folder: Path, seed: int) -> SocOptions:
    """Write made-up points and rasters; see `sources/synthetic/soc.py`."""
    from geoml_cli.sources.synthetic import soc

    return soc.synthesise(folder, seed)


def scene(folder: Path, manifest: Manifest) -> Scene:
    """Open rasters for a map."""
    from geoml_cli.sources.soil.scene import open_scene

    return open_scene(folder, manifest)


def places(path: Path, crs: str, rows: int) -> Iterator[Places]:
    """Read points to predict at, some rows at a time."""
    from geoml_cli.sources.readers.places import places as read

    return read(path, crs, rows)


def _is_released(raw: Path) -> bool:
    from geoml_cli.sources.soil.released import is_released

    if not raw.is_dir():
        kind = "is a file, not a folder" if raw.exists() else "there is no such folder"
        raise DataError(kind, where=str(raw), fix="Give the folder that holds the raw files.")
    return is_released(raw)


SOURCE = Source(
    summary="Soil organic carbon: points with covariate rasters (GeoTIFF), or the paper's released arrays",
    options=SocOptions,
    inputs=inputs,
    write=write,
    synthesise=synthesise,
    scene=scene,
    places=places,
)
