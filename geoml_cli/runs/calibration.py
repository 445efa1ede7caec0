"""`calibration.json`: from held-out rows of a run, how far observations lie from its predictions.

Legend: P rows, M members, N rows predicted, L lead times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from geoml_cli.dataset.files import sha256, write_text
from geoml_cli.errors import DataError
from geoml_cli.metrics.conformal import FEWEST_GROUPS, Distances, chosen, distances, fewest
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.run import Run
from geoml_cli.samples.scaling import TargetScaling, Transform

CALIBRATION = "calibration.json"
Rows = NDArray[np.int64]
_LEAST = np.finfo(np.float64).tiny


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Difference(_Record):
    """How the distance of an observation from its prediction is measured: as a difference, under a transform.

    Attributes:
        transform: Of the target; an interval of a logarithm is wider above than below.
        smearing: Mean logarithm of the factors that predictions hold; the interval lies about the prediction without.
        least_spread: Added to the members' spread, by whose sum differences are divided; None divides by nothing.
        least: The target is not less than this, whatever lies about a prediction; None where it may be.
        most: Likewise, not more.
    """

    transform: Transform = "none"
    smearing: float = 0.0
    least_spread: float | None = Field(default=None, ge=0)
    least: float | None = None
    most: float | None = None

    def spread(self, each_MN: Values, folds: Sequence[str]) -> Values | None:
        """Return the standard deviation over members of a fold, the root mean square over folds, [N].

        Folds see other rows, and differ by more than members of one fold do: of held-out rows only the latter is known.

        Args:
            each_MN: Predictions of the members.
            folds: Of each member.

        Returns:
            None where no fold has two members, or differences are divided by nothing.
        """
        names = np.array(folds)
        own = [np.flatnonzero(names == fold) for fold in dict.fromkeys(folds)]
        several = [places for places in own if len(places) > 1]
        if self.least_spread is None or not several:
            return None
        changed = self._forward(each_MN)
        return np.asarray(np.sqrt(np.mean([changed[places].var(axis=0, ddof=1) for places in several], axis=0)))

    def distance(self, observed_N: Values, predicted_N: Values, spread_N: Values | None) -> Values:
        """Return how far observations lie from predictions, [N]."""
        difference = np.abs(self._forward(observed_N) - self._centre(predicted_N))
        return difference / self._scale(spread_N)

    def bounds(self, predicted_N: Values, spread_N: Values | None, distance: Values) -> tuple[Values, Values]:
        """Return the values that lie so far below and above the prediction; `distance` broadcasts with [N]."""
        centre, half = self._centre(predicted_N), distance * self._scale(spread_N)
        inverse = TargetScaling(transform=self.transform).inverse
        with np.errstate(over="ignore"):  # an infinite bound says that there is none
            low, high = inverse(centre - half), inverse(centre + half)
        # A content is not negative; a prediction beyond the limits, as a network may give it, is still in its interval.
        low = low if self.least is None else np.maximum(low, np.minimum(self.least, predicted_N))
        return low, high if self.most is None else np.minimum(high, np.maximum(self.most, predicted_N))

    def _scale(self, spread_N: Values | None) -> Values:
        return np.ones(1) if spread_N is None or self.least_spread is None else spread_N + self.least_spread

    def _centre(self, predicted_N: Values) -> Values:
        return self._forward(predicted_N) - self.smearing

    def _forward(self, values: Values) -> Values:
        # A prediction far below all observations may have no logarithm, or underflow to zero.
        least = {"log": _LEAST, "log1p": _LEAST - 1}.get(self.transform)
        inside = values if least is None else np.fmax(values, least)
        return TargetScaling(transform=self.transform).forward(inside)


class KeptDistances(_Record):
    """`metrics.conformal.Distances` as they are written."""

    share: tuple[float, ...]
    distance: tuple[float, ...]

    def quantile(self, coverage: float) -> float:
        """Return the least distance that holds a share of new rows."""
        return Distances(np.array(self.share), np.array(self.distance)).quantile(coverage)

    @staticmethod
    def of(distances: Distances) -> KeptDistances:
        """Return them with nine digits; distances rounded up, so that each still holds the row it is of."""
        share = [float(f"{value:.9g}") for value in distances.share_K.tolist()]
        return KeptDistances(share=tuple(share), distance=tuple(map(_up, distances.distance_K.tolist())))


def _up(value: float) -> float:
    near = float(f"{value:.9g}")
    if not near < value:
        return near
    return float(f"{near + 10.0 ** (math.floor(math.log10(abs(value))) - 8):.9g}")


class BlockDistances(_Record):
    """How far means over blocks of consecutive held-out records lie from the observed ones.

    Attributes:
        minutes: Length of a block.
        blocks: How many there are.
        distance: Size of the mean error, in the target's unit.
    """

    minutes: float
    blocks: int
    distance: KeptDistances

    @staticmethod
    def of(minutes: float, mean_B: Values, station_B: Rows) -> BlockDistances:
        """Order mean errors; blocks of a station weigh as one where there are stations enough, else each by itself.

        Args:
            minutes: Length of a block.
            mean_B: Mean error of each.
            station_B: Its station.
        """
        group_B = station_B if len(np.unique(station_B)) >= FEWEST_GROUPS else np.arange(len(mean_B))
        kept = KeptDistances.of(distances(np.abs(mean_B), group_B))
        return BlockDistances(minutes=minutes, blocks=len(mean_B), distance=kept)


class Calibration(_Record):
    """Of one network.

    Attributes:
        difference: How distances were measured; None of classes, whose distance is 1 minus their probability.
        rows: Held-out rows.
        groups: Independent groups of these.
        group: What a group is, such as station.
        by_group: Distances, each group weighing the same; of forecasts of maps for each lead time.
        by_row: Each row weighing the same; empty where a row is a group of its own.
        are_new: Whether no row is of a group that its fold's members were trained on.
        of_means: Of records of stations, distances of means over blocks of several lengths, ascending.
        skill: 1 minus the sum of squared errors by that about the mean (NSE), of rows of groups that were trained on
            where there are any; None of classes and maps.
    """

    difference: Difference | None
    rows: int
    groups: int
    group: str
    by_group: tuple[KeptDistances, ...]
    by_row: tuple[KeptDistances, ...] = ()
    are_new: bool = True
    of_means: tuple[BlockDistances, ...] = ()
    skill: float | None = None

    def mean_distance(self, minutes: float, coverage: float) -> float:
        """Return the distance that holds the mean error over so many records in a share of blocks; NaN where unknown.

        Of the longest block that is no longer: means over more records differ by less. Where there are too few of them
        for the coverage, of the next that is shorter.
        """
        shorter = [block for block in self.of_means if block.minutes <= minutes] or list(self.of_means[:1])
        found = [distance for block in shorter if np.isfinite(distance := block.distance.quantile(coverage))]
        return found[-1] if found else float("nan")

    def is_grouped(self, coverage: float) -> bool:
        """Return whether there are groups enough, all unseen in training, to promise a coverage of a new group."""
        return self.are_new and self.groups >= fewest(coverage)

    def quantiles(self, coverage: float) -> Values:
        """Return the distance that holds a share of new rows, [1], or of each lead time, [L]."""
        by_row = partial(_quantiles, self.by_row) if self.by_row else None
        return chosen(coverage, self.groups, partial(_quantiles, self.by_group), by_row, self.are_new)

    def promise(self, coverage: float) -> str:
        """Say where the intervals come from, and what they are valid for."""
        source = f"split conformal, from {self.rows} held-out rows"
        if self.by_row or self.group != "sample":
            source += f" of {self.groups} {'group' if self.groups == 1 else 'groups'} ({self.group})"
        if self.is_grouped(coverage):
            return f"{source}; valid for a new {self.group} like these"
        return f"{source}; not valid for a new {self.group}: {self.reason(coverage)}"

    def reason(self, coverage: float) -> str:
        """Say why a new group is promised nothing."""
        if not self.are_new:
            return f"some of these rows are of a {self.group} that their network was trained on"
        return f"that takes {fewest(coverage)} groups"


def _quantiles(each: Sequence[KeptDistances], coverage: float) -> Values:
    return np.array([kept.quantile(coverage) for kept in each])


class _File(_Record):
    networks: dict[str, Calibration]


def read_calibrations(run: Run) -> dict[str, Calibration]:
    """Read the calibration of every network of a run; none where it was not calibrated.

    Raises:
        DataError: It is damaged.
    """
    path = run.folder / CALIBRATION
    # Killed before its checksum was noted, a file is not kept yet: it is written anew.
    if not path.is_file() or CALIBRATION not in run.record().checksums:
        return {}
    fix = f"Delete it, and {calibrate_again(run)}."
    try:
        return _File.model_validate_json(run.whole(path, fix).read_text(encoding="utf-8")).networks
    except ValueError as error:
        raise DataError("is damaged.", where=str(path), fix=fix) from error


def write_calibrations(run: Run, calibrations: dict[str, Calibration]) -> None:
    """Keep the calibration of every network with the run."""
    with run.changing() as record:
        write_text(run.folder / CALIBRATION, _File(networks=calibrations).model_dump_json() + "\n")
        record.checksums[CALIBRATION] = sha256(run.folder / CALIBRATION)


def is_kept(run: Run, name: str) -> bool:
    """Return whether a file that was noted with the run is there, and is the one that was noted."""
    path, expected = run.folder / name, run.record().checksums.get(name)
    return path.is_file() and sha256(path) == expected


def is_left(run: Run) -> bool:
    """Return whether a run that is trained, and has test rows, is not calibrated: it was stopped, or a file is lost."""
    record = run.record()
    is_there = CALIBRATION in record.checksums and (run.folder / CALIBRATION).is_file()
    if record.status != "finished" or run.imported or is_there:
        return False
    members: dict[str, list[int]] = {}
    for name in run.planned():
        members.setdefault(run.network(name), []).append(len(run.split(name).test))
    return any(all(rows) for rows in members.values())  # a network of which a member tests nothing has none


def calibrate_again(run: Run) -> str:
    """Say how a run gets its calibration."""
    return f"run `geoml train {run.quoted}`"
