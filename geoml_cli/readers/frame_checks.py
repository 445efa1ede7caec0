"""Checks of frames against each other, for damage that a file's own structure does not show.

HDF5 and NetCDF without checksums cannot reveal a changed bit of stored numbers. A value far beyond those of other times
can be found, and so can a frame without a value. A small change cannot.

Legend: T time steps, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.frame_scales import frame_size, scale_break
from geoml_cli.readers.time_steps import Stamped

FACTOR = 10.0
"""How far values and changes may go beyond those of other frames."""

_LEAST_FRAMES = 6
"""From which number of frames on they are compared."""

_EXTREME_SHARE = 20
"""One in so many frames may be the damaged one, and is not taken for a standard."""

_CONSTANT_SHARE = 0.8
"""Share of frames with the same number of valid cells from which on others are mentioned."""

_AGAIN = "Fetch that file again; at the begin or end of the series, leave it out."
Frames = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass
class FrameChecks:
    """What is kept of each frame while blocks pass by.

    Attributes:
        shape: (Y, X).
        limits: Least and largest value that may be; None compares frames with each other.
        varies: Whether a frame with one value in all cells is an error; otherwise it is mentioned.
        advice: What else may help where a frame has no value.
    """

    shape: tuple[int, int]
    limits: tuple[float, float] | None = None
    varies: bool = False
    advice: str = ""
    ever: Mask = field(init=False)
    counts: list[int] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    _last: Frames | None = None

    def __post_init__(self) -> None:
        self.ever = np.zeros(self.shape, dtype=np.bool_)

    def add(self, frames: Frames, stamped: Stamped, location: str) -> None:
        """Take the next frames, [t, Y, X].

        Raises:
            DataError: A frame has no value, or a value is outside of the limits.
        """
        for frame in frames:
            valid = ~np.isnan(frame)
            place = len(self.counts)
            self.counts.append(int(valid.sum()))
            if not self.counts[-1]:
                raise DataError(
                    f"has no valid value at {stamped.at(place)}",
                    where=location,
                    fix=f"{_AGAIN} {self.advice}".strip(),
                )
            self.ever |= valid
            self.lows.append(float(np.fmin.reduce(frame, axis=None)))
            self.highs.append(float(np.fmax.reduce(frame, axis=None)))
            if np.isinf([self.lows[-1], self.highs[-1]]).any():
                raise DataError(
                    f"has an infinite value at {stamped.at(place)}", where=location, fix="Fetch that file again."
                )
            if self.varies and self._is_flat(place):
                raise DataError(
                    f"has the value {self.lows[place]:g} in all cells at {stamped.at(place)}",
                    where=location,
                    fix=f"It seems to stand for a month that could not be read. {_AGAIN}",
                )
            if self.limits is not None:
                self._within(self.limits, place, stamped, location)
            else:
                self.sizes.append(frame_size(frame[valid]))
            self._change(frame)

    def _is_flat(self, place: int) -> bool:
        return self.counts[place] > 1 and self.lows[place] == self.highs[place]

    def _change(self, frame: Frames) -> None:
        """Keep the largest change of a cell since the last frame; NaN where no cell is valid in both."""
        if self._last is not None:
            with np.errstate(invalid="ignore", over="ignore"):  # damaged numbers: signalling NaN, and near the limit
                change = np.abs(frame - self._last)
                self.changes.append(float(np.fmax.reduce(change, axis=None)))
        self._last = frame

    def _within(self, limits: tuple[float, float], place: int, stamped: Stamped, location: str) -> None:
        low, high = self.lows[place], self.highs[place]
        if low < limits[0] or high > limits[1]:
            value = low if low < limits[0] else high
            raise DataError(
                f"value {value:g} at {stamped.at(place)} is not within {limits[0]:g} to {limits[1]:g}",
                where=location,
                fix="Fetch that file again; or widen --range if the value is real.",
            )

    def finish(self, stamped: Stamped, location: str) -> list[str]:
        """Compare all frames; return what is worth a note.

        Raises:
            DataError: A frame's values, or their change since the frame before, are far beyond those of other frames;
                or some frames are in another scale.
        """
        if self.limits is None and len(self.counts) >= _LEAST_FRAMES:
            low, high = self._usual_range()
            margin = FACTOR * (high - low)
            if margin > 0:
                for place in range(len(self.counts)):
                    self._refuse_beyond((low - margin, high + margin), place, stamped, location)
            self._refuse_jumps(stamped, location)
            self._refuse_other_scale(stamped, location)
        return self._notes(stamped)

    def _usual_range(self) -> tuple[float, float]:
        skipped = self._skipped(len(self.counts))
        return sorted(self.lows)[skipped], sorted(self.highs)[-1 - skipped]

    @staticmethod
    def _skipped(frames: int) -> int:
        return max(1, frames // _EXTREME_SHARE)

    def _refuse_beyond(self, limits: tuple[float, float], place: int, stamped: Stamped, location: str) -> None:
        low, high = self.lows[place], self.highs[place]
        if low < limits[0] or high > limits[1]:
            value = low if low < limits[0] else high
            usual = self._usual_range()
            raise DataError(
                f"value {value:g} at {stamped.at(place)} is far beyond those of other times"
                f" ({usual[0]:g} to {usual[1]:g})",
                where=location,
                fix="The file may be damaged: fetch it again. If the value is real, give --range LOW,HIGH.",
            )

    def _refuse_jumps(self, stamped: Stamped, location: str) -> None:
        # A damaged frame makes two large changes: to it, and from it.
        changes = np.nan_to_num(np.array(self.changes))
        usual = float(np.sort(changes)[-1 - 2 * self._skipped(len(self.counts))])
        far = np.flatnonzero(changes > FACTOR * usual)
        if usual > 0 and len(far):
            place = int(far[0])
            raise DataError(
                f"a value changes by {changes[place]:g} from {stamped.at(place)} to {stamped.at(place + 1)},"
                f" far more than between other times ({usual:g})",
                where=location,
                fix="A file may be damaged: fetch both again. If the change is real, give --range LOW,HIGH.",
            )

    def _refuse_other_scale(self, stamped: Stamped, location: str) -> None:
        found = scale_break(np.array(self.sizes), stamped.times, stamped.files)
        if found is None:
            return
        more = f" and {len(found.places) - 1} more times"
        difference = f"{found.factor:.3g} times larger" if found.factor > 1 else f"{1 / found.factor:.3g} times smaller"
        raise DataError(
            f"the values at {stamped.at(int(found.places[0]))}{more} are about {difference} than those of other times",
            where=location,
            fix="They seem to be in another unit or scale: convert them, or write scale_factor into the file. If they "
            "are real, give --range LOW,HIGH.",
        )

    def _notes(self, stamped: Stamped) -> list[str]:
        counts = np.array(self.counts)
        values, numbers = np.unique(counts, return_counts=True)
        usual = int(values[numbers.argmax()])
        odd = np.flatnonzero(counts != usual)
        notes = []
        if len(odd) and numbers.max() >= _CONSTANT_SHARE * len(counts):
            notes.append(f"{len(odd)} frames have other than {usual} valid cells, e.g. {stamped.at(int(odd[0]))}")
        flat = [place for place in range(len(counts)) if self._is_flat(place)]
        if flat and len(flat) < len(counts):
            lowest = f"{self.lows[flat[0]]:g} at {stamped.at(flat[0])}"
            notes.append(f"{len(flat)} frames have one value in all cells, e.g. {lowest}")
        same = [place + 1 for place, change in enumerate(self.changes) if change == 0]
        if same:
            notes.append(f"{len(same)} frames equal the one before, e.g. {stamped.at(same[0])}")
        return notes
