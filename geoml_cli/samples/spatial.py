"""From maps as a data set holds them to maps that a network sees, and back.

A map is cropped, padded and resized, in this order. Each step is linear and separable, so the whole is two matrices,
one for rows and one for columns: the same in training, in evaluation and inside an exported graph. Without a resize the
matrices would hold zeros and ones, and cells are moved. Missing cells have
no weight: a smaller map's cell is a mean of the known cells about it, whose weights fall from its middle to nothing at
the middles of its neighbours (a triangle, cut off at the map's edges).

Legend: y, x rows and columns of the data set's map; H, W of the network's map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_LEAST_KNOWN = 0.5
"""Share of a cell of the network's map that must be known: a coast belongs to the side with more of the cell. Of a cell
without which sea cells would have no value, such as those of an inlet, the share of its sea."""


@dataclass(frozen=True)
class Geometry:
    """How maps are changed.

    Attributes:
        native: Rows and columns of the data set's map.
        crop: First row, first column, rows, columns that are kept; None keeps all.
        square: Whether the crop is padded to a square, evenly on both sides.
        size: Rows and columns of the network's map; None pads up to a multiple and does not resize.
        multiple: Rows and columns are padded up to a multiple of this where there is no size.
        zero: Whether missing cells count as 0 in physical units, as some papers do; they are then never missing.
    """

    native: tuple[int, int]
    crop: tuple[int, int, int, int] | None = None
    square: bool = False
    size: tuple[int, int] | None = None
    multiple: int = 1
    zero: bool = False

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Return first row, first column, rows and columns of what is kept."""
        return self.crop or (0, 0, *self.native)

    @property
    def padded(self) -> tuple[int, int]:
        """Return rows and columns after padding."""
        rows, columns = self.window[2:]
        if self.square:
            rows = columns = max(rows, columns)
        if self.size is None:
            rows, columns = (-(-side // self.multiple) * self.multiple for side in (rows, columns))
        return rows, columns

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the network's map."""
        return self.size or self.padded

    @property
    def resized(self) -> bool:
        """Return whether cells change their size."""
        return self.shape != self.padded

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Return what is added to the crop: columns before and after it, rows before and after it."""
        rows, columns = (padded - kept for padded, kept in zip(self.padded, self.window[2:], strict=True))
        return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2

    @property
    def around(self) -> tuple[int, int, int, int]:
        """Return what the crop leaves out, likewise."""
        top, left, rows, columns = self.window
        return left, self.native[1] - left - columns, top, self.native[0] - top - rows


class SpatialTransform(nn.Module):
    """Crops, pads and resizes maps; a module, so that an exported graph carries it.

    Args:
        geometry: How maps are changed.
        land: Cells of the data set's map that are never known, [y, x].
    """

    def __init__(self, geometry: Geometry, land: NDArray[np.bool_]) -> None:
        super().__init__()
        self.geometry = geometry
        assert min(geometry.around) >= 0, "the crop lies inside"
        if geometry.resized:
            for axis, name in enumerate(("rows", "columns")):
                down, up = _matrices(geometry, axis)
                self.register_buffer(f"{name}_down", down)
                self.register_buffer(f"{name}_up", up)
        self.register_buffer("sea", torch.from_numpy(~np.asarray(land, dtype=bool)))
        share = self._down(self.sea.float())
        self.register_buffer("least", torch.full_like(share, _LEAST_KNOWN))
        self.register_buffer("known", torch.ones_like(share) if geometry.zero else (share >= _LEAST_KNOWN).float())
        if geometry.resized and not geometry.zero:
            self._keep_inlets(share)
        self.register_buffer("covered", (self._up(self.known) > 0) & self.sea)

    rows_down: Tensor
    rows_up: Tensor
    columns_down: Tensor
    columns_up: Tensor
    sea: Tensor
    """Cells of the data set's map that are not land, [y, x]."""
    known: Tensor
    """1 where the network's map shows sea, else 0, [H, W]."""
    least: Tensor
    """Share of each cell that must be known for it to have a value, [H, W]."""
    covered: Tensor
    """Cells of the data set's map that `inverse` gives a value, [y, x]."""

    def _keep_inlets(self, share_HW: Tensor) -> None:
        """Let the nearest cell of the network's map be sea where all around a sea cell would be land."""
        top, left, rows, columns = self.geometry.window
        inside = torch.zeros_like(self.sea)
        inside[top : top + rows, left : left + columns] = True
        y, x = torch.nonzero(self.sea & inside & (self._up(self.known) <= 0), as_tuple=True)
        nearest = self.rows_up[y].argmax(dim=1), self.columns_up[x].argmax(dim=1)
        self.known[nearest] = 1.0
        self.least[nearest] = _LEAST_KNOWN * share_HW[nearest]

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps [..., y, x] as the network sees them, [..., H, W]; NaN where less than half is known.

        What maps hold on land counts for nothing.
        """
        known = torch.isfinite(maps) & self.sea
        values = self._down(torch.where(known, maps, 0.0))
        if self.geometry.zero:
            return values
        weight = self._down(known.to(maps.dtype))
        nothing = torch.full_like(values, torch.nan)
        tiny = torch.finfo(maps.dtype).tiny
        return torch.where(weight >= self.least.to(maps.dtype), values / weight.clamp(min=tiny), nothing)

    def inverse(self, maps: Tensor) -> Tensor:
        """Return maps [..., H, W] on the data set's grid, [..., y, x]; NaN on land and outside of the crop.

        A sea cell near the coast takes the mean of the sea cells next to it: what a network puts out over land counts
        for nothing.
        """
        known = self.known.to(maps.dtype)
        weight = self._up(known)
        values = self._up(maps * known) / weight.clamp(min=torch.finfo(maps.dtype).tiny)
        return torch.where(self.covered, values, torch.full_like(values, torch.nan))

    def _down(self, maps: Tensor) -> Tensor:
        if not self.geometry.resized:
            top, left, rows, columns = self.geometry.window
            return functional.pad(maps[..., top : top + rows, left : left + columns], self.geometry.padding)
        return self.rows_down.to(maps.dtype) @ maps @ self.columns_down.to(maps.dtype).T

    def _up(self, maps: Tensor) -> Tensor:
        if not self.geometry.resized:
            (left, _, top, _), (rows, columns) = self.geometry.padding, self.geometry.window[2:]
            return functional.pad(maps[..., top : top + rows, left : left + columns], self.geometry.around)
        return self.rows_up.to(maps.dtype) @ maps @ self.columns_up.to(maps.dtype).T


def _matrices(geometry: Geometry, axis: int) -> tuple[Tensor, Tensor]:
    """Return the matrices of one axis: from the data set's cells to the network's, and back."""
    native, begin, kept = geometry.native[axis], geometry.window[axis], geometry.window[2 + axis]
    padded, wanted = geometry.padded[axis], geometry.shape[axis]
    before = (padded - kept) // 2
    placed = torch.zeros(padded, native)
    places = torch.arange(kept)
    placed[before + places, begin + places] = 1.0
    # Both directions are linear, so that their matrices are what they make of the unit vectors.
    down = _resized(torch.eye(padded), wanted, antialias=True)
    up = _resized(torch.eye(wanted), padded, antialias=False)
    return down @ placed, placed.T @ up


def _resized(columns: Tensor, size: int, *, antialias: bool) -> Tensor:
    """Interpolate every column [n] linearly to [size]."""
    if len(columns) == size:
        return columns
    found = functional.interpolate(
        columns[None, None], size=(size, columns.shape[1]), mode="bilinear", align_corners=False, antialias=antialias
    )
    return found[0, 0]
