"""Times as text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import refuse_years
from geoml_cli.readers.time_series import Times

if TYPE_CHECKING:
    import pandas as pd

_LEAP = r":\d{2}:60(\.\d*)?( ?Z|[+-]\d{2}:?\d{2})?$"
_ORDINAL = r"(\d{4})-(\d{3})(?=$|[T ])"
"""The day of the year, of three digits, in place of month and day: ISO 8601 has it, pandas does not."""


def times(cells: pd.Series[str], path: Path) -> Times:
    """Read times in ISO 8601, with blanks, slashes or a zone if need be, or the day of the year; no zone is UTC.

    Args:
        cells: Texts; their index is the line.
        path: The file, for messages.

    Returns:
        To the nearest second.

    Raises:
        DataError: One cannot be read, does not exist, or is of no year of measurements; with its line.
    """
    import pandas as pd

    text = cells.str.strip().str.replace("/", "-", regex=False)
    found = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    if found.isna().any():
        text = text.str.replace(r"(?<=\d) ?(?:UTC|GMT)$", "", regex=True)
        found = pd.to_datetime(_of_days_of_years(text), format="ISO8601", errors="coerce", utc=True)
    wrong = found.isna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        leap = bool(re.search(_LEAP, text.iloc[row]))
        raise DataError(
            f"{cells.iloc[row]!r} is {'a leap second' if leap else 'no time'}",
            where=f"{path}, line {cells.index[row]}",
            fix="Take the row out: leap seconds are not counted."
            if leap
            else "Write times as 2013-03-17T06:00:00, in UTC.",
        )
    whole = found.dt.tz_localize(None)
    refuse_years(whole.to_numpy(dtype="datetime64[s]"), cells.index.to_numpy(dtype=np.int64), path)
    return np.asarray(whole.dt.round("s").to_numpy(dtype="datetime64[s]"))


def _of_days_of_years(text: pd.Series[str]) -> pd.Series[str]:
    """Write `2016-364` as `2016-12-29`; a day that the year does not have stays as it is."""
    import pandas as pd

    parts = text.str.extract(rf"^{_ORDINAL}")
    is_ordinal = parts[0].notna()
    if not is_ordinal.any():
        return text
    dates = pd.to_datetime(parts[0] + parts[1], format="%Y%j", errors="coerce")
    written = dates.dt.strftime("%Y-%m-%d") + text.str.replace(rf"^{_ORDINAL}", "", regex=True)
    is_date = dates.dt.strftime("%Y") == parts[0]  # 2015-366 would be the first day of 2016
    return written.where(is_ordinal & is_date, text)
