"""Options of `geoml prepare carbon-ecs`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from geoml_cli.readers.limits import limits
from geoml_cli.readers.nodata import Nodata
from geoml_cli.source import Options


def _month(text: str) -> str:
    if text and not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", text):
        raise ValueError("give a year or a month, such as 2003 or 2003-05")
    return text


class CarbonEcsOptions(Options):
    """Options of `prepare carbon-ecs`."""

    nodata: Nodata = ()
    """fco2=VALUE: a value that means "no data" in addition to NaN; fco2=none: none looks like one."""

    range: Annotated[str, AfterValidator(limits)] = ""
    """LOW,HIGH: refuse values beyond. By default, values far beyond those of other times are refused."""

    start: Annotated[str, AfterValidator(_month)] = ""
    """First year or month to read [the first]."""

    end: Annotated[str, AfterValidator(_month)] = ""
    """Last year or month to read, inclusive [the last]."""
