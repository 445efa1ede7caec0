"""Where samples are on Earth, whichever layout they are stored in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset, Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.samples.labels import Labels, labelled

EARTH_RADIUS_KM = 6371.0088
"""Mean radius."""
ID = Variable("id", "1", "name of the point", dtype="str")
LONGITUDE = Variable("lon", "degrees_east", "longitude", dtype="f8")
LATITUDE = Variable("lat", "degrees_north", "latitude", dtype="f8")


def lon_lat_of_samples(variables: Variables, samples: int) -> NDArray[np.float64]:
    """Return longitude and latitude of every sample [degrees], shape [N, 2], NaN where unknown.

    Samples of a series lie where their station does. Windows of maps have no place: coordinates are those of cells.
    """
    maps = isinstance(variables, Dataset) and variables.manifest.layout == "grid"
    if maps or not (variables.has("lon") and variables.has("lat")):
        return np.full((samples, 2), np.nan)
    pair = np.stack([np.asarray(variables.array(name), dtype=np.float64) for name in ("lon", "lat")], axis=1)
    return pair[variables.array("station_index")] if variables.has("station_index") else pair


def stations_of_samples(variables: Variables) -> NDArray[np.str_]:
    """Return the station of every sample, shape [N]; the data set has stations."""
    names = np.array(variables.labels("station"))
    return names[variables.array("station_index")] if variables.has("station_index") else names


def labels_of_stations(variables: Variables) -> Labels:
    """Return the station of every sample, shape [N], kept by number."""
    names = variables.labels("station")
    place_N = variables.array("station_index") if variables.has("station_index") else np.arange(len(names))
    return labelled(np.asarray(place_N), names)


def places_of_samples(variables: Variables, samples: int) -> NDArray[np.int64]:
    """Number the place of every sample, shape [N]: its cell, its station, or the sample itself."""
    for name in ("cell", "station_index"):
        if variables.has(name):
            return np.asarray(variables.array(name), dtype=np.int64)
    return np.arange(samples, dtype=np.int64)


def nearest_km(places_R2: NDArray[np.float64], others: NDArray[np.float64], rank: int = 1) -> NDArray[np.float64]:
    """Return the great-circle distance of each place to the nearest of the others [km], [R].

    Args:
        places_R2: Longitude and latitude [degrees].
        others: Likewise.
        rank: 2 takes the second nearest, which is the nearest other one where the places are among the others.
    """
    from scipy.spatial import KDTree

    chord_R1, _ = KDTree(on_sphere(others)).query(on_sphere(places_R2), k=[rank])
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord_R1[:, 0] / 2, 0, 1)))


def on_sphere(places_N2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places as points of the unit sphere, [N, 3]."""
    lon, lat = np.radians(places_N2).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def station_of_records(variables: Variables) -> NDArray[np.int64]:
    """Number the station of every record of series that lie one after another, shape [R]."""
    first = np.asarray(variables.array("station_first"), dtype=np.int64)
    return np.searchsorted(first, np.arange(len(variables.array("time"))), side="right") - 1
