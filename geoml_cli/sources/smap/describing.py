"""What is said of the raw files: names, stations, gaps.

Legend: D days of the calendar, S stations.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geoml_cli.sources.smap.discovery import RawFiles
from geoml_cli.sources.smap.exports import StationSeries
from geoml_cli.sources.smap.filtering import Mask
from geoml_cli.sources.smap.names import UNKNOWN, StationNames
from geoml_cli.sources.smap.notes import Notes
from geoml_cli.sources.smap.stations import Stations

NAMED = {
    "gridmet": "gridMET", "lst": "land-surface temperature", "s1": "Sentinel-1", "hls": "HLS", "smap": "SMAP",
}  # fmt: skip
_NEW_YEAR = 1
"""Days that exports of whole years lack at the end of each: an end date that is excluded."""


def about_stations(raw_files: RawFiles, stations: Stations) -> list[str]:
    """Say where the stations come from, and what their table does not say."""
    if raw_files.stations is None:
        return ["There is no table of stations: they are those of constant_SSM.csv, without regions."]
    lacking = {"Network": stations.network, "Domain (the region)": stations.region}
    return [
        f"{raw_files.stations.name} has no column {name}: it is unknown."
        for name, values in lacking.items()
        if set(values) == {UNKNOWN}
    ]


def describe(names: StationNames, daily: Mapping[str, StationSeries], notes: Notes) -> None:
    """Say which names were matched, which are unknown, and which stations lack a product."""
    if names.renamed:
        pairs = ", ".join(f"{other} is {name}" for other, name in sorted(names.renamed.items())[:8])
        notes.lines.append(f"{len(names.renamed)} names of stations are spelled otherwise: {pairs}.")
    if names.elsewhere:
        shown = ", ".join(sorted(names.elsewhere)[:8])
        notes.lines.append(f"{len(names.elsewhere)} names are of another network than the table's; not read: {shown}.")
    if names.unknown:
        shown = ", ".join(sorted(names.unknown)[:8])
        notes.lines.append(f"{len(names.unknown)} names are not in the table of stations: {shown}.")
    notes.lines += days_without(daily)
    for product, panel in daily.items():
        lacking = [names.names[place] for place in np.flatnonzero(without(panel))]
        if lacking:
            notes.lines.append(f"No row of {NAMED[product]} belongs to {', '.join(lacking[:8])}.")


def days_without(daily: Mapping[str, StationSeries]) -> list[str]:
    """Say where gridMET has no day for any station, but at the end of a year: a file cut short looks like that."""
    some = np.any([np.isfinite(values) for values in daily["gridmet"].values()], axis=(0, 2))
    days = np.flatnonzero(some)
    if not len(days):
        return []
    gaps = np.diff(days) - 1
    longest = int(gaps.max(initial=0))
    missing, after = int(gaps.sum()), len(some) - 1 - int(days[-1])
    found = []
    if longest > _NEW_YEAR:
        found.append(
            f"gridMET has no row on {missing} days between its first and its last; the longest gap has {longest}."
        )
    if after > _NEW_YEAR:
        found.append(f"gridMET ends {after} days before the last year does: a file may be cut.")
    return found


def shared_cells(kept: dict[str, int]) -> str:
    """Say which SMAP cells hold several stations; nothing where none does."""
    by_cell: dict[int, list[str]] = {}
    for name, cell in kept.items():
        by_cell.setdefault(cell, []).append(name)
    shared = [" and ".join(names) for names in by_cell.values() if len(names) > 1]
    if not shared:
        return ""
    return f"{len(shared)} SMAP cells (9 km) hold several stations: {'; '.join(shared[:8])}."


def without(panel: StationSeries) -> Mask:
    """Return the stations that have no row of a product, [S]."""
    return np.asarray(~np.any([np.isfinite(values) for values in panel.values()], axis=(0, 1)))
