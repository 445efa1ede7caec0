"""What is predicted into a file: chunks of samples that are read when their turn comes, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.inference.load import TrainedRun
from geoml_cli.samples.samples import Samples
from geoml_cli.writers.chunk_store import ChunkStore

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


class ChunkSamples(NamedTuple):
    """The samples of a chunk.

    Attributes:
        samples: Of the chunk, or of all chunks; None where no cell of the chunk carries one.
        rows: Which of them are the chunk's.
        valid: Which cells of the chunk carry a sample; None where all do and the chunk is one row of cells.
        steps: Lead times of forecasts of maps, past the network's own where it is fed its own maps; None of others.
        reason: Place among the job's reasons why a cell carries no sample, -1 where it is none of them, in the shape of
            the cells; None of a job without reasons.
    """

    samples: Samples | None
    rows: Rows
    valid: NDArray[np.bool_] | None = None
    steps: int | None = None
    reason: NDArray[np.int16] | None = None


class Chunk(NamedTuple):
    """A piece of a prediction.

    Attributes:
        number: From 0.
        read: Makes its samples; called only where the chunk is not predicted yet.
    """

    number: int
    read: Callable[[], ChunkSamples]


@dataclass(frozen=True)
class PredictionJob:
    """A prediction of one kind of input into one file.

    Attributes:
        cell: What one prediction is of, in the plural: samples, points, pixels, cells.
        digest: What determines the samples; chunks of another digest are not reused.
        chunks: The chunks in order.
        total: How many; None where only reading tells.
        write: Writes the file (or files) from finished chunks, given their number; returns it (or the first), then
            figures and styles next to it.
        counted: What the summary counts, where one prediction has several values, as a forecast has of cells and steps.
        summarised: Which output the summary describes.
        written_values: Values that the summary describes instead, where the file holds others than the outputs.
        reasons: Why a cell may carry no sample; empty where it is not known.
        keeps_reasons: Whether the reason of each cell is written, and not the counts alone.
        copies: How often values lie on disk in addition to the chunks while a file is written, at most.
        unit: Of that output.
        check: Refuses a file that cannot be written, before anything is predicted.
    """

    cell: str
    digest: Mapping[str, object]
    chunks: Callable[[], Iterator[Chunk]]
    total: int | None
    write: Callable[[Path, ChunkStore, int], list[Path]]
    unit: str
    check: Callable[[Path], None]
    counted: str = ""
    summarised: int = 0
    written_values: Callable[[], Iterable[Floats]] | None = None
    reasons: Sequence[str] = ()
    keeps_reasons: bool = False
    copies: Callable[[Path], int] = lambda out: 1


def attributes(trained: TrainedRun, dataset: Dataset | None = None) -> dict[str, str]:
    """Describe a prediction, for the head of its file; `dataset` is what was read, where it is a data set."""
    data = trained.data
    digest = dataset.manifest.digest() if dataset else data.digest
    return {
        "title": f"{data.signature.target_name} predicted by {trained.predicts}",
        "source": f"geoml run {trained.run.id}, members {', '.join(trained.members)}",
        "run_id": trained.run.id,
        "data_digest": digest or "unknown",
        **{f"intervals_{one.task.target.name}": one.promise for one in trained.intervals.values()},
    }
