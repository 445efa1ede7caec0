"""Places of a column in another unit than the others: rainfall in m in the east, kelvin next to degrees Celsius.

Legend: B boxes of some degrees, of all times together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.year_scales import two_groups
from geoml_cli.sources.gwsa.factors import described
from geoml_cli.sources.gwsa.row_summary import BOX, FEWEST, FINE, Census, latitude_of, middle_of, neighbours

Values = NDArray[np.float64]
_DEGREES = {"K": 1.0, "degC": 1.0, "0.1 degC": 0.1}
"""Units of temperatures, in degrees."""
_HOTTEST, _COLDEST = 60.0, 180.0
"""Means of months and years are below the one in degrees Celsius and above the other in kelvin, at all places."""
_MONTHS = 12
_TENTHS, _HOTTEST_K, _COOL, _WARM = "0.1 degC", 320.0, 40.0, 25.0
"""Latitudes beyond which no mean of a box is 18 to 32 degrees Celsius, and within which hardly any is -6 to 6."""
_SURFACE, _ZERO, _APART = "LST", 273.15, 5.0
"""Surface temperature, zero degrees Celsius [K], and how far from it means of the air over months are in few places."""
_VARIES, _TOGETHER, _AS_MUCH = 1.0, 0.7, 3.0
"""Deviation of the surface [K], and its correlation with the air, from which on deviations are compared: those of
tenths are ten times as large."""
_WIDEST = 150.0
"""Temperatures of one unit, from the coldest month of the coldest place to the hottest, differ by less."""
_TIMES = 100.0
"""How far two groups of boxes lie apart: m for mm is 1000 times."""
_SMOOTH = ("rf", "Ep")
"""What does not differ so much within a few degrees by itself, as evaporation of a valley and a desert does."""
_GRADUAL, _PAIRS = 50.0, 3
"""How far neighbouring boxes of one region lie apart at most, and pairs of neighbours that divide two regions."""


def other_places(
    census: Census, used: Sequence[str], sized: Sequence[str], units: Mapping[str, str], where: str
) -> list[str]:
    """Look for columns of which some places are in another unit.

    Args:
        census: Of all rows.
        used: All columns, as they were summed up.
        sized: Of `used`, those whose sizes are compared: heights of a coast and of mountains differ by themselves.
        units: Those that were given.
        where: The raw files, for messages.

    Returns:
        What is said of columns whose places are of two sizes, or whose temperatures are too far apart.

    Raises:
        DataError: A temperature is in kelvin at some places, and in degrees Celsius at others.
    """
    if not census.sums:
        return []
    notes = []
    box, sums = _of_boxes(census)
    for number, name in enumerate(used):
        magnitudes, values = sums[1 + 3 * number] / sums[0], sums[2 + 3 * number] / sums[0]
        degrees = _DEGREES.get(described(name, census.monthly, units).unit)
        if degrees is not None:
            _refuse_celsius(name, box, values * degrees, where)
            low, high = census.spans[name]
            if (high - low) * degrees > _WIDEST:
                notes.append(
                    f"{name} runs from {low:g} to {high:g}, further than temperatures of one unit: are some in kelvin "
                    f"and others in degrees Celsius, or does a number mean no data (--nodata {name}=NUMBER)?"
                )
        elif name in sized:
            sizes, degrees = dict(zip(box, magnitudes.tolist(), strict=True)), BOX
            if len(box) < FEWEST and name in _SMOOTH:
                sizes, degrees = _fine_sizes(census, number), FINE
            notes += _of_two_sizes(name, sizes, degrees)
    return [*notes, *_of_likely_tenths(census, used, units, (box, sums))]


def _fine_sizes(census: Census, number: int) -> dict[int, float]:
    """Return the mean magnitudes of a column by finer box."""
    return {one: float(total[1 + 3 * number] / total[0]) for one, total in census.fine.items()}


def _of_likely_tenths(
    census: Census, used: Sequence[str], units: Mapping[str, str], of_boxes: tuple[Sequence[int], Values]
) -> list[str]:
    """Tell of columns in tenths of degrees Celsius that are likely to be in another unit."""
    box, sums = of_boxes
    notes = []
    is_of_years = not census.monthly or len({str(time)[5:7] for time in census.times}) == _MONTHS
    for number, name in enumerate(used):
        # What is said of latitudes holds for means of years, and where nobody says which unit it is.
        if name in units or described(name, census.monthly, units).unit != _TENTHS:
            continue
        said = None
        if _SURFACE in used and described(_SURFACE, census.monthly, units).unit == "K":
            said = _unlike_surface(name, _of_times(census, number), _of_times(census, used.index(_SURFACE)) - _ZERO)
        if said is None:
            said = _of_tenths(name, box, sums[2 + 3 * number] / sums[0]) if is_of_years else []
        notes += said
    return notes


def _of_times(census: Census, number: int) -> Values:
    """Return means of a column over each box at each time."""
    return np.array([total[2 + 3 * number] / total[0] for total in census.sums.values()])


def _unlike_surface(name: str, mean: Values, surface: Values) -> list[str] | None:
    """Tell of tenths of degrees Celsius that are likely to be degrees or kelvin, since the surface's vary as much.

    Where both do not vary together, they are those that lie nearer to it in another unit.

    Returns:
        What is said: nothing where they are tenths. None where both together do not tell.
    """
    apart = {"": mean / 10 - surface, "degC": mean - surface, "K": mean - _ZERO - surface}
    median = {unit: float(np.median(np.abs(one))) for unit, one in apart.items()}
    unit = min(median, key=lambda one: median[one])
    if _vary_together(mean, surface):
        if np.std(mean) >= _AS_MUCH * np.std(surface):
            return []
        unit = min(("degC", "K"), key=lambda one: median[one])
    elif not unit:
        return []
    elif median[""] <= max(_APART, 2 * median[unit]):
        return None
    return [
        f"{name} is {mean.min() / 10:.3g} to {mean.max() / 10:.3g} degrees Celsius on means of boxes of 5 degrees, "
        f"{_SURFACE} {surface.min():.3g} to {surface.max():.3g}: " + _ask(name, unit)
    ]


def _vary_together(mean: Values, surface: Values) -> bool:
    if not (np.std(mean) > 0 and np.std(surface) > _VARIES):
        return False
    return float(np.corrcoef(mean, surface)[0, 1]) > _TOGETHER


def _ask(name: str, unit: str) -> str:
    spelt = {"K": "kelvin", "degC": "degrees"}[unit]
    return f"is it in {spelt}, and not in tenths? Then say --units {name}={unit}, else --units '{name}={_TENTHS}'"


def _of_tenths(name: str, box: Sequence[int], mean_B: Values) -> list[str]:
    """Tell of tenths of degrees Celsius that are more likely kelvin or degrees, from where on Earth they are."""
    latitude_B = np.abs([latitude_of(one) for one in box])
    span = f"{name} is {mean_B.min() / 10:.3g} to {mean_B.max() / 10:.3g} degrees Celsius"
    if mean_B.min() > _COLDEST and mean_B.max() < _HOTTEST_K and latitude_B.max() >= _COOL:
        return [
            f"{span} on the mean of each box of 5 degrees, up to {latitude_B.max():g} degrees of latitude: "
            + _ask(name, "K")
        ]
    if np.abs(mean_B).max() < _HOTTEST and latitude_B.min() <= _WARM:
        return [
            f"{span} on the mean of each box of 5 degrees, from {latitude_B.min():g} degrees of latitude: "
            + _ask(name, "degC")
        ]
    return []


def _of_boxes(census: Census) -> tuple[list[int], Values]:
    """Return the boxes, and their sums over all times, shape [sums, B]."""
    numbers, place = np.unique(np.array([box for _, box in census.sums]), return_inverse=True)
    totals = np.array(list(census.sums.values())).T
    return numbers.tolist(), np.array([np.bincount(place, total, len(numbers)) for total in totals])


def _refuse_celsius(name: str, box: Sequence[int], mean_B: Values, where: str) -> None:
    cold, hot = mean_B <= _HOTTEST, mean_B >= _COLDEST
    if cold.all() or hot.all() or not (cold | hot).all():
        return
    first = {unit: middle_of(box[int(among.argmax())]) for unit, among in (("C", cold), ("K", hot))}
    raise DataError(
        f"{name} is in degrees Celsius at some places (near {first['C']}) and in kelvin at others (near {first['K']})",
        where=where,
        fix=f"Bring all places of {name} to one unit.",
    )


def _of_two_sizes(name: str, sizes: Mapping[int, float], degrees: float) -> list[str]:
    """Tell of boxes of some degrees whose values are of another size than those of the others."""
    box = [one for one, size in sizes.items() if size > 0]  # where it never rains there is nothing to compare
    size_B = np.array([sizes[one] for one in box])
    if len(box) < FEWEST:
        return []
    logs_B = np.log(size_B)
    few = _region_apart(box, logs_B, degrees)
    if not few and (groups := two_groups(dict(enumerate(logs_B.tolist())), _TIMES, _TIMES)):
        few = min(groups[:2], key=len)
    if not few:
        return []
    others = np.delete(size_B, few)
    return [
        f"{name} is of {size_B[few].min():.3g} to {size_B[few].max():.3g} in {len(few)} of {len(box)} "
        f"boxes of {degrees:g} degree{'s' * (degrees > 1)}, such as near {middle_of(box[few[0]], degrees)}, and of "
        f"{others.min():.3g} to {others.max():.3g} in the others: another unit?"
    ]


def _region_apart(box: Sequence[int], logs_B: Values, degrees: float) -> list[int]:
    """Return the boxes of a region that no gradual change joins to the largest one; of a climate some boxes do."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = {one: place for place, one in enumerate(box)}
    pairs = np.array(
        [(number[one], number[other]) for one in box for other in neighbours(one, degrees) if other in number],
        dtype=np.int64,
    ).reshape(-1, 2)
    step = np.abs(logs_B[pairs[:, 0]] - logs_B[pairs[:, 1]])
    near = pairs[step < np.log(_GRADUAL)]
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(box), len(box)))
    _, region_B = connected_components(graph, directed=False)
    largest = region_B == np.bincount(region_B).argmax()
    apart = list[int]()
    for region in np.unique(region_B[~largest]):
        across = (region_B[pairs] == region).any(axis=1) & largest[pairs].any(axis=1)
        if across.sum() >= _PAIRS and float(np.median(step[across])) >= np.log(_TIMES):
            apart += np.flatnonzero(region_B == region).tolist()
    return apart
