"""One pass over every raster before samples are cut: classes, fills that nobody marked, alignment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.limits import LARGEST_CODE
from geoml_cli.readers.nodata import written
from geoml_cli.readers.raster_scales import refuse_other_scales
from geoml_cli.readers.raster_units import check_units
from geoml_cli.readers.rasters import Raster, mask_notes, tiles
from geoml_cli.readers.stacks import Stack, open_bands, rotation
from geoml_cli.readers.undeclared_fills import HUGE, FillCensus, refuse_undeclared
from geoml_cli.sources.soc.folders import RawFiles
from geoml_cli.sources.soc.log import PrepareLog
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.plan import GridRecord, Layer, Plan
from geoml_cli.work.reporting import Reporter

_OF_MONTH = re.compile(r"(?<!\d)(19|20)\d\d[-_.]?(0[1-9]|1[0-2])(?!\d)")
_MOST_CLASSES = 256
_FEW_VALUES = 30  # so few whole numbers may be classes that nobody named
_JUMPS = 0.2  # share of the differing neighbours that a quantity rarely has between whole numbers far apart
_PIXELS_PER_CODE = 20  # a coarse raster has few values in any case


@dataclass
class _RasterStatistics:
    """What a pass over a raster found; `values` is None where they are too many or not whole."""

    values: set[int] | None = field(default_factory=set)
    any: bool = False
    pixels: int = 0
    steps: int = 0
    jumps: int = 0
    fills: Counter[float] = field(default_factory=Counter)
    """How many pixels have a fill that the user declares."""

    def count_fills(self, raw: NDArray[np.generic], fills: Sequence[float]) -> None:
        """Count the pixels of each fill, in the raster's own type, as they are left out."""
        for fill in fills:
            own = raw.dtype.type(fill) if raw.dtype.kind == "f" else fill
            self.fills[fill] += int((raw == own).sum())

    def count_steps(self, values: NDArray[np.float32]) -> None:
        """Count neighbours in a row that differ, and those that differ by more than 1."""
        step = np.abs(np.diff(values, axis=1))
        self.steps += int((step > 0).sum())
        self.jumps += int((step > 1).sum())

    def looks_like_codes(self) -> bool:
        """Return whether few whole numbers stand for many pixels: from 0 or 1 on, with gaps, or without transitions.

        Degrees from 7 to 18 are none.
        """
        if not self.values or len(self.values) > _FEW_VALUES or min(self.values) < 0:
            return False
        gapless = max(self.values) - min(self.values) + 1 == len(self.values)
        return self.pixels >= _PIXELS_PER_CODE * len(self.values) and (
            min(self.values) <= 1 or not gapless or self.jumps > _JUMPS * self.steps
        )


def inspect_rasters(raw_files: RawFiles, options: SocOptions, log: PrepareLog) -> tuple[Plan, Stack]:
    """Read every raster once and settle how samples are cut from them.

    Args:
        raw_files: What the folder holds.
        options: As given by the user.
        log: Receives what is found out.

    Returns:
        The plan, and its bands opened on one grid.

    Raises:
        DataError: A raster is damaged; grids differ; a raster named as classes is none, or does not exist.
    """
    rasters = open_bands((*raw_files.static, *raw_files.yearly))
    classes = _class_names(raw_files, rasters, options, log)
    stack = Stack(rasters, classes, options.reference)
    statistics = _statistics_of(rasters, log.reporter)
    _tell_unmatched(raw_files, rasters, statistics, log)
    _tell_maybe_classes(raw_files, statistics, classes, log)
    _tell_unnamed(rasters, log)
    _tell_months(raw_files, log)
    _tell_handling(stack, log)
    layers = tuple(_layer(stack, *pair, classes) for pair in zip(rasters, statistics, strict=True))
    split = len(raw_files.static)
    _check_years(raw_files, rasters[split:], options.any_scale)
    plan = Plan(
        window=options.window, reference=options.reference, covariates=layers[:split], yearly=layers[split:],
        features=raw_files.features, years=raw_files.years, grid=GridRecord(**vars(stack.grid)),
    )  # fmt: skip
    return plan, stack


def _tell_months(raw_files: RawFiles, log: PrepareLog) -> None:
    """Tell of static covariates that are months by their names: series are of years."""
    names = [band.name for band in raw_files.static if _OF_MONTH.search(band.name)]
    if len(names) > 1:
        log.note(
            f"{len(names)} rasters of months, such as {names[0]}, are static covariates each: series are of years "
            "(NAME_YEAR)"
        )


def _check_years(raw_files: RawFiles, yearly: Sequence[Raster], any_scale: Sequence[str]) -> None:
    """Refuse years of a feature that name different units or have different scales."""
    count = len(raw_files.features)
    by_feature = {feature: yearly[place::count] for place, feature in enumerate(raw_files.features)}
    for years in by_feature.values():
        unit = next((raster.unit for raster in years if raster.unit), "")
        check_units(years, {raster.band.name: unit for raster in years})
    refuse_other_scales(by_feature, any_scale)


def _class_names(
    raw_files: RawFiles, rasters: Sequence[Raster], options: SocOptions, log: PrepareLog
) -> frozenset[str]:
    static = [band.name for band in raw_files.static]
    if strange := sorted(set(options.classes) - set(static)):
        raise DataError(
            f"--classes names no static raster: {', '.join(strange)}",
            fix=f"The static rasters are: {', '.join(static)}.",
        )
    said = [raster.band.name for raster in rasters[: len(static)] if raster.named_classes]
    if detected := sorted(set(said) - set(options.classes)):
        log.note(f"{', '.join(detected)}: taken as classes, for the file names or colours them")
    return frozenset((*options.classes, *detected))


def _statistics_of(rasters: Sequence[Raster], reporter: Reporter) -> list[_RasterStatistics]:
    seen, fills = [], []
    with reporter.task("look through rasters", len(rasters)) as advance:
        for raster in rasters:
            one, census = _RasterStatistics(), FillCensus(raster.kind, has_fill=raster.has_fill)
            for rows, columns in tiles(raster.grid):
                raw, missing = raster.stored(rows, columns)
                one.count_fills(raw, raster.added_fills)
                _look(one, raster.physical(raw, missing))
                census.add(raw[~missing])
            seen.append(_not_empty(one, raster))
            fills.append(raster.named_counts(census.candidates()))
            advance(1)
    refuse_undeclared(fills)
    return seen


def _tell_unmatched(
    raw_files: RawFiles, rasters: Sequence[Raster], statistics: Sequence[_RasterStatistics], log: PrepareLog
) -> None:
    """Warn of declared fills that no pixel has: those of scaled rasters are compared as they are stored."""
    counts: dict[tuple[str, float], int] = {}
    scaled: dict[str, Raster] = {}
    split = len(raw_files.static)
    for place, (raster, one) in enumerate(zip(rasters, statistics, strict=True)):
        features = raw_files.features
        name = raster.band.name if place < split else features[(place - split) % len(features)]
        scaled[name] = raster
        for fill in (fill for fill in raster.added_fills if abs(fill) < HUGE):
            counts[name, fill] = counts.get((name, fill), 0) + one.fills[fill]
    for (name, fill), count in counts.items():
        if not count:
            scale, offset = scaled[name].scaling or (1.0, 0.0)
            stored = (fill - offset) / scale
            as_stored = f"; values are compared as they are stored, {fill:g} as {stored:g}" * (stored != fill)
            text = f"--nodata {name}={written(fill)}: no pixel of {name} has this value{as_stored}"
            log.reporter.warn(f"{text}.")
            log.funnel.notes.append(text)


def _not_empty(statistics: _RasterStatistics, raster: Raster) -> _RasterStatistics:
    if not statistics.any:
        raise DataError(
            "every pixel is missing", where=str(raster.band.path), fix="Get the raster again, or remove it."
        )
    return statistics


def _look(statistics: _RasterStatistics, values: NDArray[np.float32]) -> None:
    finite = values[np.isfinite(values)]
    statistics.any = statistics.any or bool(finite.size)
    statistics.pixels += finite.size
    if statistics.values is None or not finite.size:
        return
    if (finite != np.rint(finite)).any():
        statistics.values = None
        return
    statistics.count_steps(values)
    statistics.values |= {int(value) for value in np.unique(finite)}
    if len(statistics.values) > _MOST_CLASSES:
        statistics.values = None


def _layer(stack: Stack, raster: Raster, statistics: _RasterStatistics, classes: frozenset[str]) -> Layer:
    band = raster.band
    is_class = band.name in classes
    if is_class and statistics.values is None:
        raise DataError(
            f"holds no classes: fractions, or more than {_MOST_CLASSES} values",
            where=str(band.path),
            fix=f"Leave {band.name} out of --classes, or give a raster of whole class codes.",
        )
    if is_class and max(map(abs, statistics.values or ())) >= LARGEST_CODE:
        raise DataError(
            f"holds codes of {LARGEST_CODE:,} and more, which are not distinguished",
            where=str(band.path),
            fix="Number its classes anew, from 1.",
        )
    return Layer(
        name=band.name, file=band.path.name, band=band.index, nodata=band.nodata, valid=band.valid,
        kind="class" if is_class else "continuous",
        classes=tuple(sorted(statistics.values or ())) if is_class else (),
        unit=raster.unit,
        description=raster.description,
        resampling=stack.resampling.get(band.name),
    )  # fmt: skip


def _tell_maybe_classes(
    raw_files: RawFiles, statistics: Sequence[_RasterStatistics], classes: frozenset[str], log: PrepareLog
) -> None:
    few = [
        f"{band.name} ({len(one.values or ())})"
        for band, one in zip(raw_files.static, statistics, strict=False)
        if band.name not in classes and one.looks_like_codes()
    ]
    if few:
        log.reporter.warn(
            f"few different whole numbers stand in: {', '.join(few)}. They are read as quantities; "
            f"where they are classes, give --classes {few[0].rpartition(' ')[0]}."
        )


def _tell_unnamed(rasters: Sequence[Raster], log: PrepareLog) -> None:
    """Say which bands have a number in place of a name: in another file it may be another band."""
    files = {raster.band.file.path.name for raster in rasters if raster.band.name.endswith(f"_{raster.band.index}")}
    several = [raster.band.file.path.name for raster in rasters]
    if nameless := sorted(file for file in files if several.count(file) > 1):
        log.reporter.warn(
            f"bands of {', '.join(nameless)} have no names of their own, so maps take them by number. "
            "Describe them, and a file in another order is noticed."
        )


def _tell_handling(stack: Stack, log: PrepareLog) -> None:
    if abs(angle := rotation(stack.grid)) > 0.1:
        log.note(f"the rasters are turned by {angle:.1f} degrees: windows are cut along their rows, not north-up")
    for name, method in stack.resampling.items():
        log.note(f"{name}: aligned to the reference's grid ({method})")
    for note in mask_notes(stack.rasters):
        log.note(note)
    for raster in stack.rasters:
        if raster.scaling:
            scale, offset = raster.scaling
            log.note(f"{raster.band.name}: values are raw x {scale:g} + {offset:g}, as the file says")
