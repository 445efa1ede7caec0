"""Covariate rasters as samples, one a pixel: for maps of classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.manifest import Manifest
from geoml_cli.errors import DataError
from geoml_cli.readers.locating import DEGREES, Pair, pixels, transform
from geoml_cli.readers.mosaics import all_files
from geoml_cli.readers.nodata import Declared, declared_fills
from geoml_cli.readers.raster_units import check_units
from geoml_cli.readers.rasters import Raster, mask_notes, refuse_fills, require_rasterio
from geoml_cli.readers.stacks import open_bands, place, same_grid
from geoml_cli.samples.input import Grid, Points, SampleBlock, first_reason, point_reason
from geoml_cli.sources.clcd.folders import Covariates, class_band, find_covariates, latest_classes
from geoml_cli.sources.clcd.plan import Plan
from geoml_cli.sources.clcd.sampling import sample_at_points
from geoml_cli.sources.clcd.writing import block
from geoml_cli.work.reporting import NullReporter


class CovariateStack:
    """Covariates of one year.

    Args:
        plan: How the data set's samples were made.
        sheets: The covariates, in the plan's order.
        grid: The grid of the map.
        year: Calendar year that the map is of.
    """

    def __init__(self, plan: Plan, sheets: Sequence[Raster], grid: Grid, year: int) -> None:
        self.notes: Sequence[str] = mask_notes(sheets)
        self.reasons: Sequence[str] = ("no data in any covariate", *(f"no data in {name}" for name in plan.factors))
        self.grid, self.year = grid, year
        self._plan, self._sheets = plan, list(sheets)
        self._aligned = [same_grid(sheet.grid, grid) for sheet in sheets]

    def digest(self) -> str:
        """Name the content of all files, and the year."""
        digest = hashlib.sha256(f"{self.year} {self.grid}\n".encode())
        for path in sorted(all_files([sheet.band.file for sheet in self._sheets])):
            digest.update(f"{path.name} {sha256(path)}\n".encode())
        for raster in self._sheets:
            band = raster.band
            digest.update(f"{band.name} {band.index} {band.nodata} {band.valid}\n".encode())
        return digest.hexdigest()

    def block(self, rows: slice, columns: slice) -> SampleBlock:
        """Read the samples of a window of pixels; valid where all covariates have data."""
        down, across = np.mgrid[rows.start : rows.stop, columns.start : columns.stop] + 0.5
        x, y = place(self.grid, down, across)
        points: Pair = (np.ravel(x), np.ravel(y))
        values = np.empty((len(self._sheets), down.size), dtype=np.float32)
        others = [sheet for sheet, aligned in zip(self._sheets, self._aligned, strict=True) if not aligned]
        strange = iter(sample_at_points(others, points, self.grid.crs))
        for number, (sheet, aligned) in enumerate(zip(self._sheets, self._aligned, strict=True)):
            values[number] = sheet.read(rows, columns).ravel() if aligned else next(strange)
        missing = ~np.isfinite(values)
        valid = ~missing.any(axis=0)
        reason = first_reason(np.vstack((missing.all(axis=0), missing)))
        degrees = transform((points[0][valid], points[1][valid]), self.grid.crs, DEGREES)
        samples = block(self._plan, values[:, valid], degrees, self.year)
        return SampleBlock(valid.reshape(down.shape), samples, reason.reshape(down.shape))

    def points(self, points: Points) -> SampleBlock:
        """Read samples at points; `valid` has shape [N]."""
        known = points.has_place
        values = sample_at_points(self._sheets, (points.x, points.y), points.crs)
        missing = ~np.isfinite(values)
        valid = np.asarray(~missing.any(axis=0))
        is_inside = valid.copy()  # each covariate may have a grid of its own
        is_inside[known] |= pixels((points.x[known], points.y[known]), points.crs, self.grid)[0] >= 0
        reason = point_reason(known, is_inside, np.vstack((missing.all(axis=0), missing)))
        samples = block(self._plan, values[:, valid], (points.longitude[valid], points.latitude[valid]), self.year)
        return SampleBlock(valid, samples, reason)


def open_scene(folder: Path, manifest: Manifest, nodata: Sequence[str] = ()) -> CovariateStack:
    """Open the covariates of a folder for a map.

    The map lies on the grid of the latest class raster in the folder, or of the covariate with most pixels. Its year
    is the one that `prepare --map-year` named, else the latest that all yearly covariates have.

    Args:
        folder: Holds the covariates, or the folder of them.
        manifest: The data set's.
        nodata: What is said of the fills of these rasters, in addition to the data set's own options.

    Raises:
        DataError: A covariate or a year is missing, or a raster holds undeclared fills.
    """
    require_rasterio()
    plan = manifest.facts_as(Plan)
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), fix="Give the folder of the rasters.")
    rasters = folder / plan.covariates
    covariates = find_covariates(rasters if rasters.is_dir() else folder)
    covariates = covariates.declared(_known(plan.fills(), covariates)).declared(declared_fills(nodata))
    year = _year(plan, covariates)
    sheets = open_bands(covariates.of(plan.factors, year))
    named = zip(sheets, plan.factors, strict=True)
    check_units(sheets, {sheet.band.name: plan.units.get(name, "") for sheet, name in named})
    refuse_fills(sheets, NullReporter())
    return CovariateStack(plan, sheets, _grid(folder, plan, sheets), year)


def _known(fills: dict[str, Declared], covariates: Covariates) -> dict[str, Declared]:
    """Keep what the data set says of covariates that are here; a missing one is told later."""
    return {name: said for name, said in fills.items() if name in covariates.names()}


def _year(plan: Plan, covariates: Covariates) -> int:
    """Choose the year of the map, and check that every covariate has a raster of it."""
    where = str(covariates.folder)
    missing = [
        name for name in plan.factors if name not in (covariates.yearly if name in plan.yearly else covariates.static)
    ]
    if missing:
        files = [f"{name}_YYYY.tif" if name in plan.yearly else f"{name}.tif" for name in missing]
        raise DataError(
            f"the raster of {', '.join(missing)} is missing",
            where=where,
            fix=f"The map needs {', '.join(files)}, as the data set had.",
        )
    needed = Covariates({}, {name: covariates.yearly[name] for name in plan.yearly})
    years = needed.years() if plan.yearly else list(plan.years)
    chosen = plan.map_year or max(years, default=None)
    if chosen is None or (plan.yearly and chosen not in years):
        lacking = f"no year {chosen}" if chosen else "no year that all have"
        raise DataError(
            f"the yearly covariates {', '.join(plan.yearly)} have {lacking}",
            where=where,
            fix=f"Add the rasters; all have: {', '.join(map(str, years)) or 'none'}.",
        )
    return chosen


def _grid(folder: Path, plan: Plan, sheets: Sequence[Raster]) -> Grid:
    classes = latest_classes(folder, plan.classes)
    if classes is None:
        return max((sheet.grid for sheet in sheets), key=lambda grid: grid.height * grid.width)
    raster = Raster(class_band(classes))
    raster.close()
    return raster.grid
