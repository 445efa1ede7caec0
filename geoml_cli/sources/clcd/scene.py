"""Covariate rasters as samples, one a pixel: for maps of classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.manifest import Manifest
from geoml_cli.errors import DataError
from geoml_cli.readers.grid_windows import place
from geoml_cli.readers.locating import DEGREES, Pair, pixels, transform
from geoml_cli.readers.mosaics import all_files
from geoml_cli.readers.nodata import Declared, declared_fills
from geoml_cli.readers.raster_units import check_units
from geoml_cli.readers.rasters import Raster, mask_notes, refuse_fills, require_rasterio
from geoml_cli.readers.stacks import open_bands, same_grid
from geoml_cli.samples.input import Grid, Points, SampleBlock, first_reason, point_reason
from geoml_cli.sources.clcd.folders import Covariates, class_band, find_covariates, latest_classes
from geoml_cli.sources.clcd.plan import Plan
from geoml_cli.sources.clcd.sampling import sample_at_points
from geoml_cli.sources.clcd.writing import block
from geoml_cli.work.reporting import NullReporter


class YearlySheets:
    """Covariates of every year, opened when they are asked for.

    Args:
        plan: How the data set's samples were made.
        covariates: Their bands.
    """

    def __init__(self, plan: Plan, covariates: Covariates) -> None:
        self._plan, self._covariates = plan, covariates
        self._open: dict[int, list[Raster]] = {}

    def has(self, year: int) -> bool:
        """Return whether every covariate has a raster of a year; those that do not change are of all."""
        return all(year in self._covariates.yearly[name] for name in self._plan.yearly)

    def of(self, year: int) -> list[Raster]:
        """Open the covariates of a year, in the plan's order.

        Raises:
            DataError: A raster is in another unit than the data set's, or holds undeclared fills.
        """
        key = year if self._plan.yearly else 0
        if key not in self._open:
            sheets = open_bands(self._covariates.of(self._plan.rasters, year))
            named = zip(sheets, self._plan.rasters, strict=True)
            check_units(sheets, {sheet.band.name: self._plan.units.get(name, "") for sheet, name in named})
            refuse_fills(sheets, NullReporter())
            self._open[key] = sheets
        return self._open[key]

    def listed(self) -> list[str]:
        """Name the files of all years with size and time of change; content would be read for years nobody asks for."""
        paths = sorted(
            all_files([band.file for name in self._plan.yearly for band in self._covariates.yearly[name].values()])
        )
        return [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths]


class CovariateStack:
    """Covariates of one year for maps, of any year for points.

    Args:
        plan: How the data set's samples were made.
        yearly: The covariates.
        grid: The grid of the map.
        year: Calendar year that the map is of.
    """

    def __init__(self, plan: Plan, yearly: YearlySheets, grid: Grid, year: int) -> None:
        self._plan, self._yearly, self._sheets = plan, yearly, yearly.of(year)
        self.notes: Sequence[str] = mask_notes(self._sheets)
        self.reasons: Sequence[str] = (
            "no data in any covariate",
            *(f"no data in {name}" for name in plan.rasters),
            *(f"a class of {name} that the training samples lack" for name in plan.categorical),
            "no year, or no rasters of it",
        )
        self.grid, self.year = grid, year
        self._aligned = [same_grid(sheet.grid, grid) for sheet in self._sheets]

    def digest(self, *, all_years: bool = False) -> str:
        """Name the content of all files, and the year; with those of other years."""
        digest = hashlib.sha256(f"{self.year} {self.grid}\n".encode())
        for path in sorted(all_files([sheet.band.file for sheet in self._sheets])):
            digest.update(f"{path.name} {sha256(path)}\n".encode())
        for raster in self._sheets:
            band = raster.band
            digest.update(f"{band.name} {band.index} {band.nodata} {band.valid}\n".encode())
        if all_years:
            digest.update("\n".join(self._yearly.listed()).encode())
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
        holds = np.vstack((missing.all(axis=0), missing, self._plan.unknown(values)))
        valid = ~holds.any(axis=0)
        reason = first_reason(holds)
        degrees = transform((points[0][valid], points[1][valid]), self.grid.crs, DEGREES)
        samples = block(self._plan, self._plan.expanded(values[:, valid]), degrees, self.year)
        return SampleBlock(valid.reshape(down.shape), samples, reason.reshape(down.shape))

    def points(self, points: Points) -> SampleBlock:
        """Read samples at points, each of its own year or of the map's; `valid` has shape [N]."""
        known = points.has_place
        own = np.full(len(known), float(self.year)) if points.year is None else points.year
        values = np.full((len(self._sheets), len(known)), np.nan, dtype=np.float32)
        is_dated = np.zeros(len(known), dtype=np.bool_)
        for year in np.unique(own[np.isfinite(own)]).astype(np.int64).tolist():
            if self._yearly.has(year):
                rows = own == year
                is_dated |= rows
                values[:, rows] = sample_at_points(self._yearly.of(year), (points.x[rows], points.y[rows]), points.crs)
        missing = np.vstack((~np.isfinite(values) & is_dated, self._plan.unknown(values)))
        valid = np.asarray(is_dated & ~missing.any(axis=0))
        is_inside = valid.copy()  # each covariate may have a grid of its own
        is_inside[known] |= pixels((points.x[known], points.y[known]), points.crs, self.grid)[0] >= 0
        nothing = missing[: len(self._sheets)].all(axis=0)
        reason = point_reason(known, is_inside, np.vstack((nothing, missing, ~is_dated)))
        years = own[valid].astype(np.int64)
        given = self._plan.expanded(values[:, valid])
        samples = block(self._plan, given, (points.longitude[valid], points.latitude[valid]), years)
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
    yearly = YearlySheets(plan, covariates)
    return CovariateStack(plan, yearly, _grid(folder, plan, yearly.of(year)), year)


def _known(fills: dict[str, Declared], covariates: Covariates) -> dict[str, Declared]:
    """Keep what the data set says of covariates that are here; a missing one is refused later."""
    return {name: said for name, said in fills.items() if name in covariates.names()}


def _year(plan: Plan, covariates: Covariates) -> int:
    """Choose the year of the map, and check that every covariate has a raster of it."""
    where = str(covariates.folder)
    missing = [
        name for name in plan.rasters if name not in (covariates.yearly if name in plan.yearly else covariates.static)
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
