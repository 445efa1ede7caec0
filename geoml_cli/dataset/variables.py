"""One record for every described quantity: a variable of a data set, a column of a table, a band of a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["f4", "f8", "i1", "i2", "i4", "i8", "str"]
"""How values are stored; floats carry NaN as `_FillValue`."""


STRUCTURAL = frozenset(
    ("sample", "record", "one", "time", "step", "year", "lat", "lon", "id", "cell", "split", "station", "station_index",
     "station_first", "index", "history", "dynamic", "static", "series", "feature", "covariate", "target", "index_name",
     "category", "category_name", "class_code", "class_name", "land_cover", "land_cover_name")
)  # fmt: skip
"""Names by which models, splits and scores look up what a data set holds; what a user names has none of them."""

PLAUSIBLE_MAXIMUM = "plausible_maximum"
"""Attribute of a variable: larger values are kept, but the data set itself calls them impossible."""


PROVIDED = "_provided"
"""Ends the name of a target as its provider fills it: of every record, measured or not."""


OBSERVED = "_observed"
"""Ends the name of a target where it is measured well enough: of every record, those that are no samples as well."""


RANDOM = "_random"
"""Ends the name of the standard deviation of a measured record's random error, as its provider tells it."""


PERCENTILES = ((5, 95), (25, 75))
"""Lower and upper percentiles over thresholds of friction velocity (u*) that data may hold, the wider first."""


def percentile(target: str, share: int) -> str:
    """Return the name of a target's percentile over thresholds of u*, such as NEE_VUT_REF_p05."""
    return f"{target}_p{share:02d}"


@dataclass(frozen=True)
class Variable:
    """A quantity and its description.

    Attributes:
        name: In files.
        unit: As UDUNITS spells it; "1" for a ratio.
        long_name: For people.
        dims: Names of its dimensions; empty for one value a row.
        dtype: How it is stored.
        attributes: Further CF attributes, such as `standard_name` or `calendar`.
        title: For lists of layers and legends, in a few words; empty for the name.
        classes: Names by code, of values that are classes or a mask; they have no mean.
        file_units: Units of the quantities that it holds, by name, as raw files name them, empty where they name none;
            no quantity where the source knows `unit` by itself.
    """

    name: str
    unit: str
    long_name: str
    dims: tuple[str, ...] = ()
    dtype: Kind = "f4"
    attributes: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    classes: Mapping[int, str] = field(default_factory=dict)
    file_units: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return the title with the unit, where it has one."""
        return f"{self.title or self.name} [{self.unit}]" if self.unit not in ("", "1") else self.title or self.name


class Dimension(NamedTuple):
    """A dimension of an output, such as lead time, y or x, with its coordinate values."""

    coordinate: Variable
    values: NDArray[Any]
