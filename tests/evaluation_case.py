"""A small soc run on disk whose networks are known functions, so that every number can be checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.config.load import written
from geoml_cli.config.settings import Settings, SharedTables
from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.dataset.manifest import Funnel, Manifest
from geoml_cli.dataset.store import Dataset, DatasetWriter, content_digest
from geoml_cli.dataset.variables import Variable
from geoml_cli.evaluation.inputs import EvaluationInputs, MemberPredictor, Rows, Subset
from geoml_cli.models.soc.settings import NetworkSettings, SocTables
from geoml_cli.models.spec import SINGLE, Network
from geoml_cli.runs.create import Plan, create
from geoml_cli.runs.data_record import DataRecord
from geoml_cli.runs.run import Run
from geoml_cli.samples import scaling
from geoml_cli.samples.samples import InputSignature, Samples, Signature, signature
from geoml_cli.samples.settings import TargetSettings
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split

COVARIATES = ["rain", "slope", "LCEE10=1", "LCEE10=2", "noise"]
SIZE = 240
Values = NDArray[np.float64]


@dataclass
class Case:
    """What a test may vary.

    Attributes:
        folder: Of the data set and the run.
        split: The run's `[split]`.
        target: The run's `[target]`.
        evaluate: The run's `[evaluate]`.
        marks: `split` variable of the data set, shape [splits, SIZE].
        stations: Names of stations, one a sample.
        coordinates: Whether samples have them.
        lost: Rows whose target is unknown.
        kind: Trained or imported.
    """

    folder: Path
    split: SplitSettings = field(default_factory=lambda: SplitSettings(kind="blocks", folds=3, seeds=(1, 2)))
    target: TargetSettings = field(default_factory=lambda: TargetSettings(transform="log", scaling="standard"))
    evaluate: EvaluateSettings = field(
        default_factory=lambda: EvaluateSettings(n_bootstrap=150, importance_repeats=2, baselines=("mean", "ridge"))
    )
    marks: NDArray[np.int8] | None = None
    stations: list[str] | None = None
    coordinates: bool = True
    lost: tuple[int, ...] = ()
    imported: bool = False

    def dataset(self) -> Dataset:
        """Write the prepared data set and open it."""
        folder = self.folder / "data"
        folder.mkdir()
        with DatasetWriter(folder) as writer:
            self._fill(writer)
        funnel = Funnel(read=SIZE + 7, dropped={"off the raster <b>": 7}, kept=SIZE)
        parts = {"source": "soc", "layout": "samples", "options": {}, "geoml_version": "0", "raw": "raw"}
        parts["content"] = content_digest(folder, writer.records)
        Manifest(**parts, files=(), variables=writer.records, funnel=funnel).write(folder)  # type: ignore[arg-type]
        return Dataset(folder)

    def settings(self) -> Settings:
        """The run's settings."""
        shared = SharedTables(model="soc", source="soc", split=self.split, target=self.target, evaluate=self.evaluate)
        return Settings("map", shared, SocTables(network=NetworkSettings(variant="cnn")), {})

    def run(self, dataset: Dataset, settings: Settings, done: list[str] | None = None) -> Run:
        """Make the run folder; members in `done` (None: all) count as trained."""
        samples = network_record(settings).samples(dataset)
        members = {"released": self._unknown()} if self.imported else self._divided(dataset, samples)
        data = DataRecord(
            source="soc",
            digest=None if self.imported else dataset.manifest.digest(),
            folder=None,
            signatures={"": signature(samples)},
        )
        kind = "imported" if self.imported else "trained"
        plan = Plan("soc", "map", written(settings), {}, data, members, kind)  # type: ignore[arg-type]
        run = create(self.folder / "run", plan)
        for name in members if done is None else done:
            run.mark(name, "finished")
        return run

    def inputs(self, subset: Subset = "test", done: list[str] | None = None) -> EvaluationInputs:
        """Open all of it, with known functions for networks."""
        dataset, settings = self.dataset(), self.settings()
        run = self.run(dataset, settings, done)
        predictors = {name: network(run.split(name).seed) for name in run.members()}
        record = network_record(settings)
        samples = record.samples(dataset)
        task = record.task(signature(samples))
        return EvaluationInputs(run, dataset, settings, record, samples, task, predictors, subset)

    def _fill(self, writer: DatasetWriter) -> None:
        static, soc, place = fields()
        soc[list(self.lost)] = np.nan
        if not self.coordinates:
            place[:] = np.nan
        for name, size in (("sample", SIZE), ("covariate", 5), ("row", 5), ("col", 5)):
            writer.dimension(name, size)
        dims = ("sample", "covariate", "row", "col")
        names = [f"P{row}<script>" for row in range(SIZE)]
        writer.put(Variable("id", "", "name", ("sample",), dtype="str"), names)
        writer.put(Variable("covariate", "", "covariate", ("covariate",), dtype="str"), COVARIATES)
        writer.put(Variable("static", "1", "covariates", dims), static)
        writer.put(Variable("soc", "g kg-1", "soil organic carbon", ("sample",)), soc)
        writer.put(Variable("lon", "degrees_east", "longitude", ("sample",), dtype="f8"), place[:, 0])
        writer.put(Variable("lat", "degrees_north", "latitude", ("sample",), dtype="f8"), place[:, 1])
        if self.marks is not None:
            writer.dimension("split", len(self.marks))
            writer.put(Variable("split", "1", "split", ("split", "sample"), dtype="i1"), self.marks)
        if self.stations is not None:
            writer.put(Variable("station", "", "station", ("sample",), dtype="str"), self.stations)

    def _divided(self, dataset: Dataset, samples: Samples) -> dict[str, tuple[Split, scaling.Scaling]]:
        shared = self.settings().shared
        divided = splits(dataset, shared.split, samples.usable(), SIZE)
        return {
            name: (split, scaling.fit(samples, split.train, shared.inputs, shared.target))
            for name, split in divided.items()
        }

    def _unknown(self) -> tuple[Split, scaling.Scaling]:
        none = np.empty(0, dtype=np.int64)
        static = InputSignature(shape=(5, 5, 5), axis=1, names=tuple("abcde"))
        signature = Signature(inputs={"static": static}, target_name="soc", unit="%")
        return Split(none, none, none, "released", 0), scaling.unscaled(signature)


def network_record(settings: Settings) -> Network:
    """Return the record of soc's network."""
    found: Network = registry.spec("soc").networks(settings.own)[SINGLE]
    return found


def fields() -> tuple[NDArray[np.float32], Values, Values]:
    """Return covariates [SIZE, 5, 5, 5], SOC [SIZE] and places [SIZE, 2]."""
    generator = np.random.default_rng(11)
    centre = np.stack(
        [
            generator.normal(0, 1, SIZE),
            generator.normal(0, 1, SIZE),
            *(generator.integers(0, 3, SIZE) == np.array([[1], [2]])).astype(float),
            generator.normal(0, 1, SIZE),
        ],
        axis=1,
    )
    soc = np.exp(signal(centre) + generator.normal(0, 0.15, SIZE))
    place = np.stack([generator.uniform(20.5, 22.5, SIZE), generator.uniform(41, 42, SIZE)], axis=1)
    static = np.repeat(np.repeat(centre[:, :, None, None], 5, axis=2), 5, axis=3)
    return static.astype(np.float32), soc, place


def signal(centre_N5: Values) -> Values:
    """Log SOC as it follows from the covariates; noise has no part in it."""
    return np.asarray(3 + centre_N5 @ np.array([0.6, 0.2, 0.3, -0.3, 0.0]), dtype=np.float64)


def network(seed: int) -> MemberPredictor:
    """A network that knows the signal, but for an error of its seed."""

    def predict(samples: Samples, rows: Rows) -> Values:
        centre = np.asarray(samples.inputs["static"].values[rows], dtype=np.float64).mean(axis=(2, 3))
        return np.exp(signal(centre)) + seed

    return predict
