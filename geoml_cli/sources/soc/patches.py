"""Samples cut from a stack of rasters: windows of static covariates, series at the centre.

Legend: L layers, S static layers, C channels (classes one-hot), W window, N samples, Y years, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from geoml_cli.dataset.store import Array
from geoml_cli.readers.stacks import Stack
from geoml_cli.samples.input import first_reason
from geoml_cli.samples.patches import Patches
from geoml_cli.sources.soc.plan import Layer, Plan


@dataclass(frozen=True)
class PatchExtractor:
    """Cuts samples from a stack as a plan says; a pixel of a class that the plan does not know is missing."""

    plan: Plan
    stack: Stack

    def read(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Read a window of all layers and the halo that its pixels' windows need.

        Returns:
            Physical values, shape [L, rows + 2 half, columns + 2 half], NaN where there is no data, and where a class
            is not known.
        """
        values = self.read_all(rows, columns)
        for band, unknown in self.unknown(values).items():
            values[band][unknown] = np.nan
        return values

    def read_all(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Read a window as `read` does, with classes that are not known."""
        half = self.plan.half
        return self.stack.read(
            slice(rows.start - half, rows.stop + half), slice(columns.start - half, columns.stop + half)
        )

    def unknown(self, values: NDArray[np.float32]) -> dict[int, NDArray[np.bool_]]:
        """Return by layer of classes which pixels have a class that the plan does not know."""
        return {
            band: np.isfinite(values[band]) & ~np.isin(values[band], layer.classes)
            for band, layer in enumerate(self.plan.covariates)
            if layer.kind == "class"
        }

    def reasons(self) -> tuple[str, ...]:
        """Name why a pixel may have no sample, in the order of `reason`."""
        names = [layer.name for layer in self.plan.layers]
        classes = [layer.name for layer in self.plan.covariates if layer.kind == "class"]
        return (
            "the window crosses the edge of the rasters",
            "no data in any covariate",
            *(f"no data in {name}" for name in names),
            *(f"a class of {name} that the training samples lack" for name in classes),
        )

    def read_with_reason(self, rows: slice, columns: slice) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
        """Read a window as `read` does, and tell why its pixels have no sample.

        Returns:
            Values as of `read`; and the place among `reasons` of each pixel's first, -1 where it has a sample, shape
            [rows, columns].
        """
        values = self.read_all(rows, columns)
        holds = self.holds(values)
        return values, first_reason(np.stack([self._beyond(rows, columns), *holds]))

    def holds(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which reasons but the first hold of each pixel, [reasons - 1, rows, columns].

        Args:
            values: From `read_all`; classes that are not known become NaN.
        """
        unknown, missing_mask = self.unknown(values), self.incomplete(values)
        for band, places in unknown.items():
            values[band][places] = np.nan
        # A class without data is refused before one that is not known.
        strange = self.incomplete(values) if any(places.any() for places in unknown.values()) else missing_mask
        return np.stack([missing_mask.all(axis=0), *missing_mask, *strange[list(unknown)]])

    def _beyond(self, rows: slice, columns: slice) -> NDArray[np.bool_]:
        """Tell whose windows cross the edge of the rasters."""
        half, grid = self.plan.half, self.stack.grid
        row, column = np.ogrid[rows, columns]
        return np.asarray(
            (row < half) | (row >= grid.height - half) | (column < half) | (column >= grid.width - half), dtype=np.bool_
        )

    def incomplete(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell for every layer which pixels have no sample.

        Args:
            values: From `read`, shape [L, rows + 2 half, columns + 2 half].

        Returns:
            Shape [L, rows, columns]: data are missing in the window (static) or in the pixel (yearly).
        """
        half, window = self.plan.half, 2 * self.plan.half + 1
        missing = ~np.isfinite(values)
        static = len(self.plan.covariates)
        rows, columns = values.shape[1] - 2 * half, values.shape[2] - 2 * half
        touched = np.zeros((len(values), rows, columns), dtype=np.bool_)
        # A window is touched if a run of rows, then of columns, is: two short passes in place of window**2.
        along = sliding_window_view(missing[:static], window, axis=1).any(axis=-1)
        touched[:static] = sliding_window_view(along, window, axis=2).any(axis=-1)
        touched[static:] = missing[static:, half : half + rows, half : half + columns]
        return touched

    def gather(
        self, values: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> dict[str, Array]:
        """Cut samples out of a window that was read.

        Args:
            values: From `read`.
            rows: Rows of the samples' pixels in the window, without its halo, shape [N].
            columns: Their columns.

        Returns:
            `static` [N, C, W, W] and `series` [N, Y, F], physical values; only those the plan has.
        """
        cut = self._series(values, rows, columns)
        if self.plan.covariates:
            windows_NSWW = Patches(values[: len(self.plan.covariates)], rows, columns, 2 * self.plan.half + 1)[:]
            cut["static"] = self._channels(windows_NSWW)
        return cut

    def gather_lazily(
        self, values: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> dict[str, Array]:
        """Cut samples as `gather` does; windows are cut when they are asked for."""
        cut = self._series(values, rows, columns)
        if self.plan.covariates:
            block_CYX = self._channels(values[: len(self.plan.covariates)])
            windows = Patches(block_CYX, rows, columns, 2 * self.plan.half + 1)
            cut["static"] = cast("Array", windows)  # stands in for one, as windows of series do
        return cut

    def _series(
        self, values: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> dict[str, Array]:
        if not self.plan.features:
            return {}
        half = self.plan.half
        series_LN = values[len(self.plan.covariates) :, rows + half, columns + half]
        shape = (len(rows), len(self.plan.years), len(self.plan.features))
        return {"series": np.ascontiguousarray(series_LN.T).reshape(shape)}

    def _channels(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the channels of static layers, [..., C, Y, X] of [..., S, Y, X]."""
        shape = (*values.shape[:-3], len(self.plan.channels), *values.shape[-2:])
        channels, at = np.empty(shape, dtype=np.float32), 0
        for place, layer in enumerate(self.plan.covariates):
            width = len(layer.channels())
            channels[..., at : at + width, :, :] = _expanded(layer, values[..., place, :, :])
            at += width
        return channels


def _expanded(layer: Layer, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the channels of a layer, [..., channels, Y, X] of [..., Y, X]."""
    if layer.kind == "continuous":
        return values[..., None, :, :]
    codes = np.array(layer.classes, dtype=np.float32)[:, None, None]
    return np.asarray(values[..., None, :, :] == codes, dtype=np.float32)
