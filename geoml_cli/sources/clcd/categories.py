"""Covariates whose values are classes: which codes they have, each of which becomes a factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.limits import LARGEST_CODE
from geoml_cli.sources.clcd.folders import Covariates
from geoml_cli.sources.clcd.plan import factors_of

MOST = 64
"""Classes of a covariate, each of which the network gets an input for."""


def check_names(categorical: Sequence[str], covariates: Covariates) -> None:
    """Refuse names of covariates that are not there.

    Raises:
        SettingsError: There is one.
    """
    if strange := [name for name in categorical if name not in covariates.names()]:
        raise SettingsError(
            f"there is no covariate {strange[0]}.",
            where=f"--categorical {strange[0]}",
            fix=f"The names are: {', '.join(sorted(covariates.names()))}.",
        )


def codes_of(
    categorical: Sequence[str], values: Mapping[str, NDArray[np.float32]], covariates: Covariates
) -> dict[str, tuple[int, ...]]:
    """Return the codes of categorical covariates, ascending.

    Args:
        categorical: Their names.
        values: Of all covariates by name, without missing ones.
        covariates: Their bands.

    Raises:
        DataError: Values are no whole numbers, there are too many, or a factor would have a covariate's name.
    """
    found = {}
    for name in dict.fromkeys(categorical):
        codes = np.unique(values[name])
        where = str(covariates.folder)
        if (codes != np.round(codes)).any():
            first = next(code for code in codes.tolist() if code != round(code))
            raise DataError(
                f"{name} holds {first:g}, which is no class", where=where, fix=f"Leave out --categorical {name}."
            )
        if np.abs(codes).max() >= LARGEST_CODE:
            raise DataError(
                f"{name} holds codes of {LARGEST_CODE:,} and more, which are not distinguished",
                where=where,
                fix="Number its classes anew, from 1.",
            )
        if len(codes) > MOST:
            raise DataError(
                f"{name} holds {len(codes)} classes, of which at most {MOST} are taken",
                where=where,
                fix="Merge classes, so that each has enough pixels to be learnt from.",
            )
        found[name] = tuple(int(code) for code in codes)
    taken = set(covariates.names())
    for name, whole in found.items():
        if double := sorted(taken.intersection(factors_of(name, whole))):
            raise DataError(
                f"a class of {name} would have the name of the covariate {double[0]}",
                where=str(covariates.folder),
                fix=f"Rename {double[0]}.",
            )
    return found
