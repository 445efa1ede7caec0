"""Which targets are measured well enough: by their quality column, and by what a flux can be."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import SettingsError
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.sources.fluxnet.times import Step, is_subdaily
from geoml_cli.sources.fluxnet.units import NO_COLUMN, limit

Values = NDArray[np.float64]
_WORST_CLASS, _FRACTION = 1.0, 0.75
_CLASSES = 3


@dataclass(frozen=True)
class Rule:
    """Which targets are kept.

    Attributes:
        target: Their column.
        subdaily: Quality is a class, 0 the best; else a fraction of good data, 1 the best.
        bound: The highest class, or the lowest fraction.
        limit: The largest size; None where there is none.
        rated: Whether a quality column is asked for at all.
    """

    target: str
    subdaily: bool
    bound: float
    limit: float | None
    rated: bool = True

    def __str__(self) -> str:
        return f"class {self.bound:g} or better" if self.subdaily else f"fraction {self.bound:g} or more"


@dataclass
class DropCounts:
    """Targets that were lost by reason, and what the best quality of those was that were too poor."""

    missing: int = 0
    poor: int = 0
    odd: int = 0
    implausible: int = 0
    kept: int = 0
    best: float = field(default=float("nan"))

    def add(self, other: DropCounts, subdaily: bool) -> None:
        """Count those of another site as well."""
        self.missing += other.missing
        self.poor += other.poor
        self.odd += other.odd
        self.implausible += other.implausible
        self.kept += other.kept
        self.best = float((np.fmin if subdaily else np.fmax)(self.best, other.best))


def rule(options: FluxnetOptions, step: Step) -> Rule:
    """Read the options at a resolution.

    Raises:
        SettingsError: The quality is no class or no fraction.
    """
    subdaily, given = is_subdaily(step), options.quality
    if given is not None and not subdaily and given > 1:
        raise SettingsError(
            f"--quality {given:g} is no fraction",
            fix=f"At {step.word} resolution give the lowest fraction of good data, 0 to 1.",
        )
    if given is not None and subdaily and given not in range(_CLASSES + 1):
        raise SettingsError(
            f"--quality {given:g} is no class",
            fix=f"At {step.word} resolution give the highest class: 0 measured, 1 good, 2 medium, 3 poor.",
        )
    usual = _WORST_CLASS if subdaily else _FRACTION
    bound, rated = usual if given is None else given, options.quality_column != NO_COLUMN
    return Rule(options.target, subdaily, bound, limit(options.target, step), rated)


def sift(values: Values, quality: Values | None, rows: NDArray[np.bool_], applied: Rule) -> tuple[Values, DropCounts]:
    """Turn targets that are not good enough into NaN.

    Args:
        values: Targets, shape [T].
        quality: Their quality, likewise; None where they have none.
        rows: Which of them belong to samples; only these are counted.
        applied: What is good enough.

    Returns:
        The targets, and how many were lost.
    """
    finite = np.isfinite(values)
    fair = finite & (np.abs(values) <= applied.limit if applied.limit is not None else True)
    good, odd = (fair, np.zeros_like(fair)) if quality is None else _rated(fair, quality, applied)
    poor = fair & ~good & ~odd
    loss = DropCounts(
        missing=int((rows & ~finite).sum()),
        poor=int((rows & poor).sum()),
        odd=int((rows & odd).sum()),
        implausible=int((rows & finite & ~fair).sum()),
        kept=int((rows & good).sum()),
    )
    if loss.poor and quality is not None and np.isfinite(quality[rows & poor]).any():
        loss.best = float((np.nanmin if applied.subdaily else np.nanmax)(quality[rows & poor]))
    return np.where(good, values, np.nan), loss


def _rated(fair: NDArray[np.bool_], quality: Values, applied: Rule) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which have a good quality, and which one that is no class or no fraction; no quality is a poor one."""
    if applied.subdaily:
        right = np.isin(quality, np.arange(_CLASSES + 1))
        good = quality <= applied.bound
    else:
        right = (quality >= 0) & (quality <= 1)
        good = quality >= applied.bound
    return fair & right & good, fair & ~right & np.isfinite(quality)
