"""The interval of a sum: errors of what was filled, random errors of what was observed, and the choice of u*.

The three do not depend on each other, so their half-widths are joined as the square root of the sum of their squares,
as FLUXNET joins random error and u* percentiles (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3, `_JOINTUNC`).
Percentiles lie unevenly about a sum, so both sides are joined apart.

Legend: R records of the series, P periods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import PERCENTILES, RANDOM, Variable, percentile

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
_KNOWN = 0.5
"""Share of a period's records whose random error, or percentiles, are known; of fewer, they are not in the interval."""
Pair = tuple[int, int]


class Uncertainty(NamedTuple):
    """What the provider tells of the uncertainty of records, [R] each, NaN where it tells nothing.

    Attributes:
        random: Standard deviation of the random error; None where the data hold none.
        percentiles: Values by the lower and the upper percentile over thresholds of u*.
    """

    random: Floats | None = None
    percentiles: Mapping[Pair, tuple[Floats, Floats]] = {}


class Interval(NamedTuple):
    """Which interval is wanted.

    Attributes:
        coverage: Share of sums that it is to hold.
        distance: Minutes that were filled to the size that their mean error is not likely to exceed.
    """

    coverage: float
    distance: Callable[[float], float]


def read_uncertainty(dataset: Dataset, target: str) -> Uncertainty:
    """Return what a data set holds of the uncertainty of a target's records."""

    def values(name: str) -> Floats:
        return np.asarray(dataset.array(name), dtype=np.float64)

    random = f"{target}{RANDOM}"
    pairs = {
        pair: (values(percentile(target, pair[0])), values(percentile(target, pair[1])))
        for pair in PERCENTILES
        if all(dataset.has(percentile(target, share)) for share in pair)
    }
    return Uncertainty(values(random) if dataset.has(random) else None, pairs)


def record_parts(
    uncertainty: Uncertainty, observed: NDArray[np.bool_], weight: Floats, provided: Floats
) -> dict[str, Floats]:
    """Return what of the uncertainty is added up over a period, [R] each.

    Random errors of records are independent: their variances add up. A threshold of u* is chosen for the whole series,
    so that its effect is the same way at every record: differences add up as they are.

    Args:
        uncertainty: Of the records.
        observed: Which were observed; others have no random error of their own.
        weight: What a value adds to a sum.
        provided: The provider's values, from which the percentiles differ.
    """
    found: dict[str, Floats] = {}
    if uncertainty.random is not None:
        known = observed & np.isfinite(uncertainty.random)
        found["random_variance"] = np.where(known, (weight * np.where(known, uncertainty.random, 0.0)) ** 2, 0.0)
        found["random_records"], found["random_wanted"] = known.astype(np.float64), observed.astype(np.float64)
    for pair, (low, high) in uncertainty.percentiles.items():
        lacks = ~np.isfinite(provided + low + high)
        found[f"has_{pair}"], found[f"records_{pair}"] = (~lacks).astype(np.float64), np.ones(len(lacks))
        found[f"below_{pair}"] = np.where(lacks, 0.0, (provided - low) * weight)
        found[f"above_{pair}"] = np.where(lacks, 0.0, (high - provided) * weight)
    return found


def interval_columns(sums: pd.DataFrame, wanted: Interval, uncertainty: Uncertainty) -> dict[str, Floats | list[str]]:
    """Return the columns of the interval: its ends, the half-width of each part, and which parts are in it, [P] each.

    A sum has no interval where the error of what was filled is not known, nor where no part is.

    Args:
        sums: Sums over each period of `record_parts`; and `sum`, `complete`, `filled` [min] and `gaps_weight`.
        wanted: Coverage, and the error of what was filled.
        uncertainty: What records hold of their uncertainty.
    """
    minutes, is_filled = sums["filled"].to_numpy(), sums["gaps_weight"].to_numpy() > 0
    pairs = zip(minutes, is_filled, strict=True)
    distance = np.array([wanted.distance(filled) if is_gap else 0.0 for filled, is_gap in pairs])
    fill = distance * sums["gaps_weight"].to_numpy()
    random = np.full(len(sums), np.nan)
    if uncertainty.random is not None:
        normal = NormalDist().inv_cdf((1 + wanted.coverage) / 2)
        # Records without one have that of the others, where most have one.
        share = (sums["random_records"] / sums["random_wanted"].where(sums["random_wanted"] > 0)).to_numpy()
        spread = normal * np.sqrt(sums["random_variance"].to_numpy() / np.where(share > 0, share, np.nan))
        random = np.where(share >= _KNOWN, spread, np.nan)
    below, above, thresholds = _thresholds(sums, uncertainty)
    parts = [_parts(*place) for place in zip(is_filled, np.isfinite(random), thresholds, strict=True)]
    total = np.where(sums["complete"] & (np.array(parts) != ""), sums["sum"], np.nan)
    lower, upper = (_joined(fill, random, side) for side in (below, above))
    ends: dict[str, Floats | list[str]] = {"sum_lower": total - lower, "sum_upper": total + upper}
    ends["interval_of"] = [part if known else "" for part, known in zip(parts, np.isfinite(total - lower), strict=True)]
    each = {"fill_half_width": fill}
    each |= {"random_half_width": random} if uncertainty.random is not None else {}
    each |= {"ustar_below": below, "ustar_above": above} if uncertainty.percentiles else {}
    # Parts of a period without a sum are those of its filled and measured records alone.
    return ends | {name: np.where(sums["complete"], width, np.nan) for name, width in each.items()}


def _thresholds(sums: pd.DataFrame, uncertainty: Uncertainty) -> tuple[Floats, Floats, list[str]]:
    """Return how far percentiles of u* lie below and above the provider's sum, and which: the widest that most have.

    Records without them count like the others of the period, as for random errors.
    """
    below, above = (np.full(len(sums), np.nan) for _ in range(2))
    names = np.full(len(sums), "", dtype=object)
    for pair in reversed(tuple(uncertainty.percentiles)):
        share = (sums[f"has_{pair}"] / sums[f"records_{pair}"]).to_numpy()
        known = share >= _KNOWN
        # The provider's own choice may lie outside of a narrow pair: its distance is none then.
        below[known] = np.maximum(sums[f"below_{pair}"].to_numpy()[known], 0.0) / share[known]
        above[known] = np.maximum(sums[f"above_{pair}"].to_numpy()[known], 0.0) / share[known]
        names[known] = f"ustar_{pair[0]:02d}_{pair[1]:02d}"
    return below, above, names.tolist()


def _parts(is_filled: bool, is_random: bool, thresholds: str) -> str:
    return "+".join(filter(None, ("fill" if is_filled else "", "random" if is_random else "", thresholds)))


def _joined(fill: Floats, random: Floats, threshold: Floats) -> Floats:
    return np.sqrt(fill**2 + np.nan_to_num(random) ** 2 + np.nan_to_num(threshold) ** 2)


def described(unit: str, fill: str, coverage: float) -> list[Variable]:
    """Describe every column of an interval that there may be.

    Args:
        unit: Of the sum.
        fill: What filled the gaps.
        coverage: Of the interval.
    """
    text = f"end of the {coverage:.3g} interval of the sum, for the parts that interval_of names"
    return [
        Variable("sum_lower", unit, f"lower {text}", dtype="f8"),
        Variable("sum_upper", unit, f"upper {text}", dtype="f8"),
        Variable("interval_of", "", "parts of the interval: fill, random, and u* with its percentiles", dtype="str"),
        Variable("fill_half_width", unit, f"half-width for the error of what {fill} filled", dtype="f8"),
        Variable("random_half_width", unit, "half-width for the random errors of the observations", dtype="f8"),
        Variable("ustar_below", unit, "the provider's sum less that of the lower percentile of u*", dtype="f8"),
        Variable("ustar_above", unit, "the sum of the upper percentile of u* less the provider's", dtype="f8"),
    ]
