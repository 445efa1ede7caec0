"""Rows made from products: mascons, GLDAS and grids of factors, all on the cells of GLDAS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geoml_cli.dataset.raw_files import files_below
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError
from geoml_cli.readers.grid_values import assumed_fills
from geoml_cli.readers.grids import SUFFIXES, Floats
from geoml_cli.readers.nodata import declared_fills, refuse_unknown
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.gwsa.cell_rows import CellRows
from geoml_cli.sources.gwsa.factors import is_sum, units_given
from geoml_cli.sources.gwsa.grids import FOLDER, Factor, find_factors, grid_files
from geoml_cli.sources.gwsa.layout import Roles
from geoml_cli.sources.gwsa.options import GwsaOptions, read_box, read_size, read_years
from geoml_cli.sources.gwsa.storage import (
    LAYERS,
    THICKNESS,
    Cells,
    Gldas,
    Mascons,
    find_gldas,
    find_mascons,
    open_mascons,
)
from geoml_cli.sources.gwsa.two_pass import Reading, write_in_two_passes
from geoml_cli.sources.gwsa.year_means import Span, gldas_notes, spans_of, step_notes, target_notes
from geoml_cli.work.reporting import Reporter

_MASCON_BASELINE = (2004, 2009)
_ROW_COPIES = 8
_KEPT = 4
"""Part of the memory that rows take which are kept for the second reading, and as much the months of GLDAS."""


@dataclass(frozen=True)
class Products:
    """All that rows are made from.

    Attributes:
        roles: Names of the factors.
        factors: Their grids.
        mascons: Total storage.
        gldas: What is subtracted.
        baseline: Mean GLDAS storage [cm], on the rows and columns of `cells`.
        cells: Cells of the target.
        spans: First and last month of each time that is made, with the months that have mascons and GLDAS.
        monthly: Whether times are months.
        rows: Most rows handed on at once.
    """

    roles: Roles
    factors: dict[str, Factor]
    mascons: Mascons
    gldas: Gldas
    baseline: Floats
    cells: Cells
    spans: dict[Span, list[np.datetime64]]
    monthly: bool
    rows: int
    partly: int

    def panels(self) -> Iterator[CellRows]:
        """Make the rows, time by time; may be called again."""
        always: dict[str, Floats] = {}
        for span, months in self.spans.items():
            always = always or {n: self._factor(self.factors[n], span)[self.cells.land] for n in self.roles.static}
            values = {
                name: always[name] if name in always else self._factor(factor, span)[self.cells.land]
                for name, factor in self.factors.items()
            }
            values[self.roles.target] = self._storage(months)[self.cells.land]
            yield from self._cut(values, span[0])

    def _factor(self, factor: Factor, span: Span) -> Floats:
        if factor.name != self.roles.category:
            return factor.mean(*span, self.cells)
        if self.monthly and not factor.steps(*span):  # land cover comes by year
            year = span[0].astype("datetime64[Y]").astype("datetime64[M]")
            return factor.first(year, year + 11, self.cells)
        return factor.first(*span, self.cells)

    def _storage(self, months: list[np.datetime64]) -> Floats:
        """Return the mean anomaly of some months [cm]."""
        latitude, longitude = self.cells.latitude, self.cells.longitude
        total = np.zeros((len(latitude), len(longitude)))
        for month in months:
            above = self.gldas.storage(month, latitude, longitude) - self.baseline
            total += self.mascons.thickness(month, *self.cells.place(self.mascons.variable)) - above
        return total / len(months)

    def _cut(self, values: dict[str, Floats], time: np.datetime64) -> Iterator[CellRows]:
        down, across = np.nonzero(self.cells.land)
        latitude, longitude = self.cells.latitude[down], self.cells.longitude[across]
        for first in range(0, len(down), self.rows):
            part = slice(first, first + self.rows)
            yield self._panel((latitude[part], longitude[part]), {n: v[part] for n, v in values.items()}, time)

    def _panel(self, place: tuple[Floats, Floats], values: dict[str, Floats], time: np.datetime64) -> CellRows:
        files = {name: factor.pieces[0].path for name, factor in self.factors.items()}
        files[self.roles.target] = self.mascons.variable.path

        def where(row: int, name: str) -> str:
            # What concerns a time as a whole is of all files.
            file = files.get(name) or os.path.commonpath([path.parent for path in files.values()])
            of = f"{name} in {time}" if name in files else str(time)
            return f"{file}, {of}, lat {place[0][row]:g}, lon {place[1][row]:g}"

        return CellRows(place[0], place[1], np.full(len(place[0]), time), values, self.monthly, where)


def inputs(raw: Path) -> list[Path]:
    """Find the files: mascons, GLDAS, factors.

    Raises:
        DataError: Some are missing.
    """
    mascons, gldas = _find(raw)
    return [mascons, *gldas.files.values(), *grid_files(raw)]


def _find(raw: Path) -> tuple[Path, Gldas]:
    if not raw.is_dir():
        raise DataError("is no folder", where=str(raw), fix="Give the folder with the NetCDF files.")
    files = [path for path in files_below(raw) if path.suffix.lower() in SUFFIXES]
    paths = [path for path in files if FOLDER not in path.relative_to(raw).parts[:-1]]
    gldas = find_gldas(paths)
    if not gldas.files:
        raise DataError(
            "there is no monthly GLDAS file",
            where=str(raw),
            fix="Add GLDAS-2.1 Noah files, GLDAS_NOAH025_M.AYYYYMM.021.nc4.",
        )
    found = find_mascons(paths)
    if len(found) != 1:
        names = ", ".join(path.name for path in found)
        raise DataError(
            f"there are {len(found)} files of mascons: {names}" if found else "there is no file of mascons",
            where=str(raw),
            fix="Keep one file with lwe_thickness, of JPL or of CSR.",
        )
    return found[0], gldas


def write(raw: Path, options: GwsaOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Make the rows and write them.

    Raises:
        DataError: A file is missing, damaged or unclear, or no row is left.
    """
    with ExitStack() as files:
        return _write(raw, options, writer, reporter, files)


def _write(
    raw: Path, options: GwsaOptions, writer: DatasetWriter, reporter: Reporter, files: ExitStack
) -> PreparedInfo:
    products, left_out = open_products(raw, options, reporter, files)
    of_files = {name: factor.pieces[0].unit for name, factor in products.factors.items()}
    # What files sum up over is not known: without a unit there, a sum is not taken for one of a year.
    given = {name: unit for name, unit in of_files.items() if unit or is_sum(name)}
    named = units_given(options.units)
    kept = read_size(options.memory) // _KEPT
    reading = Reading(
        products.panels, products.roles, True, given | named, str(raw), "products", kept=kept, named=named
    )
    written = write_in_two_passes(reading, writer, reporter)
    cells = int(products.cells.land.sum())
    written.funnel.read += cells * len(left_out)
    short = f"year with fewer than {options.months} months of mascons and GLDAS"
    written.funnel.drop(short, cells * len(left_out))
    written.funnel.notes += [f"{year} is left out: {why}" for year, why in left_out.items()]
    written.funnel.notes += [*_undeclared(products), *products.mascons.unapplied]
    for note in (
        *_partly(products),
        *_zero(products),
        *products.mascons.notes,
        *_halfway(products),
        *gldas_notes(products.mascons, products.gldas),
        *_of_steps(products, options.months),
    ):
        written.funnel.notes.append(note)
        reporter.warn(note)
    return written


def _partly(products: Products) -> list[str]:
    """Tell of cells that only some months of the baseline have."""
    if not products.partly:
        return []
    return [
        f"{products.partly} cells that lack GLDAS in some months of the baseline are left out, next to "
        f"{int(products.cells.land.sum())} that have all: is a file of a smaller box?"
    ]


def _zero(products: Products) -> list[str]:
    """Tell of months of mascons without a value other than 0, as what could not be read is stored at times."""
    months = ", ".join(str(month) for month in sorted(products.mascons.zero))
    return (
        [f"mascons are 0 at all cells in {months}: if that is no value, give --nodata {THICKNESS}=0"] if months else []
    )


def _of_steps(products: Products, least: int) -> list[str]:
    factors = {name: products.factors[name] for name in products.roles.dynamic}
    if products.monthly:
        return step_notes(factors, products.spans, None)
    own = target_notes(products.roles.target, products.mascons, products.gldas, products.spans)
    return [*own, *step_notes(factors, products.spans, least)]


def _halfway(products: Products) -> list[str]:
    """Tell of factors on whose grids cells lie halfway between two points."""
    cells = products.cells
    grids = [piece for factor in products.factors.values() for piece in factor.pieces[:1]]
    names = [one.name for one in grids if one.lies_halfway(cells.latitude, cells.longitude)]
    return [
        f"{name}: cells lie halfway between two points of its grid and take the southern or western one, half a cell "
        "off; to have it between them, regrid it to the cells of GLDAS (cdo remapbil)"
        for name in names
    ]


def _undeclared(products: Products) -> list[str]:
    """Tell which numbers were taken as missing though their files do not say so."""
    variables = {name: list(factor.pieces) for name, factor in products.factors.items()}
    variables[THICKNESS] = [products.mascons.variable]
    for layer in products.gldas.opened():
        variables.setdefault(layer.name, []).append(layer)
    found = {name: assumed_fills([one.part.decoding for one in each]) for name, each in variables.items()}
    return [f"{name}: {', '.join(fills)} missing though not declared" for name, fills in found.items() if fills]


def open_products(
    raw: Path, options: GwsaOptions, reporter: Reporter, files: ExitStack
) -> tuple[Products, dict[int, str]]:
    """Open all files, which `files` closes, and compute the baseline.

    Returns:
        The products, and years that have too few months, with those that lack.
    """
    path, found = _find(raw)
    nodata = declared_fills(options.nodata)
    gldas = replace(found, handles=files, nodata=nodata, memory=read_size(options.memory) // _KEPT)
    roles, mascons = Roles.of(options), open_mascons(path, files, nodata)
    factors = find_factors(raw, roles, files, nodata, units_given(options.units))
    read = (piece.name for factor in factors.values() for piece in factor.pieces)
    refuse_unknown(nodata, [*dict.fromkeys(read), *LAYERS, THICKNESS])
    monthly = options.period == "month"
    spans, left_out = spans_of(mascons, gldas, None if monthly else options.months, raw)
    latitude, longitude = _axes(gldas, options.bounds)
    baseline, partly = gldas.mean(read_years(options.baseline), latitude, longitude)
    if read_years(options.baseline) != _MASCON_BASELINE:
        reporter.warn(
            f"Mascons are anomalies from 2004-2009, GLDAS from {options.baseline}: cells differ by a constant."
        )
    land = np.isfinite(baseline)
    if not land.any():
        raise DataError("GLDAS has no land within the bounds", where=str(raw), fix="Check --bounds.")
    rows = max(1, read_size(options.memory) // (2 * len(roles.used(True)) * 8 * _ROW_COPIES))
    cells = Cells(latitude, longitude, land)
    return Products(roles, factors, mascons, gldas, baseline, cells, spans, monthly, rows, partly), left_out


def _axes(gldas: Gldas, bounds: str | None) -> tuple[Floats, Floats]:
    """Return the latitudes and longitudes of GLDAS within the bounds."""
    layer = gldas.layers(next(iter(gldas.files)))[0]
    latitude, longitude = layer.latitude, np.where(layer.longitude > 180, layer.longitude - 360, layer.longitude)
    if bounds is None:
        return latitude, longitude
    west, south, east, north = read_box(bounds)
    of_west, of_east = longitude >= west, longitude <= east
    inside = of_west & of_east if west < east else of_west | of_east
    return latitude[(latitude >= south) & (latitude <= north)], longitude[inside]
