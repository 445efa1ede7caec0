"""Group labels of samples: blocks of land, values of a variable, places, or the samples themselves.

Legend: N samples of the data set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.samples.coordinates import EARTH_RADIUS_KM, lon_lat_of_samples, places_of_samples
from geoml_cli.splits.artificial_gaps import tested_gaps
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.too_few import blocks_called
from geoml_cli.splits.window_times import ALL_TIMES

Rows = NDArray[np.int64]


def groups(variables: Variables, settings: SplitSettings, rows: int) -> Rows:
    """Number the group of every sample, shape [N]: by a variable, its spatial block, its cell or station, or itself.

    Samples of a group are on one side of every split, and are resampled together in a bootstrap. Where a second
    variable is held out as well, groups are those of the first: what is claimed of all rows is claimed of new ones.

    Raises:
        DataError: Blocks are asked for and a sample has no coordinates, or there is no such variable.
    """
    return _first_groups(variables, settings, rows)


def paired_groups(variables: Variables, settings: SplitSettings, rows: int) -> Rows:
    """Number what both kinds of groups have in common, such as a year of a station, [N]; errors as for `groups`."""
    first = _first_groups(variables, settings, rows)
    pairs = np.stack([first, _numbered(variables, ("second_group", settings.second_group), 1, rows)])
    return np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def held_out_groups(variables: Variables, settings: SplitSettings, rows: int) -> dict[str, Rows]:
    """Group labels [N] of every kind of group that a drawn split holds out whole, by what they are called.

    Of a split by label, those that are held out for validation.
    """
    if settings.kind in ("regions", "leave-one-out"):
        return {f"groups of {settings.group_by}": number_labels(variables, settings.group_by, rows)}
    if settings.kind not in ("blocks", "groups"):
        return {"samples": np.arange(rows, dtype=np.int64)}
    # In this order: `members.novelty` names them by their place.
    found = {_called(settings): _first_groups(variables, settings, rows)}
    if settings.second_group:
        second = _numbered(variables, ("second_group", settings.second_group), 1, rows)
        found[f"groups of {settings.second_group}"] = second
    return found


def labels(variables: Variables, name: str, rows: int, setting: str = "group_by") -> NDArray[np.str_]:
    """Return the value of a variable for every sample as text, [N]; of a station's variable that of its station.

    Args:
        variables: The data set.
        name: A text variable, or one of whole numbers.
        rows: Number of samples N.
        setting: Of `[split]` that names the variable.

    Raises:
        DataError: There is no such variable, or it is not one of samples or stations.
    """
    location = f"[split] {setting} = {name!r}"
    if not variables.has(name):
        raise _no_variable(location)
    found = _values(variables, name)
    if found.shape != (rows,) and variables.has("station_index") and found.ndim == 1:
        found = found[np.asarray(variables.array("station_index"))]
    if found.shape != (rows,):
        raise DataError("is no value a sample", where=location, fix="Use a variable of samples or stations.")
    return found


def has_label(variables: Variables, settings: SplitSettings, rows: int) -> NDArray[np.bool_]:
    """Return which samples are of a group, [N]: of a split by names, those whose name is not empty."""
    if settings.kind not in ("groups", "regions", "leave-one-out") or not variables.has(settings.group_by):
        return np.ones(rows, dtype=np.bool_)
    if settings.kind == "groups" and not variables.is_text(settings.group_by):
        return np.ones(rows, dtype=np.bool_)
    return np.asarray(labels(variables, settings.group_by, rows) != "")


def trains_unlabelled(settings: SplitSettings) -> bool:
    """Return whether samples of no group are trained on.

    Where a region alone trains they are neither it nor another one, and where years are held out as well, theirs may
    be.
    """
    return not settings.second_group and not (settings.kind == "regions" and settings.region_role == "train")


def unlabelled(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> str:
    """Say how many samples no fold tests because their label is empty; nothing where there are none."""
    if settings.kind == "given":
        name = settings.fold_column
        is_named = not name or not variables.has(name) or labels(variables, name, rows, "fold_column") != ""
    else:
        name, is_named = settings.group_by, has_label(variables, settings, rows)
    count = int((~np.broadcast_to(is_named, rows)[usable]).sum())
    if not count:
        return ""
    which = f"{count:,} of {len(usable):,} samples have no {name}"
    if not trains_unlabelled(settings):
        return f"{which}: no member is trained or tested on them."
    return (
        f"{which}: every member is trained on them and none is tested on them. If they are of a {name} that is held "
        "out, scores are too good."
    )


def number_labels(variables: Variables, name: str, rows: int) -> Rows:
    """Number the values of a variable, [N]; errors as for `labels`."""
    return np.unique(labels(variables, name, rows), return_inverse=True)[1].reshape(-1).astype(np.int64)


def _values(variables: Variables, name: str) -> NDArray[np.str_]:
    if variables.is_text(name):
        return np.array(variables.labels(name), dtype=np.str_)
    return np.asarray(variables.array(name)).astype(np.str_)


def _first_groups(variables: Variables, settings: SplitSettings, rows: int) -> Rows:
    if settings.kind in ("regions", "leave-one-out"):
        return number_labels(variables, settings.group_by, rows)
    if settings.group_by:
        return _numbered(variables, ("group_by", settings.group_by), settings.group_length, rows)
    if settings.kind == "gaps":
        # Only a gap holds samples that belong together; each sample outside of gaps is a group of its own.
        number_N = tested_gaps(variables, settings, rows).number_N
        return np.where(number_N >= 0, number_N, number_N.max() + 1 + np.arange(rows))
    if settings.kind not in ("blocks", "knndm"):
        return places_of_samples(variables, rows)  # samples of one place are not independent, however they are split
    longitude, latitude = place_of_samples(variables, rows).T
    # Equirectangular about the mean latitude: blocks are near-squares over a country, which is all they need to be.
    shrink = np.cos(np.radians(latitude.mean()))
    cells = np.stack([np.radians(longitude) * shrink, np.radians(latitude)]) * EARTH_RADIUS_KM
    places = np.floor(cells / settings.block_km).astype(np.int64)
    return np.unique(places, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _numbered(variables: Variables, named: tuple[str, str], length: int, rows: int) -> Rows:
    setting, name = named
    if not variables.has(name):
        raise _no_variable(f"[split] {setting} = {name!r}")
    if length == 1 and variables.is_text(name):
        return number_labels(variables, name, rows)
    number = np.empty(0) if variables.is_text(name) else variables.array(name)
    if number.dtype.kind not in "iu" or number.shape != (rows,):
        raise DataError(
            "is no whole number a sample",
            where=f"[split] {setting} = {name!r}",
            fix="Use a variable such as day, or names with split.group_length=1.",
        )
    # Counted from 0, not from the first value that occurs: blocks are the same in every data set.
    return np.asarray(number.astype(np.int64) // length, dtype=np.int64)


def _no_variable(location: str) -> DataError:
    return DataError("the data set has no such variable", where=location, fix="Look for its groups with ncdump -h.")


def group_called(variables: Variables, settings: SplitSettings) -> str:
    """Name a group: `station`, `block of 10 x day`, `spatial block of 20 km`, `cell`; `sample` where there is none."""
    name = "gap" if settings.kind == "gaps" else settings.group_by.removesuffix("_index")
    if name:
        is_single = settings.group_length == 1 or "group_length" in settings.unused()
        return name if is_single else f"block of {settings.group_length} x {name}"
    if settings.kind in ("blocks", "knndm"):
        return f"spatial block of {settings.block_km:g} km"
    return "cell" if variables.has("cell") else "station" if variables.has("station_index") else "sample"


def _called(settings: SplitSettings) -> str:
    if settings.group_by:
        name = settings.group_by.removesuffix("_index")
        return f"groups of one {name}" if settings.group_length == 1 else f"groups of {settings.group_length} x {name}"
    return blocks_called(settings)


def place_of_samples(variables: Variables, rows: int) -> NDArray[np.float64]:
    """Return longitude and latitude of every sample [degrees], [N, 2]; all are known.

    Raises:
        DataError: One is not, or samples are maps.
    """
    if variables.has(ALL_TIMES):
        raise DataError(
            "windows of maps have no place: each covers the whole map",
            where="[split]",
            fix="Split them in time, with split.kind='chronological' or 'years', and leave split.buffer_km = 0.",
        )
    place_N2 = lon_lat_of_samples(variables, rows)
    missing = int((~np.isfinite(place_N2).all(axis=1)).sum())
    if missing:
        raise DataError(
            f"{missing} of {rows} samples have no coordinates",
            where="[split]",
            fix="Spatial blocks and buffers need lon and lat; use --set split.kind=random otherwise.",
        )
    return place_N2
