"""Years in the names of rasters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_LAST = re.compile(r"(?P<feature>.+?)[_\-. ](?P<year>(?:19|20)\d\d)")
_ANYWHERE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SEPARATORS = "_-. "


class YearInName(NamedTuple):
    """A feature and a year of it, such as evi and 2016 in evi_2016."""

    feature: str
    year: int


def years_in_names(stems: Iterable[str]) -> dict[str, YearInName]:
    """Find the years of rasters, by name; a raster without one is left out.

    A year may stand anywhere in a name. Where it is not the last word or not the only year, it counts only if another
    raster has the same name and another year: a version or a period (1970-2000) may look like a year.
    """
    last: dict[str, YearInName] = {}
    inside: dict[str, YearInName] = {}
    for stem in stems:
        found, match = list(_ANYWHERE.finditer(stem)), _LAST.fullmatch(stem)
        if match:
            (last if len(found) == 1 else inside)[stem] = YearInName(match["feature"], int(match["year"]))
        elif len(found) == 1:
            inside[stem] = YearInName(_without(stem, found[0]), int(found[0].group()))
    times = [named.feature for named in (*inside.values(), *last.values())]
    return last | {stem: named for stem, named in inside.items() if times.count(named.feature) > 1}


def _without(stem: str, year: re.Match[str]) -> str:
    before, after = stem[: year.start()].rstrip(_SEPARATORS), stem[year.end() :].lstrip(_SEPARATORS)
    return f"{before}_{after}" if before and after else before or after or "year"
