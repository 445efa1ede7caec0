"""Samples of a window under a mask: pixels outside of it are not predicted, and counted for that reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.inference.inputs.vectors import Mask
from geoml_cli.inference.job import ChunkSamples
from geoml_cli.inference.load import TrainedRun
from geoml_cli.samples.input import SampleBlock

OUTSIDE = "outside the mask"
Window = tuple[slice, slice]


@dataclass(frozen=True)
class MaskedWindows:
    """Windows of a stack, under a mask where there is one.

    Attributes:
        trained: The run that predicts them.
        mask: None takes every pixel.
        stack_reasons: Why a pixel of the stack carries no sample.
    """

    trained: TrainedRun
    mask: Mask | None
    stack_reasons: Sequence[str]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Name why a pixel carries no sample."""
        return (*self.stack_reasons, *((OUTSIDE,) if self.mask else ()))

    @property
    def digest(self) -> dict[str, object]:
        """Name the mask: chunks of another one are not reused."""
        return {"mask": self.mask.digest} if self.mask else {}

    @property
    def attributes(self) -> dict[str, str]:
        """Describe the mask, for the head of a file."""
        return {"mask": self.mask.text} if self.mask else {}

    def samples(self, window: Window, shape: tuple[int, ...], read: Callable[[], SampleBlock]) -> ChunkSamples:
        """Return the samples of a window; one that lies outside the mask is not read.

        Args:
            window: Rows and columns.
            shape: Of the cells, rows and columns last.
            read: Reads the window.
        """
        inside = np.broadcast_to(self.mask.inside(*window) if self.mask else np.True_, shape)
        if not inside.any():
            none = np.empty(0, dtype=np.int64)
            return ChunkSamples(None, none, ~inside & False, reason=self._reasons(None, inside))
        block = read()
        samples = self.trained.samples(block.variables)
        rows = np.flatnonzero(inside[block.valid])
        return ChunkSamples(samples, rows, block.valid & inside, reason=self._reasons(block.reason, inside))

    def _reasons(self, reason: NDArray[np.int16] | None, inside: NDArray[np.bool_]) -> NDArray[np.int16]:
        """Put the mask before the reasons of the stack."""
        own = np.full(inside.shape, -1, dtype=np.int16) if reason is None else reason
        return np.where(inside, own, len(self.stack_reasons)).astype(np.int16)
