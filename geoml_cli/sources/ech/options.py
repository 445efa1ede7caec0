"""Options of `geoml prepare ech`."""

from __future__ import annotations

import datetime

from pydantic import Field, field_validator

from geoml_cli.readers.nodata import Nodata
from geoml_cli.source import Options


class EchOptions(Options):
    """Options of `prepare ech`."""

    ae_as_sme: bool = False
    """Take AE for SME where no file holds SME. AE comes from fewer stations and is smaller in large storms."""

    hourly: bool = False
    """Take hourly series (Dst for SYM-H). The fine windows cannot be cut from them: only the classifier trains."""

    start: str | None = None
    """Time of the first row of a released pickle, such as 2013-03-17T00:00, in UTC; it holds none itself."""

    nodata: Nodata = ()
    """NAME=VALUE: a value that means "no data" in the column NAME (sme, ae, symh, dst, l, mlt, mlat, amplitude,
    presence); NAME=none: none does. The providers' own fill values mean so anyway."""

    storm_nt: float = Field(default=-50.0, lt=0)
    """SYM-H below which there is a storm [nT]; samples belong to the storm whose minimum is nearest in time."""

    @field_validator("start")
    @classmethod
    def _moment(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                read = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
            except ValueError:
                raise ValueError("is no time; write it as 2013-03-17T00:00") from None
            if read.tzinfo is not None:
                read = read.astimezone(datetime.UTC).replace(tzinfo=None)
            return read.isoformat(timespec="seconds")
        return value
