"""What is written: which sites, with which drivers; settled after the first reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet.series import RequestedColumns
from geoml_cli.sources.fluxnet.site_summary import SiteSummary
from geoml_cli.sources.fluxnet.sites import UNKNOWN, Station

STATIC = ("elevation", "mean_temperature", "mean_precipitation")


@dataclass(frozen=True)
class Plan:
    """What is written.

    Attributes:
        sites: Their codes, in order.
        dynamic: Drivers every sample has.
        taken: Which of the extra drivers are among them.
        static: What is known of every site.
        values: Of `static`, by site.
    """

    sites: tuple[str, ...]
    dynamic: tuple[str, ...]
    taken: tuple[bool, ...]
    static: tuple[str, ...]
    values: dict[str, dict[str, float]]


def choose_drivers(
    counted: Mapping[str, SiteSummary],
    table: Mapping[str, Station],
    wanted: RequestedColumns,
    optional: str,
    funnel: Funnel,
) -> Plan:
    """Choose sites and drivers; what goes is counted and noted in the funnel.

    Args:
        counted: The first reading, by site.
        table: Where the sites stand.
        wanted: The drivers asked for.
        optional: What goes where a site lacks something: its `variable` for all sites, or the `site`.
        funnel: Receives what is dropped.

    Raises:
        DataError: No site is left.
    """
    worthwhile = {site: found for site, found in counted.items() if _worth(site, found, funnel)}
    static = {site: _static(table.get(site), found) for site, found in worthwhile.items()}
    lacking = {
        site: [*(name for name, has in zip(wanted.extra, found.has, strict=True) if not has),
               *(name for name, value in static[site].items() if np.isnan(value))]
        for site, found in worthwhile.items()
    }  # fmt: skip
    if optional == "site":
        for site in [site for site in worthwhile if lacking[site]]:
            funnel.drop(f"site lacks {', '.join(lacking[site])}", counted[site].rows - counted[site].repeated)
            funnel.notes.append(f"{site} was left out: it lacks {', '.join(lacking[site])} (--optional variable)")
            del worthwhile[site]
    gone = _gone({site: lacking[site] for site in worthwhile}, funnel)
    dynamic = (*wanted.needed, *(name for name in wanted.extra if name not in gone))
    taken = tuple(name not in gone for name in wanted.extra)
    sites = tuple(site for site, found in worthwhile.items() if _has_samples(site, found, taken, funnel))
    if not sites:
        raise _none_left(counted, wanted, funnel)
    return Plan(sites, dynamic, taken, tuple(name for name in STATIC if name not in gone), static)


def _worth(site: str, summary: SiteSummary, funnel: Funnel) -> bool:
    """Return whether a site has a record with all needed drivers; without one, what else it lacks does not matter."""
    return _has_samples(site, summary, (), funnel)


def _has_samples(site: str, summary: SiteSummary, extra: Sequence[bool], funnel: Funnel) -> bool:
    if summary.samples(extra):
        return True
    funnel.drop("a driver is missing", summary.rows - summary.repeated)
    funnel.notes.append(f"{site} was left out: no record of it has all drivers ({_lacks(summary)})")
    return False


def _lacks(summary: SiteSummary) -> str:
    return ", ".join(f"{name} {rows}" for name, rows in summary.lacking.items() if rows) + " rows without a value"


def _static(place: Station | None, summary: SiteSummary) -> dict[str, float]:
    return dict(zip(STATIC, (place.elevation if place else 0.0, *summary.climate), strict=True))


def _gone(lacking: Mapping[str, Sequence[str]], funnel: Funnel) -> set[str]:
    """Name the variables that some site lacks."""
    gone = sorted({name for names in lacking.values() for name in names})
    for name in gone:
        without = [site for site, names in lacking.items() if name in names]
        others = len(lacking) - len(without)
        keep = f" (--optional site leaves out the sites instead and keeps it at {others})" if others else ""
        funnel.notes.append(f"{name} was left out for all sites: {', '.join(without)} lack it{keep}")
    return set(gone)


def _none_left(counted: Mapping[str, SiteSummary], wanted: RequestedColumns, funnel: Funnel) -> DataError:
    reasons = ", ".join(f"{reason}: {rows} rows" for reason, rows in funnel.dropped.items())
    first = next(iter(counted))
    return DataError(
        f"no record has all drivers ({reasons}; at {first} {_lacks(counted[first])})",
        where=", ".join(counted),
        fix=f"Name drivers that are measured there with --dynamic (now {', '.join(wanted.needed)}), "
        "or keep the sites with --optional variable.",
    )


def require_places(counted: Mapping[str, SiteSummary], places: Mapping[str, Station], location: str) -> None:
    """Refuse sites whose position nobody tells.

    Raises:
        DataError: There are some; with what is needed.
    """
    missing = [site for site in counted if site not in places]
    if not missing:
        return
    others = [site for site in counted if site in places]
    raise DataError(
        f"no table of sites tells the position of {', '.join(missing)}",
        where=location,
        fix="Give a CSV table with the columns SITE_ID, LOCATION_LAT, LOCATION_LONG, LOCATION_ELEV and IGBP "
        f"with --sites FILE{f', or other sites: --only {others[0]}' if others else ''}.",
    )


def note_classes(plan: Plan, places: Mapping[str, Station], funnel: Funnel) -> None:
    """Note the sites whose IGBP class nobody tells."""
    unknown = [site for site in plan.sites if places[site].category == UNKNOWN]
    if unknown:
        funnel.notes.append(f"the table of sites holds no IGBP class of {', '.join(unknown)}: their class is `unknown`")
