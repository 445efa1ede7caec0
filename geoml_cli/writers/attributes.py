"""CF attributes of what is written, from its description."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from geoml_cli.dataset.variables import Variable

_NO_WORD = re.compile(r"[^A-Za-z0-9_.+@-]+")
"""What no word of `flag_meanings` holds."""


def attributes_of(variable: Variable) -> dict[str, Any]:
    """Return a variable's attributes in NetCDF or Zarr: of classes and masks codes and their names, of text no unit."""
    unit = {} if variable.dtype == "str" else {"units": variable.unit}
    found: dict[str, Any] = {"long_name": variable.long_name, **unit, **variable.attributes}
    if variable.classes:
        words = [_NO_WORD.sub("_", name.strip()).strip("_") for name in variable.classes.values()]
        # CF: of the same type as the values.
        found["flag_values"] = np.array(list(variable.classes), dtype=variable.dtype)
        found["flag_meanings"] = " ".join(
            word or f"class_{code}" for code, word in zip(variable.classes, words, strict=True)
        )
    return found
