"""From class rasters and covariates to samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.readers.cells import cell_keys
from geoml_cli.readers.grid_windows import place
from geoml_cli.readers.locating import DEGREES, Pair, transform
from geoml_cli.readers.mosaics import RasterFile, all_files
from geoml_cli.readers.raster_scales import refuse_other_scales
from geoml_cli.readers.raster_units import check_units
from geoml_cli.readers.rasters import Band, Raster, refuse_fills, require_rasterio
from geoml_cli.readers.stacks import open_bands
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.clcd import writing
from geoml_cli.sources.clcd.categories import check_names, codes_of
from geoml_cli.sources.clcd.folders import Covariates, class_bands, find_classes, find_covariates
from geoml_cli.sources.clcd.legends import class_names
from geoml_cli.sources.clcd.notes import note_bands, note_codes, note_years
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.sources.clcd.plan import Plan
from geoml_cli.sources.clcd.sampling import sample_at_points
from geoml_cli.sources.clcd.stratified import StratifiedSample, count_classes, stratified_sample
from geoml_cli.work.reporting import Reporter

NO_DATA = "no data in a covariate"


@dataclass(frozen=True)
class Pixels:
    """Pixels of all years, N of them.

    Attributes:
        codes: Classes, as the rasters code them, shape [N].
        years: Calendar years.
        degrees: Longitude and latitude.
        values: Covariates, shape [K, N], NaN where missing.
    """

    codes: NDArray[np.int64]
    years: NDArray[np.int64]
    degrees: Pair
    values: NDArray[np.float32]

    def at(self, rows: NDArray[np.bool_]) -> Pixels:
        """Keep some."""
        degrees = (self.degrees[0][rows], self.degrees[1][rows])
        return Pixels(self.codes[rows], self.years[rows], degrees, self.values[:, rows])


def inputs(raw: Path, options: ClcdOptions) -> list[Path]:
    """Find the rasters that are read.

    Raises:
        DataError: They are missing, or it is not clear which are meant.
    """
    classes = find_classes(raw, options)
    covariates = find_covariates(raw / options.covariates)
    roles(covariates, list(classes))
    return all_files([*classes.values(), *covariates.files()])


def roles(covariates: Covariates, years: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say which covariates are dynamic and which static, for the network needs one of each.

    Yearly ones are dynamic. Where there is none, all but the first are taken as dynamic, which the network may mix
    freely; where all are yearly, the last of them stands for the static ones.

    Raises:
        DataError: There is only one, one has no raster of a year, or a name is taken.
    """
    names = covariates.names()
    where = str(covariates.folder)
    if len(names) < 2:
        raise DataError(
            f"there is only one covariate, {names[0]}", where=where, fix="Add another; the network needs two at least."
        )
    if taken := writing.reserved(names):
        raise DataError(f"a covariate is called {taken[0]}, which the data set uses", where=where, fix="Rename it.")
    for name, bands in covariates.yearly.items():
        if missing := [str(year) for year in years if year not in bands]:
            raise DataError(
                f"{name} has no raster of {', '.join(missing)}, and the land cover has",
                where=where,
                fix=f"Add {name}_{missing[0]}.tif, or rename {next(iter(bands.values())).path.name} if it is no year.",
            )
    static, yearly = tuple(covariates.static), tuple(covariates.yearly)
    if not yearly:
        return static[1:], static[:1]
    return (yearly, static) if static else (yearly[:-1], yearly[-1:])


def write(raw: Path, options: ClcdOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Draw pixels, read the covariates there, and write them.

    Raises:
        DataError: A raster is missing or damaged, or pixels of fewer than two classes are left.
    """
    require_rasterio()
    classes = find_classes(raw, options)
    covariates = find_covariates(raw / options.covariates).declared(options.covariate_fills())
    dynamic, static = roles(covariates, list(classes))
    check_names(options.categorical, covariates)
    if options.map_year and covariates.yearly and options.map_year not in covariates.years():
        reporter.warn(f"no covariates of {options.map_year}, the year of maps, are here: prediction will need them.")
    units = _check_covariates((*dynamic, *static), covariates, (list(classes), options), reporter)
    of_years, pixels, removed = _drawn(classes, covariates, (*dynamic, *static), options, reporter)
    counts = sum(of_years, Counter[int]())
    found = sorted(counts)
    legend = class_names(found, options.legend, [file.path.name for file in classes.values()])
    named = dict(zip(found, legend.names, strict=True))
    funnel, kept = _complete(pixels, (*dynamic, *static), str(raw), reporter)
    codes = _left(kept, named, funnel, str(raw), reporter)
    note_bands(classes, covariates, options.categorical, (funnel, reporter))
    by_name = dict(zip((*dynamic, *static), kept.values, strict=True))
    note_codes(counts, removed, legend, funnel, reporter)
    note_years(class_bands(classes, options), dict(zip(classes, of_years, strict=True)), named, (funnel, reporter))
    funnel.notes.append("pixels: " + ", ".join(f"{named[code]} {counts[code]}" for code in found))
    plan = Plan(
        dynamic=dynamic,
        static=static,
        yearly=tuple(covariates.yearly),
        covariates=options.covariates,
        classes=options.classes,
        codes=codes,
        names=tuple(named[code] for code in codes),
        pixels=_with_covariates(counts, pixels, kept, codes),
        categorical=codes_of(options.categorical, by_name, covariates),
        nodata=options.nodata,
        units=units,
        years=tuple(classes),
        map_year=options.map_year,
    )
    _put(writer, plan, kept)
    return PreparedInfo("samples", funnel, plan.model_dump(mode="json"))


def _check_covariates(
    names: Sequence[str], covariates: Covariates, asked: tuple[Sequence[int], ClcdOptions], reporter: Reporter
) -> dict[str, str]:
    """Refuse values that look like fills, and years in different units or scales; return the units.

    `asked` are the years and the options; covariates whose values are classes have no scale.
    """
    years, options = asked
    bands = list(dict.fromkeys(band for year in years for band in covariates.of(names, year)))
    rasters = open_bands(bands)
    try:
        named = {raster.band: raster.unit for raster in rasters}
        units = {name: _unit(named, (covariates.of([name], year)[0] for year in years)) for name in names}
        of_band = {covariates.of([name], year)[0].name: units[name] for name in names for year in years}
        check_units(rasters, of_band)
        refuse_fills(rasters, reporter)
        of_years = {
            name: [raster for raster in rasters if raster.band in by_year.values()]
            for name, by_year in covariates.yearly.items()
        }
        refuse_other_scales(of_years, (*options.any_scale, *set(options.categorical).intersection(of_years)))
    finally:
        for raster in rasters:
            raster.close()
    return {name: unit for name, unit in units.items() if unit}


def _unit(named: dict[Band, str], bands: Iterable[Band]) -> str:
    return next((named[band] for band in bands if named[band]), "")


def _drawn(
    classes: dict[int, RasterFile],
    covariates: Covariates,
    names: Sequence[str],
    options: ClcdOptions,
    reporter: Reporter,
) -> tuple[list[Counter[int]], Pixels, Counter[int]]:
    """Count the pixels of each class in every year, draw some, and read the covariates there.

    Also counts what is taken as no data.
    """
    sheets = open_bands(list(class_bands(classes, options).values()))
    try:
        counts, removed = count_classes(sheets, reporter)
        drawn = stratified_sample(sheets, sum(counts, Counter[int]()), options, reporter)
        by_year = dict(zip(classes, zip(sheets, drawn, strict=True), strict=True))
        return counts, _gathered(by_year, covariates, names, reporter), removed
    finally:
        for sheet in sheets:
            sheet.close()


def _gathered(
    years: dict[int, tuple[Raster, StratifiedSample]], covariates: Covariates, names: Sequence[str], reporter: Reporter
) -> Pixels:
    """Read the covariates of all drawn pixels, year by year."""
    parts = []
    with reporter.task("read covariates", len(years)) as advance:
        for year, (sheet, drawn) in years.items():
            points = centres(sheet, drawn.rows, drawn.columns)
            values = _values(covariates.of(names, year), points, sheet.grid.crs)
            degrees = transform(points, sheet.grid.crs, DEGREES)
            parts.append(Pixels(drawn.codes, np.full(len(drawn), year), degrees, values))
            advance(1)
    return Pixels(
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.years for part in parts]),
        (np.concatenate([part.degrees[0] for part in parts]), np.concatenate([part.degrees[1] for part in parts])),
        np.concatenate([part.values for part in parts], axis=1),
    )


def _values(bands: Sequence[Band], points: Pair, crs: str) -> NDArray[np.float32]:
    rasters = open_bands(bands)
    try:
        return sample_at_points(rasters, points, crs)
    finally:
        for raster in rasters:
            raster.close()


def centres(sheet: Raster, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Pair:
    """Return x and y of the centres of pixels, in the raster's CRS."""
    x, y = place(sheet.grid, rows + 0.5, columns + 0.5)  # type: ignore[arg-type]
    return x, y  # type: ignore[return-value]


def _complete(pixels: Pixels, names: Sequence[str], location: str, reporter: Reporter) -> tuple[Funnel, Pixels]:
    """Leave out pixels that lack a covariate, and say which one."""
    missing = ~np.isfinite(pixels.values)
    kept = np.asarray(~missing.any(axis=0))
    funnel = Funnel(read=len(kept), kept=int(kept.sum()))
    funnel.drop(NO_DATA, int((~kept).sum()))
    counts = missing.sum(axis=1).tolist()
    listed = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True) if count)
    if listed:
        funnel.notes.append(f"{NO_DATA}, by covariate: {listed}")
    if not funnel.kept:
        raise DataError(
            f"none of {len(kept)} pixels has all covariates (lacking: {listed})",
            where=location,
            fix="Check that the covariates cover the class rasters, and their CRS.",
        )
    if funnel.kept < len(kept) / 2:
        reporter.warn(f"{len(kept) - funnel.kept} of {len(kept)} pixels are left out, for they lack data in {listed}.")
    return funnel, pixels.at(kept)


def _with_covariates(counts: Counter[int], drawn: Pixels, kept: Pixels, codes: Sequence[int]) -> tuple[int, ...]:
    """Estimate how many pixels of each class have all covariates, from the share of those drawn that has."""
    of_drawn, of_kept = Counter(drawn.codes.tolist()), Counter(kept.codes.tolist())
    return tuple(round(counts[code] * of_kept[code] / of_drawn[code]) for code in codes)


def _left(pixels: Pixels, named: dict[int, str], funnel: Funnel, location: str, reporter: Reporter) -> tuple[int, ...]:
    """Return the codes of the classes that pixels are left of, ascending; tell of the others."""
    codes = tuple(sorted(set(pixels.codes.tolist())))
    if len(codes) < 2:
        raise DataError(
            f"only one class, {named[codes[0]]}, is left of {len(named)}",
            where=location,
            fix="Check where the covariates have data, or draw more pixels with --samples.",
        )
    if lost := [name for code, name in named.items() if code not in codes]:
        message = f"no pixel is left of: {', '.join(lost)}; it is no class of the data set"
        funnel.notes.append(message)
        reporter.warn(message)
    return codes


def _put(writer: DatasetWriter, plan: Plan, pixels: Pixels) -> None:
    writer.dimension("sample", len(pixels.codes))
    writing.put_roles(writer, plan)
    cells = np.unique(cell_keys(pixels.degrees[1], pixels.degrees[0]), return_inverse=True)[1]
    variables = {
        "lat": pixels.degrees[1],
        "lon": pixels.degrees[0],
        "time": writing.minutes(pixels.years),
        "year": pixels.years,
        "cell": cells.ravel(),
        "category": np.zeros(len(pixels.codes)),
    }
    for variable in writing.PLACE:
        writer.put(variable, variables[variable.name])
    for name, values in zip(plan.factors, plan.expanded(pixels.values), strict=True):
        writer.put(writing.factor(plan, name), values)
    target = Variable(writing.TARGET, "1", "land-cover class, its place in class_name", ("sample",), dtype="i2")
    writer.put(target, np.searchsorted(np.array(plan.codes), pixels.codes))
