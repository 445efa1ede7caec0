"""The data set in the layout `series`: the sites' series one after another, and the samples' places in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import OBSERVED, PROVIDED, Variable
from geoml_cli.sources.fluxnet import uncertainty
from geoml_cli.sources.fluxnet.plan import Plan
from geoml_cli.sources.fluxnet.quality import DropCounts, Rule
from geoml_cli.sources.fluxnet.series import Series
from geoml_cli.sources.fluxnet.site_summary import SiteSummary, complete, targets
from geoml_cli.sources.fluxnet.sites import CLASSES, Station
from geoml_cli.sources.fluxnet.times import Step, starts, years
from geoml_cli.sources.fluxnet.units import quantity, unit

_TIME = "minutes since 1970-01-01 00:00:00"
_STATIC = {
    "elevation": ("m", "height of the site above sea level"),
    "mean_temperature": ("degC", "mean air temperature over the site's records"),
    "mean_precipitation": ("mm yr-1", "mean annual precipitation over the site's records"),
}


@dataclass(frozen=True)
class Content:
    """What is written.

    Attributes:
        plan: Sites and variables.
        counted: The first reading, by site.
        places: Where the sites stand.
        rule: Which targets are good enough.
        step: The resolution.
        read: Reads a site again.
    """

    plan: Plan
    counted: Mapping[str, SiteSummary]
    places: Mapping[str, Station]
    rule: Rule
    step: Step
    read: Callable[[str], Series]


def declare(writer: DatasetWriter, content: Content, samples: int) -> dict[str, Any]:
    """Write what is known of the sites and declare the rest; return the handles by name."""
    plan, step = content.plan, content.step
    writer.dimension("record", sum(content.counted[site].length for site in plan.sites))
    writer.dimension("station", len(plan.sites))
    writer.dimension("sample", samples)
    writer.attributes(
        title="Fluxes measured by eddy covariance at towers, with their drivers",
        source="FLUXNET and AmeriFlux files",
        references="https://doi.org/10.1038/s41597-020-0534-3",
    )
    _put_roles(writer, content)
    _put_stations(writer, content)
    targets_of_records = (_observed(content), *_provided(content), *_uncertain(content))
    described = (*_of_records(plan, step), *targets_of_records, *_of_samples(content))
    return {variable.name: writer.declare(variable) for variable in described}


def _of_records(plan: Plan, step: Step) -> list[Variable]:
    known = {"standard_name": "time", "calendar": "proleptic_gregorian"}
    time = Variable(
        "time", _TIME, "start of the record, local standard time", ("record",), dtype="i8", attributes=known
    )
    return [time, *(Variable(name, unit(name, step), quantity(name).meaning, ("record",)) for name in plan.dynamic)]


def _observed(content: Content) -> Variable:
    """Return the variable of good targets of all records: one that lacks a driver is no sample, and still measured."""
    target = content.rule.target
    meaning = f"{quantity(target).meaning}, where it is measured well enough"
    return Variable(f"{target}{OBSERVED}", unit(target, content.step), meaning, ("record",))


def _provided(content: Content) -> list[Variable]:
    """Return the variable of the provider's own values, gaps filled; none where nobody filled them."""
    target = content.rule.target
    if not any(_fills(content, site) for site in content.plan.sites):
        return []
    meaning = f"{quantity(target).meaning}, as the provider fills it"
    return [Variable(f"{target}{PROVIDED}", unit(target, content.step), meaning, ("record",))]


def _fills(content: Content, site: str) -> bool:
    """Return whether a provider fills a site's gaps: then it tells how good targets are, or how uncertain."""
    found = content.counted[site]
    return bool(found.quality or found.uncertain)


def _uncertain(content: Content) -> list[Variable]:
    """Return the variables of the target's uncertainty that the files of some site hold."""
    target = content.rule.target
    uncertain = {name for site in content.plan.sites for name in content.counted[site].uncertain}
    return [
        Variable(name, unit(target, content.step), f"{quantity(target).meaning}, {meaning}", ("record",))
        for name, meaning in uncertainty.meanings(target).items()
        if name in uncertain
    ]


def _of_samples(content: Content) -> list[Variable]:
    target = content.rule.target
    history = "records of the site without a gap, up to and including the sample's"
    return [
        Variable("index", "1", "record of the sample, counted from 0", ("sample",), dtype="i8"),
        Variable("station_index", "1", "station of the sample, counted from 0", ("sample",), dtype="i4"),
        Variable("year", "1", "calendar year", ("sample",), dtype="i4"),
        Variable("history", "1", history, ("sample",), dtype="i4"),
        Variable(target, unit(target, content.step), quantity(target).meaning, ("sample",)),
    ]


def _put_roles(writer: DatasetWriter, content: Content) -> None:
    plan = content.plan
    described = {
        "dynamic": ("dynamic", "variables that change with time", list(plan.dynamic)),
        "static": ("static", "variables that do not change", list(plan.static)),
        "target": ("one", "variable that is predicted", [content.rule.target]),
        # Not `category`: netCDF hides a variable that has a dimension's name and not its length.
        "category_name": ("land_cover", "IGBP class of the site; its code is its place", list(CLASSES)),
    }
    for name, (dimension, meaning, names) in described.items():
        writer.dimension(dimension, len(names))
        writer.put(Variable(name, "", meaning, (dimension,), dtype="str"), names)
    meaning = "length of a record; 0 for a month, -1 for a year"
    writer.put(Variable("step", "min", meaning, ("one",), dtype="i4"), np.array([content.step.minutes]))


def _put_stations(writer: DatasetWriter, content: Content) -> None:
    plan = content.plan
    places = [content.places[site] for site in plan.sites]
    writer.put(Variable("station", "", "code of the site", ("station",), dtype="str"), list(plan.sites))
    for name, value in (("latitude", [place.lat for place in places]), ("longitude", [place.lon for place in places])):
        degrees = "degrees_north" if name == "latitude" else "degrees_east"
        known = {"standard_name": name}
        writer.put(Variable(name[:3], degrees, name, ("station",), dtype="f8", attributes=known), np.array(value))
    lengths = [content.counted[site].length for site in plan.sites]
    first = np.cumsum([0, *lengths[:-1]])
    writer.put(Variable("station_first", "1", "first record of the site", ("station",), dtype="i8"), first)
    meaning = "IGBP class of the site, its place in category_name"
    category = np.array([place.category for place in places])
    writer.put(Variable("category", "1", meaning, ("station",), dtype="i2"), category)
    for name in plan.static:
        values = np.array([plan.values[site][name] for site in plan.sites])
        writer.put(Variable(name, _STATIC[name][0], _STATIC[name][1], ("station",)), values)


def write_site(handles: Mapping[str, Any], content: Content, site: str, at: tuple[int, int]) -> DropCounts:
    """Write a site's series and samples.

    Args:
        handles: By variable.
        content: What is written.
        site: Which site.
        at: Its first record and its first sample in the data set.

    Returns:
        How many of its samples have a target, and why others have none.
    """
    series = content.read(site)
    places = series.first + np.arange(series.length, dtype=np.int64)
    rows = complete(series, content.plan.dynamic)
    target, loss = targets(series, rows, content.rule)
    records, samples = slice(at[0], at[0] + series.length), slice(at[1], at[1] + int(rows.sum()))
    handles["time"][records] = starts(places, content.step)
    for name in content.plan.dynamic:
        handles[name][records] = series.values[name].astype(np.float32)
    handles[f"{content.rule.target}{OBSERVED}"][records] = target.astype(np.float32)
    if (provided := f"{content.rule.target}{PROVIDED}") in handles:
        filled = series.values[content.rule.target] if _fills(content, site) else np.nan
        handles[provided][records] = np.broadcast_to(np.asarray(filled, dtype=np.float32), series.length)
    for name in handles.keys() & uncertainty.meanings(content.rule.target):
        values = series.values.get(name, np.full(series.length, np.nan))
        handles[name][records] = values.astype(np.float32)
    handles["index"][samples] = at[0] + np.flatnonzero(rows)
    handles["station_index"][samples] = content.plan.sites.index(site)
    handles["year"][samples] = years(places[rows], content.step)
    handles["history"][samples] = valid_run_length(rows)[rows]
    handles[content.rule.target][samples] = target[rows].astype(np.float32)
    return loss


def valid_run_length(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count, at every record, the complete ones without a gap up to and including it, shape [T]."""
    number = np.arange(1, len(rows) + 1)
    last_gap = np.maximum.accumulate(np.where(rows, 0, number))
    return np.asarray(number - last_gap)
