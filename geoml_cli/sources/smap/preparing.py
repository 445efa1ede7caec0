"""From raw files to the data set: find, read, fill, sift, write.

Legend: D days of the calendar, S stations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.smap import constants, deriving, exports, products, scales
from geoml_cli.sources.smap.calendar import Calendar, calendar_of
from geoml_cli.sources.smap.describing import NAMED, about_stations, describe, shared_cells, without
from geoml_cli.sources.smap.discovery import NO_TRUTH, RawFiles, find
from geoml_cli.sources.smap.exports import StationSeries
from geoml_cli.sources.smap.filtering import Floats, Mask, Sieve, first_missing, valid_share
from geoml_cli.sources.smap.names import StationNames
from geoml_cli.sources.smap.notes import Notes
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.repeats import DAILY, refuse_several, repeated
from geoml_cli.sources.smap.stations import Stations, read_stations
from geoml_cli.sources.smap.truth import read_truth
from geoml_cli.sources.smap.writing import Content, write
from geoml_cli.work.numbers import format_share
from geoml_cli.work.reporting import Reporter

ScaleByFile = Mapping[Path, scales.Scale | None]
_KELVIN = np.float32(0.02)


class PanelAxes(NamedTuple):
    """What the values of a product are laid out on, [D, S].

    Attributes:
        names: The stations.
        calendar: The days.
    """

    names: StationNames
    calendar: Calendar


@dataclass
class Raw:
    """Exports as they were read, [D, S] each.

    Attributes:
        weather: gridMET.
        lst: In the product's numbers.
        radar: dB.
        bands: Reflectances within 0..1.
        smap: m3 m-3.
        code: NLCD codes of the year of each day.
        site: Terrain and soil, [S].
        truth: m3 m-3.
    """

    weather: StationSeries
    lst: StationSeries
    radar: StationSeries
    bands: StationSeries
    smap: StationSeries
    code: Floats
    site: dict[str, Floats]
    truth: Floats

    def daily(self) -> dict[str, StationSeries]:
        """Return the panels by product."""
        return {"gridmet": self.weather, "lst": self.lst, "s1": self.radar, "hls": self.bands, "smap": self.smap}


def prepare(raw: Path, options: SmapOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Prepare all stations.

    Raises:
        DataError: A file is damaged or lacks a column, scales are mixed, or nothing is left.
    """
    raw_files = find(raw, options)
    stations = read_stations(raw_files.stations or raw_files.constant)
    names, calendar = stations.as_names(), calendar_of(raw_files.years)
    notes = Notes(ColumnFills(options.nodata, products.UNLIMITED))
    notes.lines += about_stations(raw_files, stations)
    data = _read(raw_files, options, PanelAxes(names, calendar), notes, reporter)
    content, sieve, read = _sift(data, options, calendar, stations)
    describe(names, data.daily(), notes)
    if not sieve.left.any():
        reasons = "; ".join(f"{reason}: {int(lost.sum())} days" for reason, lost in sieve.dropped.items())
        raise DataError(f"no sample is left ({reasons})", where=str(raw), fix="See the options of prepare smap.")
    kept = write(writer, content, stations, sieve.left)
    notes.lines.append(shared_cells(kept))
    facts = {
        "fill": options.fill,
        "lst": options.lst,
        "window": options.window,
        "antecedent": options.antecedent,
        "years": list(raw_files.years),
        # Left out where it is the default: a data set of before the option is the same data.
        **({} if options.nlcd == "nearest" else {"nlcd": options.nlcd}),
    }
    return PreparedInfo("series", sieve.funnel(stations.names, [note for note in notes.lines if note], read), facts)


def _read(
    raw_files: RawFiles,
    options: SmapOptions,
    axes: PanelAxes,
    notes: Notes,
    reporter: Reporter,
) -> Raw:
    """Read every file once."""
    names, calendar = axes
    shape = (calendar.days, len(names.names))
    files = {
        product: [path for paths in by_year.values() for path in paths]
        for product, by_year in raw_files.exports.items()
    }
    with reporter.task("read exports", 7) as advance:

        def panel(product: str, kind: products.Product) -> tuple[StationSeries, ScaleByFile]:
            rows = exports.read_rows(kind, files[product], names, calendar, notes)
            scenes = options.scenes if kind.stamp else "first"
            more = repeated(rows)
            # Tiles of HLS that overlap are of one time.
            if more and kind is not products.HLS:
                location = f"{files[product][0].parent}, {NAMED[product]}"
                fix = "Give one row a station and image." if kind.stamp else DAILY
                refuse_several(rows, location, names, calendar, fix)
            first = "the first in time" if kind.stamp else "the first in the file"
            handling = first if scenes == "first" else "their mean"
            notes.count(more, f"rows of {NAMED[product]} are further ones of their station and day: {handling} counts.")
            advance(1)
            return exports.panel(rows, list(kind.columns), shape, scenes), rows.scales

        weather = _weather(panel("gridmet", products.GRIDMET)[0], notes)
        lst = _surface(panel("lst", products.LST)[0], notes)
        radar = _radar(*panel("s1", products.S1), notes)
        bands = _optical(*panel("hls", products.HLS), options.hls_scale, notes)
        smap = exports.read_smap(files["smap"], names, calendar, notes)
        advance(1)
        code = _codes(raw_files, options.nlcd, axes, notes)
        site = constants.read_constants(raw_files.constant, names, shape[1], notes)
        notes.fills.refuse()
        advance(1)
        truth = read_truth(raw_files, options, names, calendar, notes)
        advance(1)
    return Raw(weather, lst, radar, bands, smap, code, site, truth)


def _weather(panel: StationSeries, notes: Notes) -> StationSeries:
    kept, negative = deriving.not_negative(panel)
    notes.count(negative, "values of gridMET are below 0, which its quantities are not; they are missing.")
    return kept


def _surface(panel: StationSeries, notes: Notes) -> StationSeries:
    wrong = (panel["LST"] < exports.LST_LEAST) | (panel["LST"] > exports.LST_LIMIT)
    notes.count(
        int(wrong.sum()), "values of land-surface temperature outside 7500 to 18000 (150 to 360 K) are missing."
    )
    return {"LST": np.where(wrong, np.float32(np.nan), panel["LST"])}


def _radar(panel: StationSeries, scale_by_file: ScaleByFile, notes: Notes) -> StationSeries:
    scale = scales.common_scale(scale_by_file, "Sentinel-1", ("dB", "0..1", "x 10,000"))
    if scale != "dB":
        notes.lines.append(f"Sentinel-1 is linear power, {scale}; it was turned into dB.")
    return {name: scales.decibels(values, scale).astype(np.float32) for name, values in panel.items()}


def _optical(panel: StationSeries, scale_by_file: ScaleByFile, given: str, notes: Notes) -> StationSeries:
    scale = scales.common_scale(scale_by_file, "HLS", scales.REFLECTANCES[given])
    if scale != "0..1":
        notes.lines.append(f"HLS reflectances are {scale}; they were scaled to 0..1.")
    scaled = {name: scales.reflectance(values, scale).astype(np.float32) for name, values in panel.items()}
    kept, outside = deriving.in_range(scaled)
    notes.count(outside, "reflectances of HLS outside 0..1 are missing.")
    return kept


def _codes(raw_files: RawFiles, choice: deriving.Release, axes: PanelAxes, notes: Notes) -> Floats:
    """Return NLCD codes of the release that each year takes, [D, S]."""
    names, calendar = axes
    releases = {
        year: constants.read_codes(paths, names, len(names.names))
        for year, paths in raw_files.exports["land_cover"].items()
    }
    code = np.full((calendar.days, len(names.names)), np.nan, dtype=np.float32)
    taken = []
    for year in raw_files.years:
        release = deriving.release_of(year, list(releases), choice, str(raw_files.constant.parent))
        code[calendar.years == year] = releases[release]
        taken.append(f"{year} takes {release}")
    notes.lines.append(f"Land cover: {', '.join(taken)}.")
    return code


def _sift(
    data: Raw, options: SmapOptions, calendar: Calendar, stations: Stations
) -> tuple[Content, Sieve, NDArray[np.int64]]:
    """Fill the series, then drop stations and days by the paper's rules, the coarse ones first."""
    shape = (calendar.days, len(stations))
    weather_row = np.any([np.isfinite(values) for values in data.weather.values()], axis=0)
    exported: Mask = weather_row.any(axis=1)
    days = np.flatnonzero(exported)
    if not len(days):
        raise DataError("no day of gridMET belongs to a station", where="gridMET", fix="Check the names of stations.")
    inside = np.zeros(calendar.days, dtype=bool)
    inside[days[0] : days[-1] + 1] = True
    sieve = Sieve(np.repeat(inside[:, None], shape[1], axis=1))
    read = np.full(shape[1], int(inside.sum()), dtype=np.int64)
    _drop_stations(sieve, data, options, exported)
    content = _content(data, options, calendar, weather_row if options.window == "rows" else _whole_days(inside, shape))
    if options.truth != NO_TRUTH:
        sieve.drop("no ground truth", ~np.isfinite(data.truth))
    sieve.drop("no row of gridMET", ~content.records)
    sieve.drop("land cover of no class", np.asarray(content.cover < 0))
    first_missing({**content.snapshot(), **content.site_values()}, shape, sieve.drop)
    sieve.drop("radar index not defined (VV = VH)", _undefined(content))
    word = "rows" if options.window == "rows" else "days"
    gap = f"a gap in the weather of its own and the {options.antecedent} {word} before"
    sieve.drop(gap, np.asarray(content.history <= options.antecedent))
    return content, sieve, read


def _whole_days(inside: Mask, shape: tuple[int, int]) -> Mask:
    """Return the calendar days of the exports as records of every station, [D, S]."""
    return np.repeat(inside[:, None], shape[1], axis=1)


def _drop_stations(sieve: Sieve, data: Raw, options: SmapOptions, exported: Mask) -> None:
    for product, panel in data.daily().items():
        none = without(panel)
        sieve.drop(f"station: no row of {NAMED[product]}", none)
    if options.truth != NO_TRUTH:
        _drop_by_truth(sieve, data, options, exported)
    limits = {"s1": options.s1_share, "hls": options.hls_share, "lst": options.lst_share}
    for product, limit in limits.items():
        share = valid_share(data.daily()[product], exported)
        sieve.drop(
            f"station: {NAMED[product]} is valid on {format_share(limit)} of the days or less",
            np.asarray(share <= limit),
        )


def _drop_by_truth(sieve: Sieve, data: Raw, options: SmapOptions, exported: Mask) -> None:
    sieve.drop("station: no ground truth", np.asarray(~np.isfinite(data.truth).any(axis=0)))
    missing = 1 - valid_share({"truth": data.truth}, exported)
    sieve.drop(
        f"station: {format_share(options.missing)} or more of the ground truth is missing",
        np.asarray(missing >= options.missing),
    )


def _content(data: Raw, options: SmapOptions, calendar: Calendar, records: Mask) -> Content:
    """Fill on the daily calendar; windows run over the records."""
    fill = options.fill
    lst = deriving.filled(data.lst["LST"], fill) * (_KELVIN if options.lst == "kelvin" else np.float32(1))
    bands = {name: deriving.filled(values, fill) for name, values in data.bands.items()}
    weather = {**data.weather, "LST": lst}
    content = Content(
        calendar=calendar,
        records=records,
        weather=weather,
        smap=deriving.carried(data.smap["SMAP"], fill),
        radar={name: deriving.filled(values, fill) for name, values in data.radar.items()},
        indices=deriving.optical_indices(bands),
        cover=deriving.classes(data.code),
        site={**data.site, "aspect_normalized": deriving.aspect_normalized(data.site["aspect"])},
        truth=data.truth,
        kelvin=options.lst == "kelvin",
    )
    whole = np.all([np.isfinite(values) for values in weather.values()], axis=0)
    for station in range(records.shape[1]):
        rows = np.flatnonzero(records[:, station])
        content.history[rows, station] = deriving.valid_run_length(whole[rows, station])
    return content


def _undefined(content: Content) -> Mask:
    vv, vh = content.radar["VV"], content.radar["VH"]
    return np.asarray((vv == vh) | (vv + vh == 0) | (vh == 0))
