"""The data set in the layout `series`: the stations' days one after another, and the samples' places in them.

Legend: D days of the calendar, S stations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.sources.smap.calendar import Calendar
from geoml_cli.sources.smap.deriving import CLASSES, OPTICAL_INDICES
from geoml_cli.sources.smap.ease import cell
from geoml_cli.sources.smap.exports import StationSeries
from geoml_cli.sources.smap.products import RADAR, WEATHER
from geoml_cli.sources.smap.stations import Stations

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
TARGET = "soil_moisture"
_MINUTES = 1440
_TIME = "minutes since 1970-01-01 00:00:00"
_WEATHER_UNITS = {
    "eto": ("mm d-1", "reference evapotranspiration of grass"),
    "etr": ("mm d-1", "reference evapotranspiration of alfalfa"),
    "pr": ("mm d-1", "precipitation"),
    "sph": ("kg kg-1", "specific humidity"),
    "srad": ("W m-2", "downward shortwave radiation"),
    "vpd": ("kPa", "vapour pressure deficit"),
    "vs": ("m s-1", "wind speed at 10 m"),
}
SITE = {
    "elevation": ("m", "elevation"),
    "slope": ("degree", "slope"),
    "aspect_normalized": ("1", "cos(pi aspect / 360), aspect in degrees"),
    "clay": ("%", "clay content of the soil, 0 to 5 cm, as exported"),
    "bd": ("10 kg m-3", "bulk density of the soil, 0 to 5 cm, as exported"),
    "sand": ("%", "sand content of the soil, 0 to 5 cm, as exported"),
}
_INDEX_NAMES = {
    "ndvi": "normalised difference vegetation index",
    "evi": "enhanced vegetation index",
    "ndwi": "normalised difference water index",
    "lswi": "land surface water index",
    "nsdsi": "normalised shortwave-infrared difference soil-moisture index",
}


@dataclass
class Content:
    """Series of all stations, [D, S] each, filled.

    Attributes:
        records: Which days are written: those of gridMET, or all of the calendar.
        weather: With land-surface temperature.
        cover: Place of the land-cover class, -1 for none.
        site: Terrain and soil, [S].
        history: Records with whole weather up to and including each.
    """

    calendar: Calendar
    records: Mask
    weather: StationSeries
    smap: Floats
    radar: StationSeries
    indices: StationSeries
    cover: NDArray[np.int8]
    site: Mapping[str, Floats]
    truth: Floats
    kelvin: bool
    history: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.history = np.zeros(self.records.shape, dtype=np.int32)

    def snapshot(self) -> StationSeries:
        """Return what a sample sees of its own day in addition to weather and land cover."""
        return {"SMAP": self.smap, **self.radar, **self.indices}

    def site_values(self) -> StationSeries:
        """Return what a sample sees of its station, [S] each."""
        return {name: self.site[name] for name in SITE}


def write(writer: DatasetWriter, content: Content, stations: Stations, kept: Mask) -> dict[str, int]:
    """Write stations that have samples, their series and their samples; return their SMAP cells by name."""
    places = np.flatnonzero(kept.any(axis=0))
    lengths = content.records[:, places].sum(axis=0)
    writer.dimension("record", int(lengths.sum()))
    writer.dimension("station", len(places))
    writer.dimension("sample", int(kept.sum()))
    writer.attributes(
        title="Soil moisture at stations, with SMAP, weather, radar, optical and terrain data",
        source="Earth Engine exports; ground truth of ISMN stations",
        references="Xu et al. 2025, JGR: Machine Learning and Computation 2(3)",
    )
    put_labels(writer)
    cells = _put_stations(writer, content, stations, (places, lengths))
    numbered = np.unique(list(cells.values()), return_inverse=True)[1]
    known = bool(np.isfinite(content.truth).any())
    described = (*record_variables(content.kelvin), *_SAMPLE, *([_TARGET] if known else []))
    handles = {variable.name: writer.declare(variable) for variable in described}
    record = sample = 0
    for number, station in enumerate(places.tolist()):
        days = np.flatnonzero(content.records[:, station])
        _write_records(handles, content, days, station, slice(record, record + len(days)))
        chosen = np.flatnonzero(kept[days, station])
        at = slice(sample, sample + len(chosen))
        handles["index"][at] = record + chosen
        handles["station_index"][at] = number
        handles["smap_cell"][at] = numbered[number]
        handles["history"][at] = np.minimum(content.history[days, station][chosen], np.iinfo(np.int16).max)
        if known:
            handles[TARGET][at] = content.truth[days[chosen], station]
        record, sample = record + len(days), sample + len(chosen)
    return cells


def put_labels(writer: DatasetWriter) -> None:
    """Write which variables play which part."""
    described = {
        "dynamic": ("weather", "daily weather, in the order of the network", [*WEATHER, "LST"]),
        "index_name": ("index_kind", "optical indices, in the order of the network", list(OPTICAL_INDICES)),
        "land_cover_name": ("land_cover_class", "class of land cover; its code is its place", list(CLASSES)),
    }
    for name, (dimension, meaning, names) in described.items():
        writer.dimension(dimension, len(names))
        writer.put(Variable(name, "", meaning, (dimension,), dtype="str"), names)


def record_variables(kelvin: bool) -> list[Variable]:
    """Describe the series."""
    known = {"standard_name": "time", "calendar": "proleptic_gregorian"}
    surface = "K" if kelvin else "0.02 K"
    units = {**_WEATHER_UNITS, "LST": (surface, "land-surface temperature by day, MOD11A1")}
    found = [Variable("time", _TIME, "day", ("record",), dtype="i4", attributes=known)]
    found += [Variable(name, *units[name], dims=("record",)) for name in (*WEATHER, "LST")]
    found.append(Variable("SMAP", "m3 m-3", "surface soil moisture of SMAP L4", ("record",)))
    found += [Variable(name, "dB", f"Sentinel-1 backscatter {name}", ("record",)) for name in RADAR]
    found += [Variable(name, "1", _INDEX_NAMES[name], ("record",)) for name in OPTICAL_INDICES]
    cover = "class of land cover, its place in land_cover_name; -1 for none"
    return [*found, Variable("land_cover", "1", cover, ("record",), dtype="i1")]


_SAMPLE = (
    Variable("index", "1", "record of the sample, counted from 0", ("sample",), dtype="i4"),
    Variable("station_index", "1", "station of the sample, counted from 0", ("sample",), dtype="i2"),
    Variable("smap_cell", "1", "SMAP cell of the sample's station, numbered from 0", ("sample",), dtype="i2"),
    Variable("history", "1", "records of whole weather up to and including the sample's", ("sample",), dtype="i2"),
)
_TARGET = Variable(TARGET, "m3 m-3", "soil moisture in situ, 0 to 5 cm", ("sample",))


def _put_stations(
    writer: DatasetWriter,
    content: Content,
    stations: Stations,
    chosen: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> dict[str, int]:
    places, lengths = chosen
    texts = {"station": stations.names, "network": stations.network, "region": stations.region}
    meanings = {"station": "ID of the station", "network": "network of the station", "region": "region (Domain)"}
    for name, values in texts.items():
        described = Variable(name, "", meanings[name], ("station",), dtype="str")
        writer.put(described, [values[place] for place in places.tolist()])
    for name, values_S, unit in (("lat", stations.latitude, "north"), ("lon", stations.longitude, "east")):
        known = {"standard_name": "latitude" if name == "lat" else "longitude"}
        described = Variable(name, f"degrees_{unit}", known["standard_name"], ("station",), "f8", known)
        writer.put(described, values_S[places])
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    writer.put(Variable("station_first", "1", "first record of the station", ("station",), dtype="i8"), first)
    number = cell(stations.latitude[places], stations.longitude[places])
    meaning = "EASE-Grid 2.0 cell of 9 km, row * 3856 + column"
    writer.put(Variable("ease_cell", "1", meaning, ("station",), dtype="i4"), number)
    for name, (unit, long_name) in SITE.items():
        writer.put(Variable(name, unit, long_name, ("station",)), content.site[name][places])
    return dict(zip((stations.names[place] for place in places.tolist()), number.tolist(), strict=True))


def _write_records(
    handles: Mapping[str, Any], content: Content, days: NDArray[np.int64], station: int, records: slice
) -> None:
    handles["time"][records] = (content.calendar.first + days) * _MINUTES
    for name, values in {**content.weather, **content.snapshot()}.items():
        handles[name][records] = values[days, station]
    handles["land_cover"][records] = content.cover[days, station]
