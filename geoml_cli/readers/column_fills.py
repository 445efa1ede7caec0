"""Fill values in columns of tables: the declared ones become NaN, those that look like fills are refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.nodata import VALID, Declared, declared_fills, refuse_unknown
from geoml_cli.readers.undeclared_fills import FillCensus, Undeclared, refuse_undeclared

Values = NDArray[np.float64]


class ColumnFills:
    """What is declared of columns, and a count of what looks like a fill and is not declared.

    Args:
        pairs: `NAME=VALUE` and `NAME=none`, as `--nodata` gives them.
        columns: Names that there are.

    Raises:
        SettingsError: A pair is of another form, or names no column.
    """

    def __init__(self, pairs: Sequence[str], columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._declared = declared_fills(pairs)
        refuse_unknown(self._declared, columns)
        self._counted: dict[tuple[str, str], FillCensus] = {}

    def masked(self, name: str, values: Values) -> Values:
        """Return values with NaN where a declared fill stands."""
        fills = self._declared.get(name, Declared()).fills
        return np.where(np.isin(values, fills), np.nan, values) if fills else values

    def count(self, name: str, location: str, values: Values) -> None:
        """Take values into the count; those that are declared valid are not looked at.

        Args:
            name: Column, as `--nodata` calls it.
            location: File, or files, for messages.
            values: Of the column, declared fills as NaN.
        """
        if not self._declared.get(name, Declared()).valid:
            self._counted.setdefault((name, location), FillCensus(values.dtype)).add(values)

    def refuse(self) -> None:
        """Refuse what looks like a fill.

        Raises:
            DataError: There is some; with its count and both remedies.
        """
        found = [Undeclared(name, place, census.candidates()) for (name, place), census in self._counted.items()]
        self._counted = {}
        refuse_undeclared(found, "cells")

    def refuse_of_prediction(self) -> None:
        """Refuse as `refuse`, in a table to predict, for which a declaration is that of the data set.

        Raises:
            DataError: There is something; with what to do.
        """
        try:
            self.refuse()
        except DataError as error:
            raise DataError(
                error.what,
                where=error.where,
                fix="Leave cells without a value empty. Where these are values, prepare the data set with "
                f"--nodata NAME={VALID}.",
            ) from None
